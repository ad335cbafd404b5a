import { useConflicts, useWorkspace } from '@joinery/react'
import { useMemo } from 'react'
import { titleOf } from '../block-title.ts'
import { conflictWords, type ShownConflict } from './conflict-words.ts'

export interface AllConflicts {
  /** Newest first. */
  readonly list: readonly ShownConflict[]
  readonly dismiss: (id: string) => void
  readonly clear: () => void
}

/** All conflicts since the page was opened. The server reports those of statuses and fields, and a job those of texts. */
export function useAllConflicts(): AllConflicts {
  const workspace = useWorkspace()
  const { conflicts, dismiss, clear } = useConflicts()
  const list = useMemo(
    () =>
      conflicts.map((conflict) => {
        const title = titleOf(workspace.blocks.get(conflict.block)?.fields.get('title'), conflict.block)
        return { id: conflict.id, atMs: conflict.atMs, blockId: conflict.block, ...conflictWords(conflict, title) }
      }),
    [conflicts, workspace],
  )
  return useMemo(() => ({ list, dismiss, clear }), [list, dismiss, clear])
}
