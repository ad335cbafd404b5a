import { type HistoryPagesState, historyOf, type RecordFilter, type WorkspaceHistory } from '@joinery/client'
import { useMemo } from 'react'
import { useObservable } from './use-observable.ts'
import { useWorkspace } from './use-workspace.ts'

export interface HistoryView extends HistoryPagesState {
  /** Reads the next older page, or repeats the request that failed. */
  readonly more: () => void
  /** For past states, differences, and restoring. */
  readonly history: WorkspaceHistory
}

/**
 * The records of the workspace, newest first, new ones included: who wrote what, and when. `filter` selects a block, an actor or
 * a source; a new object with the same values is the same filter. On a server nothing is requested. See {@link useStateAt} for
 * the state at a record's LSN.
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
