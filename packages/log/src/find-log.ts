import type { Database } from './database.ts'
import { decodeExtent, PLAIN_EXTENT } from './extent.ts'
import { extentKey, recordKeyRange, workspaceKey } from './key.ts'
import type { LevelLogStart } from './level-log.ts'
import type { Lsn } from './lsn.ts'
import { decodeRecord } from './record.ts'
import { checkHead, checkUnknown, type Witness } from './witness.ts'
import { assertAlive, decodeWorkspaceIdentity } from './workspace-identity.ts'

/** Finds where a workspace's log stands, in a few look-ups however long it is. Throws `corrupted`. */
export async function findLog(disk: Database, witness: Witness, workspace: string): Promise<LevelLogStart> {
  const value = await disk.get(workspaceKey(workspace))
  if (value === undefined) {
    checkUnknown(witness, workspace)
    return { identity: undefined, extent: PLAIN_EXTENT, head: 0 as Lsn, headAt: 0, bytes: 0 }
  }
  const identity = decodeWorkspaceIdentity(workspace, value)
  assertAlive(workspace, identity)
  const { number } = identity
  const extent = decodeExtent(workspace, number, await disk.get(extentKey(number)))
  const last = await disk.last(recordKeyRange(number))
  const record = last && decodeRecord(workspace, ...last)
  const head = record?.lsn ?? (0 as Lsn)
  checkHead(witness, workspace, number, head, extent)
  const bytes =
    head > extent.snapshotLsn ? await disk.approximateBytes(recordKeyRange(number, extent.snapshotLsn + 1)) : 0
  return { identity, extent, head, headAt: record?.at ?? identity.createdAt, bytes }
}
