import { connectWorkspace, type Workspace } from '@joinery/client'
import { afterEach } from 'vitest'

const open: Workspace[] = []
afterEach(async () => {
  for (const workspace of open.splice(0)) await workspace.close()
})

/** A workspace that nobody serves: what hooks show is what is in its document. Closed when the test ends. */
export function offlineWorkspace(): Workspace {
  // Port 9 is "discard": nothing listens there, and the refusal is immediate.
  const workspace = connectWorkspace({ url: 'ws://127.0.0.1:9', workspace: 'w', offline: false })
  open.push(workspace)
  return workspace
}
