import type * as Y from 'yjs'
import { followDoc } from './follow-doc.ts'
import { ListenerSet, type Observable } from './observable-value.ts'
import type { Workspace } from './workspace.ts'

/**
 * An observable value that `read` computes from the workspace's document. All listeners share one observer of the document.
 * `attach` observes the document and calls `onChange` when the value may have changed. `read` gets its last result, and returns
 * the same object if nothing differs. With listeners it runs once after each change, without listeners at every `get()`.
 */
export function documentStore<T>(
  workspace: Workspace,
  initial: T,
  attach: (doc: Y.Doc, onChange: () => void) => () => void,
  read: (doc: Y.Doc, last: T) => T,
): Observable<T> {
  const listeners = new ListenerSet<void>()
  let last = initial
  let count = 0
  let unfollow: (() => void) | undefined
  let isFresh = false
  const onChange = (): void => {
    isFresh = false
    listeners.tell()
  }
  return {
    get: () => {
      if (!isFresh) last = read(workspace.doc, last)
      isFresh = unfollow !== undefined
      return last
    },
    subscribe: (listener) => {
      const unsubscribe = listeners.add(listener)
      if (count++ === 0) unfollow = followDoc(workspace, (doc) => attach(doc, onChange), onChange)
      let isListening = true
      return () => {
        unsubscribe()
        if (!isListening) return
        isListening = false
        if (--count > 0) return
        unfollow?.()
        unfollow = undefined
        isFresh = false
      }
    },
  }
}
