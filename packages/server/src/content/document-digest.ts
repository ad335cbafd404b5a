import { createHash } from 'node:crypto'
import type { Lsn, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import { makeServerDoc } from './server-doc.ts'

/**
 * Digest of the document that the records of a log through an LSN make: SHA-256 over its state vector and its whole state, 64
 * hexadecimal digits. Logs with equal records give equal digests. Rejects with the log's error, and with that of Yjs.
 */
export async function digestOfDocument(log: Pick<WorkspaceLog, 'read'>, through: Lsn): Promise<string> {
  const doc = makeServerDoc()
  try {
    for await (const { update } of log.read({ after: 0 as Lsn, through })) Y.applyUpdate(doc, update)
    const hash = createHash('sha256')
    return hash.update(Y.encodeStateVector(doc)).update(Y.encodeStateAsUpdate(doc)).digest('hex')
  } finally {
    doc.destroy()
  }
}
