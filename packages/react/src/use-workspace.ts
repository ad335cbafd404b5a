import type { Workspace } from '@joinery/client'
import { use } from 'react'
import { HooksError } from './hooks-error.ts'
import { WorkspaceContext } from './workspace-provider.ts'

export interface UseWorkspaceOptions {
  /**
   * Suspends the first render, in the nearest `Suspense`: `loaded` until this device's copy is loaded, `synced` until the server's
   * state is there (while offline, too). With `synced` a refused connection throws its `ClientError` to the error boundary. Once
   * for each workspace: later resets and reconnects suspend nothing.
   */
  readonly waitFor?: 'loaded' | 'synced'
}

/** The workspace of the nearest `WorkspaceProvider`. Throws `no_provider`. */
export function useWorkspace({ waitFor }: UseWorkspaceOptions = {}): Workspace {
  const workspace = use(WorkspaceContext)
  if (workspace === undefined)
    throw new HooksError('no_provider', 'there is no WorkspaceProvider above this hook: wrap the component in one')
  if (waitFor !== undefined) use(firstPromise(workspace, waitFor))
  return workspace
}

/** The first promise of each workspace. The SDK makes a new one at a reset, which must not hide a shown tree behind its fallback. */
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
    // After a refusal, a tree whose error boundary was reset waits for the next attempt's promise.
    first.catch(() => {
      known[what] = undefined
    })
  }
  return first
}
