import type { Block } from '@joinery/blocks'
import { followBlock } from '@joinery/client'
import { useCallback, useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/**
 * What `read` makes of block `id`; renders again only when that is another value after an edit of `part` (undefined: when
 * the block comes or goes). `read` must return the same object while nothing changed.
 */
export function useBlockPart<T>(id: string, part: string | undefined, read: (block: Block | undefined) => T): T {
  const workspace = useWorkspace()
  const subscribe = useCallback(
    (listener: () => void) => followBlock(workspace, id, part, listener),
    [workspace, id, part],
  )
  const get = (): T => read(workspace.blocks.get(id))
  return useSyncExternalStore(subscribe, get, get)
}
