import type { TrialLoad } from '@joinery/log/operations'
import * as Y from 'yjs'

/** Updates per transaction: Yjs goes through all clients of the document in each one. */
const CHUNK_MAX = 1_000

/** Loads a workspace as a server's room would, into a document that is then thrown away. */
export function trialLoad(): TrialLoad {
  const doc = new Y.Doc()
  let chunk: Uint8Array[] = []
  const flush = (): void => {
    const updates = chunk
    chunk = []
    doc.transact(() => {
      for (const update of updates) Y.applyUpdate(doc, update)
    })
  }
  return {
    add: (update) => {
      if (chunk.push(update) >= CHUNK_MAX) flush()
    },
    finish: () => {
      flush()
      // A document that loads but can't be encoded could not be sent to any client.
      Y.encodeStateAsUpdate(doc)
      doc.destroy()
    },
  }
}
