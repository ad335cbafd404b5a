import { useMemo } from 'react'
import { useBlockPart } from './use-block-part.ts'

/** The names of block `id`'s indexes, sorted. Renders again when one is added or removed, not when a status changes. */
export function useIndexNames(id: string): readonly string[] {
  // As one text: it is the same value while the names are the same.
  const names = useBlockPart(id, 'indexingList', (block) =>
    JSON.stringify(block?.indexingList.entries().map((entry) => entry.index_name) ?? []),
  )
  return useMemo(() => JSON.parse(names) as string[], [names])
}
