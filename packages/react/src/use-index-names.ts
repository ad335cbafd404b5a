import type { Block } from '@joinery/blocks'
import { useRef } from 'react'
import { isSameList } from './same-list.ts'
import { useBlockPart } from './use-block-part.ts'

/** The names of block `id`'s indexes, sorted. Renders again when one is added or removed, not when a status changes. */
export function useIndexNames(id: string): readonly string[] {
  const last = useRef<readonly string[]>([])
  return useBlockPart(id, 'indexingList', (block: Block | undefined) => {
    const names = block?.indexingList.entries().map((entry) => entry.index_name) ?? []
    if (!isSameList(names, last.current)) last.current = names
    return last.current
  })
}
