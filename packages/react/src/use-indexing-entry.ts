import type { IndexingEntry } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

/** The shown entry of one index of block `id`. Changes of the block's other indexes render nothing. */
export function useIndexingEntry(id: string, indexName: string): IndexingEntry | undefined {
  return useBlockPart(id, 'indexingList', (block) => block?.indexingList.get(indexName))
}
