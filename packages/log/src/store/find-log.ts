import type { Database, Entry } from '../disk/database.ts'
import type { Lsn } from '../lsn.ts'
import { decodeExtent, PLAIN_EXTENT } from '../records/extent.ts'
import { extentKey, recordKeyRange, workspaceKey } from '../records/key.ts'
import { decodeRecord } from '../records/record.ts'
import { assertAlive, decodeWorkspaceIdentity } from '../records/workspace-identity.ts'
import type { LevelLogStart } from './level-log.ts'
import { checkHead, checkUnknown, type Witness } from './witness.ts'

/**
 * Up to this many records, their bytes are estimated from the last one. Asking LevelDB would wake another thread for a
 * small number.
 */
const GUESSED_MAX = 8

/**
 * Finds a workspace's identity, extent and head, in a few look-ups whatever the length of its log. Throws `corrupted`.
 */
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
  const bytes = await bytesOf(disk, number, extent.snapshotLsn, head, last)
  return { identity, extent, head, headAt: record?.at ?? identity.createdAt, bytes }
}

async function bytesOf(disk: Database, number: number, snapshotLsn: Lsn, head: Lsn, last: Entry | undefined) {
  const records = head - snapshotLsn
  if (records <= 0 || last === undefined) return 0
  if (records <= GUESSED_MAX) return records * (last[0].byteLength + last[1].byteLength)
  return await disk.approximateBytes(recordKeyRange(number, snapshotLsn + 1))
}
