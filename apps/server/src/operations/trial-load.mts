import type { TrialLoad } from '@joinery/log/operations'
import { SERVER_LIMITS } from '@joinery/server'
import * as Y from 'yjs'

/** Updates per transaction: Yjs goes through all clients of the document in each one. */
const CHUNK_MAX = 1_000

/**
 * Loads a workspace as a server's room would, into a document that is then thrown away. Throws when that takes longer than a server
 * allows (`loadMsMax`): nothing can be served then, and nobody may wait for minutes.
 */
export function trialLoad(_workspace?: string, msMax: number = SERVER_LIMITS.loadMsMax): TrialLoad {
  const doc = new Y.Doc()
  let chunk: Uint8Array[] = []
  let spentMs = 0
  const flush = (): void => {
    const updates = chunk
    chunk = []
    doc.transact(() => {
      for (const update of updates) {
        const sinceMs = cpuMs()
        Y.applyUpdate(doc, update)
        spentMs += cpuMs() - sinceMs
        if (spentMs > msMax) throw new Error(`it takes more than ${msMax} ms, so that no server serves it`)
      }
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

/** CPU time of this thread, ms: a busy machine loads no less than an idle one. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}
