import type { Workspace } from '@joinery/client'
import { use } from 'react'
import { HooksError } from './hooks-error.ts'
import { WorkspaceContext } from './workspace-provider.ts'

export interface UseWorkspaceOptions {
  /**
   * What to wait for before the first render, in the nearest `Suspense`: `loaded` for what this device has, `synced` for what
   * the server has (for as long as one is offline; a refused connection throws its `ClientError` to the error boundary). Once
   * per workspace: later resets and reconnections suspend nothing.
   */
  readonly waitFor?: 'loaded' | 'synced'
}

/** The workspace of the nearest `WorkspaceProvider`. Throws `no_provider`. */
export function useWorkspace({ waitFor }: UseWorkspaceOptions = {}): Workspace {
  const workspace = use(WorkspaceContext)
  if (workspace === undefined) throw new HooksError('no_provider', 'this hook needs a WorkspaceProvider above it')
  if (waitFor !== undefined) use(firstPromise(workspace, waitFor))
  return workspace
}

/** The SDK puts a new promise in place at a reset; a tree that is shown must not vanish behind its fallback for that. */
const firstPromises = new WeakMap<Workspace, Partial<Record<'loaded' | 'synced', Promise<void> | undefined>>>()

function firstPromise(workspace: Workspace, what: 'loaded' | 'synced'): Promise<void> {
  let known = firstPromises.get(workspace)
  if (known === undefined) {
    known = {}
    firstPromises.set(workspace, known)
  }
  const first = known[what] ?? (what === 'loaded' ? workspace.whenLoaded : workspace.whenSynced)
  if (known[what] === undefined) {
    known[what] = first
    // Refused: once an error boundary is reset, the next attempt's promise is what to wait for.
    first.catch(() => {
      known[what] = undefined
    })
  }
  return first
}
