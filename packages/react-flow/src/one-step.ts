import type { Workspace } from '@joinery/client'

const open = new WeakSet<Workspace>()

/**
 * Runs `edit` in one transaction. All edits of the same turn are one undo step, apart from what was done before and after:
 * React Flow tells of a deleted node and of its edges in two calls.
 */
export function inOneStep(workspace: Workspace, edit: () => void): void {
  if (!open.has(workspace)) {
    open.add(workspace)
    workspace.undo.split()
    queueMicrotask(() => {
      open.delete(workspace)
      workspace.undo.split()
    })
  }
  workspace.transact(edit)
}
