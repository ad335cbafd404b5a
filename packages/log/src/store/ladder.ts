import type { Snapshot } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { lsnOfRecordKey, partOfSnapshotKey, snapshotKey, snapshotKeyRange } from '../records/key.ts'
import {
  damagedSnapshot,
  decodeSnapshot,
  isOnlyPart,
  type PackedSnapshot,
  unpackState,
} from '../records/packed-snapshot.ts'
import type { StoredLog } from './stored-records.ts'

/** An unpacked snapshot, and the number of snapshots that had to be unpacked before it. */
export interface Rung extends Snapshot {
  readonly depth: number
}

/**
 * The newest undamaged snapshot at or below `atOrBefore`. Calls `onDamaged` for each damaged one, and when LevelDB
 * can't look for them.
 */
export async function findRung(
  log: StoredLog,
  atOrBefore: Lsn,
  onDamaged: (error: LogError) => void,
): Promise<Rung | undefined> {
  for (let limit: number = atOrBefore; limit > 0; ) {
    let lsn = 0 as Lsn
    try {
      const found = await findHead(log, limit)
      if (found === undefined) return undefined
      lsn = found.lsn
      return await readRung(log, lsn, found.head)
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
      onDamaged(error)
      limit = lsn - 1
    }
  }
}

/** The newest snapshot at or below `limit`, with its part 0 if that was read along the way. */
async function findHead({ number, moment }: StoredLog, limit: number) {
  // Most callers ask for the very LSN of a snapshot: a look-up on this thread costs a tenth of a seek on another.
  const head = await moment.get(snapshotKey(number, limit as Lsn, 0))
  if (head !== undefined) return { lsn: limit as Lsn, head }
  const last = await moment.last(snapshotKeyRange(number, 0, limit))
  if (last === undefined) return undefined
  return { lsn: lsnOfRecordKey(last[0]), head: partOfSnapshotKey(last[0]) === 0 ? last[1] : undefined }
}

/** The error of a workspace whose first records were dropped, and whose first snapshot is lost. */
export function missingGround(workspace: string): LogError {
  return new LogError('corrupted', `workspace ${workspace} has lost the snapshot that its history begins with`, {
    workspace,
  })
}

/**
 * The snapshot at exactly `lsn`, with all that it is packed against. `head` is its part 0, if that is known. Throws
 * `corrupted`.
 */
export async function readRung(log: StoredLog, lsn: Lsn, head?: Uint8Array): Promise<Rung> {
  const chain = [await readPacked(log, lsn, head)]
  for (let link = chain[0]; link?.base !== undefined; link = chain.at(-1)) {
    if (link.base.lsn >= link.lsn) throw damagedSnapshot(log.workspace, lsn, new RangeError('its base is no earlier'))
    chain.push(await readPacked(log, link.base.lsn))
  }
  let state: Uint8Array | undefined
  for (const packed of chain.toReversed()) {
    try {
      state = await unpackState(packed, state)
    } catch (cause) {
      throw damagedSnapshot(log.workspace, packed.lsn, cause)
    }
  }
  const [packed] = chain
  if (packed === undefined || state === undefined) throw damagedSnapshot(log.workspace, lsn, new RangeError('gone'))
  const { at, annex } = packed
  return { lsn, at, annex, state, depth: chain.length - 1 }
}

async function readPacked(log: StoredLog, lsn: Lsn, known?: Uint8Array): Promise<PackedSnapshot> {
  const { workspace, number, moment } = log
  const head = known ?? (await moment.get(snapshotKey(number, lsn, 0)))
  // Most snapshots have one part: looking for others takes longer than reading it did.
  if (head !== undefined && isOnlyPart(head)) return decodeSnapshot(workspace, number, lsn, [head])
  const parts: Uint8Array[] = []
  for await (const [, value] of moment.entries(snapshotKeyRange(number, lsn, lsn))) parts.push(value)
  return decodeSnapshot(workspace, number, lsn, parts)
}
