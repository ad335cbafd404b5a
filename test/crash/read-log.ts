import { openLevelStore, parseLsn, type Snapshot, type WorkspaceLog } from '@joinery/log'
import { expect } from 'vitest'
import * as Y from 'yjs'

/**
 * The entries of each workspace in the log of a stopped server. Fails unless each log can be read without a gap from its
 * first record to its head, and unless its newest snapshot with the records after it gives the same entries as all
 * records.
 */
export async function readLog(directory: string): Promise<Map<string, string[]>> {
  const store = await openLevelStore({ directory, durability: 'sync' })
  try {
    const entries = new Map<string, string[]>()
    for await (const workspace of store.workspaces()) {
      const log = await store.open(workspace)
      const everything = await readFrom(log, await groundOf(log))
      expect(await readFrom(log, await log.latestSnapshot()), `${workspace} from its snapshot`).toEqual(everything)
      entries.set(workspace, everything)
      await log.close()
    }
    return entries
  } finally {
    await store.close()
  }
}

/** The snapshot that stands for dropped records, if any were dropped. */
async function groundOf(log: WorkspaceLog): Promise<Snapshot | undefined> {
  if (log.firstLsn === 1) return undefined
  const ground = await log.latestSnapshot({ atOrBefore: parseLsn(log.firstLsn - 1) })
  expect(ground, `what stands for the dropped records of ${log.workspace}`).toBeDefined()
  return ground
}

async function readFrom(log: WorkspaceLog, snapshot: Snapshot | undefined): Promise<string[]> {
  const doc = new Y.Doc()
  if (snapshot !== undefined) Y.applyUpdate(doc, snapshot.state)
  let lsn = snapshot?.lsn ?? 0
  for await (const record of log.read(snapshot === undefined ? {} : { after: snapshot.lsn })) {
    expect(record.lsn, `record of ${log.workspace} after ${lsn}`).toBe(++lsn)
    Y.applyUpdate(doc, record.update)
  }
  expect(lsn, `head of ${log.workspace}`).toBe(log.head)
  return doc.getArray<string>('entries').toArray()
}
