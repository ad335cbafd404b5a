import { type HistoryPagesState, historyOf, type RecordFilter, type WorkspaceHistory } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface HistoryView extends HistoryPagesState {
  /** Reads one page more of what is older, or tries again what failed. */
  readonly more: () => void
  /** Past states, differences, restoring. */
  readonly history: WorkspaceHistory
}

/**
 * Who wrote what and when, newest first, following what is written; of one block, actor or source if `filter` says so (its
 * identity means nothing). Nothing is asked on a server. See {@link useStateAt} for what a record's LSN looked like.
 */
export function useHistory({ block, actor, source }: RecordFilter = {}): HistoryView {
  const workspace = useWorkspace()
  const history = historyOf(workspace)
  const pages = useMemo(
    () =>
      history.pages({
        ...(block !== undefined && { block }),
        ...(actor !== undefined && { actor }),
        ...(source !== undefined && { source }),
      }),
    [history, block, actor, source],
  )
  const state = useObservable(pages)
  return useMemo(() => ({ ...state, more: pages.more, history }), [state, pages, history])
}
