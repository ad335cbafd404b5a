import type { Block } from '@joinery/blocks'
import { followBlock } from '@joinery/client'
import { useCallback, useSyncExternalStore } from 'react'
import { useWorkspace } from './use-workspace.ts'

/**
 * The value that `read` returns for block `id`. Renders again only when that value has changed after an edit of `part`; without
 * `part`, when the block is created, deleted or replaced. `read` must return the same object while nothing has changed.
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
