import type { TrialLoad } from '@joinery/log/operations'
import * as Y from 'yjs'

/** Updates applied in one transaction: each costs Yjs a look at all of a document's clients. */
const CHUNK_MAX = 1_000

/** Loads a workspace into a document that nobody will see, as a server's room would. */
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
      // What loads and can't be encoded again could be shown to nobody.
      Y.encodeStateAsUpdate(doc)
      doc.destroy()
    },
  }
}
