import { connectWorkspace, type Workspace } from '@joinery/client'
import { onTestFinished } from 'vitest'

/**
 * A workspace that never gets as far as a socket: what hooks show is what is in its document, and nothing changes by itself.
 * Closed when the test has ended and what it rendered is gone.
 */
export function offlineWorkspace(): Workspace {
  const token = () => new Promise<never>(() => undefined)
  const workspace = connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w', offline: false, token })
  onTestFinished(() => workspace.close())
  return workspace
}
