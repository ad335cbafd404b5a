import { openLevelStore } from '@joinery/log'
import { expect } from 'vitest'
import * as Y from 'yjs'

/**
 * What the log of a stopped server holds: the entries of each workspace. Fails unless every log's records are numbered
 * 1, 2, 3 … and readable, which the log's own checks see to as well.
 */
export async function readLog(directory: string): Promise<Map<string, string[]>> {
  const store = await openLevelStore({ directory, durability: 'sync' })
  try {
    const entries = new Map<string, string[]>()
    for await (const workspace of store.workspaces()) {
      const log = await store.open(workspace)
      const doc = new Y.Doc()
      let lsn = 0
      for await (const record of log.read()) {
        expect(record.lsn, `record of ${workspace} after ${lsn}`).toBe(++lsn)
        Y.applyUpdate(doc, record.update)
      }
      expect(lsn, `head of ${workspace}`).toBe(log.head)
      entries.set(workspace, doc.getArray<string>('entries').toArray())
      await log.close()
    }
    return entries
  } finally {
    await store.close()
  }
}
