import type { IndexingEntry } from '@joinery/blocks'
import { useBlockPart } from './use-block-part.ts'

const NO_ENTRIES: readonly IndexingEntry[] = Object.freeze([])

/** The indexes of block `id`, sorted by `index_name`. Write them with `useBlock(id)?.indexingList`. */
export function useIndexingList(id: string): readonly IndexingEntry[] {
  return useBlockPart(id, 'indexingList', (block) => block?.indexingList.entries() ?? NO_ENTRIES)
}
