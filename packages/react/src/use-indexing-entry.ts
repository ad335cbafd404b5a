import type { IndexingEntry } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

/** The entry of one index of block `id`. Changes of the block's other indexes do not render it. */
export function useIndexingEntry(id: string, indexName: string): IndexingEntry | undefined {
  return useBlockPart(id, 'indexingList', (block) => block?.indexingList.get(indexName))
}
