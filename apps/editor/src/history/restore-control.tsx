import type { WorkspaceHistory } from '@joinery/client'
import { type ReactNode, useState } from 'react'

type State = { readonly state: 'idle' | 'asking' | 'restoring' } | { readonly state: 'failed'; readonly reason: string }

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
  const restore = (): void => {
    setState({ state: 'restoring' })
    source.restore(lsn).then(
      (restored) => onRestored(restored.lsn),
      (error: unknown) => setState({ state: 'failed', reason: error instanceof Error ? error.message : String(error) }),
    )
  }
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
        Everybody in the workspace will see blocks, texts and edges as they were then. The restore is a new edit: the
        present state stays in the history, and can be restored as well.
      </p>
      {state.state === 'failed' && (
        <p role="alert" className="problem">
          {state.reason}
        </p>
      )}
      <button type="button" className="primary" disabled={state.state === 'restoring'} onClick={restore}>
        {state.state === 'restoring' ? 'Restoring…' : 'Restore for everybody'}
      </button>
      <button type="button" onClick={() => setState({ state: 'idle' })}>
        Leave it as it is
      </button>
    </div>
  )
}
