import { useConflicts, useWorkspace } from '@joinery/react'
import { useMemo } from 'react'
import { titleOf } from '../block-title.ts'
import { STATUSES } from '../page-machines.ts'
import { conflictWords, type ShownConflict } from './conflict-words.ts'
import { isAgreed } from './told-status.ts'

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
      conflicts.flatMap((conflict) => {
        if (isAgreed(conflict, STATUSES.rules)) return []
        const { id, atMs, block } = conflict
        const title = titleOf(workspace.blocks.get(block)?.fields.get('title'), block)
        return { id, atMs, blockId: block, ...conflictWords(conflict, title, STATUSES.rules) }
      }),
    [conflicts, workspace],
  )
  return useMemo(() => ({ list, dismiss, clear }), [list, dismiss, clear])
}
