import type * as Y from 'yjs'
import type { Workspace } from './workspace.ts'

/**
 * Attaches to the workspace's document, and to each that takes its place; `listener` is told of the swap. Returns the
 * function that ends it.
 */
export function followDoc(workspace: Workspace, attach: (doc: Y.Doc) => () => void, listener: () => void): () => void {
  let detach = attach(workspace.doc)
  const unsubscribe = workspace.onReset(() => {
    detach()
    detach = attach(workspace.doc)
    listener()
  })
  return () => {
    unsubscribe()
    detach()
  }
}
