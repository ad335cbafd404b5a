import { connectWorkspace, type Workspace } from '@joinery/client'
import { onTestFinished } from 'vitest'

/**
 * A workspace that never opens a socket: hooks show its document, and nothing changes by itself. It is closed when the test has
 * ended and its page is gone.
 */
export function offlineWorkspace(): Workspace {
  const token = () => new Promise<never>(() => undefined)
  const workspace = connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w', offline: false, token })
  onTestFinished(() => workspace.close())
  return workspace
}
