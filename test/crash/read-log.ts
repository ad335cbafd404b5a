import { openLevelStore, parseLsn, type Snapshot, type WorkspaceLog } from '@joinery/log'
import { expect } from 'vitest'
import * as Y from 'yjs'

/**
 * What the log of a stopped server holds: the entries of each workspace. Fails unless every log's records are numbered
 * without a gap from its first to its head and readable, which the log's own checks see to as well, and unless its newest
 * snapshot with the records after it says what all it has says.
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

/** What stands for the records that were dropped, if any were. */
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
