import * as Y from 'yjs'

/**
 * A copy of the doc as of now, to work on for minutes without seeing or disturbing what people type. It has a client id
 * of its own and no connection; {@link mergeFork} brings its edits back.
 */
export function forkDoc(doc: Y.Doc): Y.Doc {
  const fork = new Y.Doc({ gc: doc.gc })
  Y.applyUpdate(fork, Y.encodeStateAsUpdate(doc))
  return fork
}

/** Applies to `doc` what was edited on `fork` since, as edits concurrent with the doc's own. The fork may go on. */
export function mergeFork(doc: Y.Doc, fork: Y.Doc, origin: unknown = null): void {
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(fork, Y.encodeStateVector(doc)), origin)
}
