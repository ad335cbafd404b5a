import * as Y from 'yjs'
import { inheritMachines } from './machines/doc-machines.ts'

/**
 * Copies the doc as of now, for a job that works on the copy for minutes, neither seeing nor disturbing what people type. The
 * copy has a client id of its own and no connection. {@link mergeFork} brings its edits back.
 */
export function forkDoc(doc: Y.Doc): Y.Doc {
  const fork = new Y.Doc({ gc: doc.gc })
  inheritMachines(doc, fork)
  // The formats that say nothing are the doc's to delete: to look for them takes a time that grows with the square of all formats.
  fork.once('afterTransaction', (transaction) => {
    transaction._needFormattingCleanup = false
  })
  Y.applyUpdate(fork, Y.encodeStateAsUpdate(doc))
  return fork
}

/** Applies the edits made on `fork` to `doc`, as edits concurrent with the doc's own. The fork stays usable. */
export function mergeFork(doc: Y.Doc, fork: Y.Doc, origin: unknown = null): void {
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(fork, Y.encodeStateVector(doc)), origin)
}
