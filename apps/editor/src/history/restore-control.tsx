import { ClientError, type WorkspaceHistory } from '@joinery/client'
import { type ReactNode, useState } from 'react'
import { Problem } from '../panels/problem.tsx'

type State =
  | { readonly state: 'idle' | 'asking' | 'restoring' }
  | { readonly state: 'failed'; readonly reason: string; readonly isPartialPossible: boolean }

/** Button that restores the chosen state, after asking once. */
export function RestoreControl({
  source,
  lsn,
  onRestored,
}: {
  source: WorkspaceHistory
  lsn: number
  onRestored: (lsn: number) => void
}): ReactNode {
  const [state, setState] = useState<State>({ state: 'idle' })
  const restore = (partial: boolean): void => {
    setState({ state: 'restoring' })
    source.restore(lsn, { partial }).then(
      (restored) => onRestored(restored.lsn),
      (error: unknown) => {
        const isPartialPossible = error instanceof ClientError && error.refusal?.code === 'not_restorable'
        const reason = error instanceof Error ? error.message : String(error)
        setState({ state: 'failed', reason, isPartialPossible })
      },
    )
  }
  const isPartial = state.state === 'failed' && state.isPartialPossible
  if (state.state === 'idle') {
    return (
      <button type="button" className="primary restore" onClick={() => setState({ state: 'asking' })}>
        Restore this state
      </button>
    )
  }
  return (
    <div className="restore asking">
      <p>
        Everybody in the workspace will see blocks, texts, statuses, edges and all else as they were then. An index that
        was finished then shows as finished again, and one that was started since shows as it stood. The restore is a
        new edit: the present state stays in the history, and can be restored as well.
      </p>
      {state.state === 'failed' && <Problem reason={state.reason} />}
      <button
        type="button"
        className="primary"
        disabled={state.state === 'restoring'}
        onClick={() => restore(isPartial)}
      >
        {state.state === 'restoring'
          ? 'Restoring…'
          : isPartial
            ? 'Restore the rest for everybody'
            : 'Restore for everybody'}
      </button>
      <button type="button" onClick={() => setState({ state: 'idle' })}>
        Leave it as it is
      </button>
    </div>
  )
}
