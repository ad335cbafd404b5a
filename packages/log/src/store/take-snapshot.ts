import type { Snapshot } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { snapshotKeyRange } from '../records/key.ts'
import { encodeSnapshot, type PackedSnapshot, packSnapshot } from '../records/packed-snapshot.ts'
import type { Desk } from './history-keeper.ts'
import { findRung, type Rung } from './ladder.ts'

/**
 * Most snapshots in a row that are packed against another: it limits how many one damaged snapshot spoils, and how many
 * have to be unpacked.
 */
const DEPTH_MAX = 16
/** Largest share of the whole that a difference may take: above it, the whole costs no more. */
const DIFFERENCE_PART_MAX = 1 / 8

/** Stores a snapshot; resolves when it is on the disk. Throws `invalid` unless it is newer than the last one. */
export async function takeSnapshot(desk: Desk, snapshot: Snapshot): Promise<void> {
  const { workspace, number, extent, host } = desk
  if (snapshot.lsn <= extent.snapshotLsn) {
    throw new LogError('invalid', `workspace ${workspace} has a snapshot at ${extent.snapshotLsn} already`)
  }
  const startMs = performance.now()
  const parts = await encodeSnapshot(number, await packAgainstLast(desk, snapshot))
  await sweepStrays(desk)
  const [head, ...rest] = parts
  if (head === undefined) return
  for (const part of rest) await desk.write([part])
  // Part 0 is written last: without it the other parts are no snapshot.
  await desk.moveExtent({ snapshotLsn: snapshot.lsn }, [head])
  const storedBytes = parts.reduce((sum, { value }) => sum + value.byteLength, 0)
  host.observer.snapshotted?.(performance.now() - startMs, snapshot.state.byteLength, storedBytes)
}

/** Packs the difference from the snapshot before it, if that is smaller; otherwise the whole. */
async function packAgainstLast({ workspace, number, extent, host }: Desk, snapshot: Snapshot): Promise<PackedSnapshot> {
  const moment = host.disk.pin()
  try {
    const damaged = (error: LogError) => host.observer.damaged?.(error)
    const { snapshotLsn } = extent
    const last = snapshotLsn === 0 ? undefined : await findRung({ workspace, number, moment }, snapshotLsn, damaged)
    return await packAgainst(last, snapshot)
  } finally {
    await moment.close()
  }
}

/** Packs the difference from `last`, if that is smaller. */
export async function packAgainst(last: Rung | undefined, snapshot: Snapshot): Promise<PackedSnapshot> {
  if (last !== undefined && last.depth < DEPTH_MAX) {
    const packed = await packSnapshot(snapshot, { ...last, depth: last.depth + 1 })
    if (packed.packedState.byteLength <= snapshot.state.byteLength * DIFFERENCE_PART_MAX) return packed
  }
  return packSnapshot(snapshot)
}

/** Deletes the parts of an unfinished snapshot, so that they are not taken for parts of the next. */
async function sweepStrays({ number, extent, host, write }: Desk): Promise<void> {
  const beyond = snapshotKeyRange(number, extent.snapshotLsn + 1)
  for await (const keys of host.disk.keys(beyond, 1_000)) await write(keys.map((key) => ({ type: 'del', key })))
}
