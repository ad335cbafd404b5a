import type { Compacted, VerifyState } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import {
  chainKeyRange,
  chainMarksKeyRange,
  KIND,
  lsnOfRecordKey,
  ownRange,
  recordKeyRange,
  segmentKeyRange,
  snapshotKeyRange,
} from '../records/key.ts'
import { damagedSnapshot, encodeSnapshot, packSnapshot, snapshotBase } from '../records/packed-snapshot.ts'
import { decodeSegmentHead } from '../records/segment.ts'
import type { Write } from '../records/write.ts'
import { TrialCutShort } from '../trial-cut-short.ts'
import { giveBack } from './give-back.ts'
import type { Desk } from './history-keeper.ts'
import { groundMarks, keepChainAt } from './keep-chain.ts'
import { type Rung, readRung } from './ladder.ts'
import { tidy } from './tidy.ts'

/** Most writes of one batch: writes of others go on in between. */
const KEYS_PER_BATCH = 1_000

/**
 * Drops the records through the newest snapshot at or below `through` that can be read back from the disk and that
 * `verify` loads; drops none if there is no such snapshot. First the snapshot is stored without a base, then the extent
 * moves beyond the dropped records, then they are deleted. Cut short at any point, nothing is lost, and the next
 * compaction completes it. With `isErasing`, the files are rewritten without their bytes at once.
 */
export async function compactRecords(
  desk: Desk,
  through: Lsn,
  verify: VerifyState,
  isErasing: boolean,
): Promise<Compacted> {
  const before = desk.extent.firstLsn
  const ground = await findGround(desk, through, verify)
  if (ground !== undefined) {
    const { lsn } = ground
    await keepChainAt(desk, lsn)
    const sealedLsn = Math.max(desk.extent.sealedLsn, lsn) as Lsn
    await desk.moveExtent({ firstLsn: (lsn + 1) as Lsn, sealedLsn }, groundMarks(desk, ground))
  }
  const { firstLsn } = desk.extent
  if (firstLsn > 1) await sweep(desk, firstLsn, isErasing)
  return { dropped: firstLsn - before, firstLsn }
}

/** The snapshot that stands for the dropped records. Damage to newer snapshots is reported to the observer. */
async function findGround(desk: Desk, through: Lsn, verify: VerifyState): Promise<Rung | undefined> {
  const { number, extent, host } = desk
  const lsns = new Set<Lsn>()
  // `through` is below the head, and the extent says where the records begin: if there is nothing to drop, no snapshot
  // is read.
  const last = Math.min(through, extent.snapshotLsn)
  if (last < extent.firstLsn) return undefined
  for await (const [key] of host.disk.entries(snapshotKeyRange(number, extent.firstLsn, last))) {
    lsns.add(lsnOfRecordKey(key))
  }
  for (const lsn of [...lsns].reverse()) {
    try {
      if ((await readFromDisk(desk, lsn)).depth > 0) await standAlone(desk, lsn)
      const rung = await readFromDisk(desk, lsn)
      await verify(rung.state)
      return rung
    } catch (error) {
      // A snapshot that can't be loaded stands for nothing, as a damaged one.
      if (error instanceof LogError && error.code !== 'corrupted' && error.code !== 'not_loadable') throw error
      if (error instanceof TrialCutShort) throw error
      host.observer.damaged?.(damagedSnapshot(desk.workspace, lsn, error))
    }
  }
  return undefined
}

async function readFromDisk({ workspace, number, host }: Desk, lsn: Lsn): Promise<Rung> {
  const moment = host.disk.pin()
  try {
    return await readRung({ workspace, number, moment }, lsn)
  } finally {
    await moment.close()
  }
}

/**
 * Stores a snapshot again without a base, so that older snapshots may be deleted. One batch, so that the snapshot is
 * whole at any moment.
 */
async function standAlone(desk: Desk, lsn: Lsn): Promise<void> {
  const parts = await encodeSnapshot(desk.number, await packSnapshot(await readFromDisk(desk, lsn)))
  const old: Write[] = []
  for await (const [key] of desk.host.disk.entries(snapshotKeyRange(desk.number, lsn, lsn))) {
    old.push({ type: 'del', key })
  }
  await desk.write([...old, ...parts])
}

/**
 * Deletes what lies before `firstLsn`, but keeps idempotency keys: a repeated append of a dropped record must not count
 * as new.
 */
async function sweep(desk: Desk, firstLsn: Lsn, isErasing: boolean): Promise<void> {
  const { number, host } = desk
  // LevelDB would put entries that are still in its memory into one file with their deletion, and they would stay there.
  if (isErasing) await tidy(host, ownRange(KIND.extent, number))
  const records = recordKeyRange(number, 0, firstLsn - 1)
  for await (const keys of host.disk.keys(records, KEYS_PER_BATCH)) await remove(desk, keys)
  await giveBack(host, records)
  await removeAndGiveBack(desk, ownRange(KIND.segment, number), await segmentsBefore(desk, firstLsn))
  await removeAndGiveBack(desk, ownRange(KIND.snapshot, number), await snapshotsBefore(desk, firstLsn))
  await sweepChain(desk, firstLsn, isErasing)
  if (!isErasing) return
  for (const range of [records, ownRange(KIND.segment, number), ownRange(KIND.snapshot, number)])
    await tidy(host, range)
}

/**
 * Deletes the marks of the chain that no record behind needs. The values of dropped records stay, so that a head which was signed
 * for one of them can be compared; they go when the records have to be erased, since they would confirm a guess at one.
 */
async function sweepChain(desk: Desk, firstLsn: Lsn, isErasing: boolean): Promise<void> {
  const { number, host } = desk
  const last = firstLsn - 2
  if (last < 0) return
  const marks = chainMarksKeyRange(number, 0, last)
  const values = chainKeyRange(number, 0, last)
  for (const range of isErasing ? [marks, values] : [marks]) {
    for await (const keys of host.disk.keys(range, KEYS_PER_BATCH)) await remove(desk, keys)
  }
  if (isErasing) await tidy(host, { gte: values.gte, lte: marks.lte })
}

async function removeAndGiveBack(desk: Desk, { gte }: { gte: Uint8Array }, keys: readonly Uint8Array[]): Promise<void> {
  const lte = keys.at(-1)
  if (lte === undefined) return
  await remove(desk, keys)
  await giveBack(desk.host, { gte, lte })
}

/** The segments that end before `firstLsn`. A segment that reaches beyond it stays whole. */
async function segmentsBefore({ workspace, number, host }: Desk, firstLsn: Lsn): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = []
  for await (const [key, value] of host.disk.entries(segmentKeyRange(number, 0, firstLsn - 1))) {
    if (decodeSegmentHead(workspace, key, value).last < firstLsn) keys.push(key)
  }
  return keys
}

/**
 * The snapshots before the one that stands for the dropped records, except those that a later snapshot is packed
 * against.
 */
async function snapshotsBefore({ number, host }: Desk, firstLsn: Lsn): Promise<Uint8Array[]> {
  const found = new Map<Lsn, { readonly keys: Uint8Array[]; base: Lsn | undefined }>()
  for await (const [key, value] of host.disk.entries(snapshotKeyRange(number))) {
    const lsn = lsnOfRecordKey(key)
    const snapshot = found.get(lsn) ?? { keys: [], base: snapshotBase(key, value) }
    snapshot.keys.push(key)
    found.set(lsn, snapshot)
  }
  const needed = new Set<Lsn>()
  for (const [lsn, { base }] of [...found].reverse()) {
    if (base !== undefined && (lsn >= firstLsn - 1 || needed.has(lsn))) needed.add(base)
  }
  return [...found].flatMap(([lsn, { keys }]) => (lsn < firstLsn - 1 && !needed.has(lsn) ? keys : []))
}

async function remove(desk: Desk, keys: readonly Uint8Array[]): Promise<void> {
  for (let start = 0; start < keys.length; start += KEYS_PER_BATCH) {
    await desk.write(keys.slice(start, start + KEYS_PER_BATCH).map((key) => ({ type: 'del', key })))
  }
}
