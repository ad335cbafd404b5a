import type * as Y from 'yjs'
import type { Workspace } from './workspace.ts'

/**
 * Calls `attach` with the workspace's document, and again with each document that replaces it; then calls `listener`. `attach`
 * returns the function that detaches. Returns the function that ends it all.
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
