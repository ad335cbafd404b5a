import { type IndexingEntry, indexingClaims } from '@joinery/blocks'
import { useClaims } from './use-claims.ts'

/** The indexes of block `id`, sorted by `index_name`. Write them with `useBlock(id)?.indexingList`. */
export function useIndexingList(id: string): readonly IndexingEntry[] {
  return useClaims(id, indexingClaims)
}
