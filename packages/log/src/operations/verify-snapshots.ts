import type { Lsn } from '../lsn.ts'
import type { Extent } from '../records/extent.ts'
import { lsnOfRecordKey, snapshotKeyRange } from '../records/key.ts'
import { type Rung, readRung } from '../store/ladder.ts'
import type { StoredLog } from '../store/stored-records.ts'
import { isDamage, type Problems, reasonOf } from './problem.ts'
import { loadState, type TrialLoad, whyNotLoaded } from './trial-load.ts'

/** LSNs of the complete snapshots, in order. Parts beyond the extent belong to one that was never finished. */
export async function snapshotLsns({ moment, number }: StoredLog, extent: Extent): Promise<Lsn[]> {
  const lsns = new Set<Lsn>()
  const range = snapshotKeyRange(number, 0, extent.snapshotLsn)
  for await (const [key] of moment.entries(range)) lsns.add(lsnOfRecordKey(key))
  return [...lsns]
}

/** Result of checking the snapshots of a workspace. */
export interface SnapshotsSeen {
  readonly count: number
  /** LSNs of those that are intact and can't be loaded, with the reason. */
  readonly unloadable: ReadonlyMap<Lsn, string>
  /** The first usable snapshot of a workspace whose first records were dropped; undefined if there is none. */
  readonly ground: Rung | undefined
}

/** Unpacks every snapshot and loads it by itself. */
export async function verifySnapshots(
  log: StoredLog & { readonly load: (() => TrialLoad) | undefined; readonly signal: AbortSignal | undefined },
  extent: Extent,
  problems: Problems,
): Promise<SnapshotsSeen> {
  const lsns = await snapshotLsns(log, extent)
  const unloadable = new Map<Lsn, string>()
  let ground: Rung | undefined
  for (const lsn of lsns) {
    log.signal?.throwIfAborted()
    try {
      const rung = await readRung(log, lsn)
      if (lsn >= extent.firstLsn - 1) ground ??= rung
      const load = log.load?.()
      if (load !== undefined) await loadState(load, rung.state, lsn)
    } catch (error) {
      const code = isDamage(error) ? 'snapshot_damaged' : 'not_loadable'
      const message =
        code === 'snapshot_damaged'
          ? reasonOf(error)
          : `the snapshot at ${lsn} of workspace ${log.workspace} can't be loaded: ${whyNotLoaded(error)}`
      if (code === 'not_loadable') unloadable.set(lsn, message)
      problems.add({ code, message, lsn })
    }
  }
  if (extent.snapshotLsn > 0 && lsns.at(-1) !== extent.snapshotLsn) {
    const message = `the snapshot at ${extent.snapshotLsn} of workspace ${log.workspace} is missing`
    problems.add({ code: 'snapshot_missing', message, lsn: extent.snapshotLsn })
  }
  if (extent.firstLsn > 1 && ground === undefined) {
    const message = `workspace ${log.workspace} begins with record ${extent.firstLsn}, and no snapshot stands for the records before`
    problems.add({ code: 'snapshot_missing', message, lsn: (extent.firstLsn - 1) as Lsn })
  }
  return { count: lsns.length, unloadable, ground: extent.firstLsn > 1 ? ground : undefined }
}
