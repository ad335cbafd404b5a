import { LogError } from '../log-error.ts'
import { LSN_MAX, type Lsn } from '../lsn.ts'
import type { Extent } from '../records/extent.ts'
import { KIND, lsnOfRecordKey, ownRange } from '../records/key.ts'
import { findIntact, type Intact, readPatiently, walk } from '../store/damaged-log.ts'
import { type Rung, readRung } from '../store/ladder.ts'
import { isSystemLog } from '../system-log.ts'
import { isDamage } from './problem.ts'
import { loadState, type TrialLoad, whyNotLoaded } from './trial-load.ts'
import { snapshotLsns } from './verify-snapshots.ts'
import type { WorkspaceLook } from './verify-workspace.ts'

/** The parts of a damaged workspace that a repair keeps. */
export interface RepairPlan {
  /** The extent of the workspace, or what the keys say where that is damaged. */
  readonly extent: Extent
  /** The kept records: `firstLsn` through `head`, all of them intact. */
  readonly firstLsn: Lsn
  readonly head: Lsn
  /** Time of the record at `head`. */
  readonly headAt: number
  /** LSNs of the kept snapshots, in order. The first stands for the records before `firstLsn`, if that is not 1. */
  readonly snapshots: readonly Lsn[]
  /** The last LSN that the workspace is known to have reached. It is beyond `head` where the end is lost. */
  readonly reached: Lsn
}

/**
 * Plans a repair: the state that is served while the workspace is damaged, up to the record before the first that can't be loaded,
 * and as much history before it as has no gap and can be loaded. `known` has snapshots that can't be loaded, and why.
 * Reads all of the workspace. Throws `corrupted` where no good state can be told, and `not_loadable` where none can be loaded. Of such a system log nothing is kept.
 */
export async function planRepair(look: WorkspaceLook, known: ReadonlyMap<Lsn, string>): Promise<RepairPlan> {
  const { workspace, identity, witnessed } = look
  const intact = await findIntact(look, identity)
  const { extent, end } = intact
  const nothing = (damage: LogError): RepairPlan => {
    if (!isSystemLog(workspace)) throw damage
    // The part of the server that keeps a system log begins it anew. Documents are not in it.
    const reached = Math.max(witnessed, intact.head, end === LSN_MAX ? 1 : end) as Lsn
    return { extent, firstLsn: 1 as Lsn, head: 0 as Lsn, headAt: identity.createdAt, snapshots: [], reached }
  }
  if (intact.head === 0) return nothing(intact.damages[0] ?? nothingIntact(workspace))
  const unloadable = new Map(known)
  const usable = await usableSnapshots(look, intact, unloadable)
  const newest = usable.at(-1) ?? (0 as Lsn)
  if (newest < extent.firstLsn - 1)
    return nothing(noneLoadable(workspace, [...unloadable.values()].at(-1)) ?? nothingIntact(workspace))
  const { lsn: head, at, reason } = await reach({ ...look, extent }, newest, intact.head)
  if (head === 0) return nothing(noneLoadable(workspace, reason) ?? nothingIntact(workspace))
  const base = await findBase({ ...look, extent }, usable, head)
  // If LevelDB can't tell where the workspace ends, there were more records.
  const endLsn = end === LSN_MAX ? intact.head + 1 : end
  // A damaged extent does not say which snapshot is the newest.
  const snapshotLsn = extent.snapshotLsn === LSN_MAX ? 0 : extent.snapshotLsn
  return {
    ...{ extent, head },
    headAt: at,
    firstLsn: (base + 1) as Lsn,
    snapshots: usable.filter((lsn) => lsn >= base),
    reached: Math.max(witnessed, endLsn, intact.head, snapshotLsn, await lastChained(look)) as Lsn,
  }
}

/** LSN of the last record that a chain value is kept for. */
async function lastChained({ moment, number }: WorkspaceLook): Promise<number> {
  try {
    const last = await moment.last(ownRange(KIND.chain, number))
    return last === undefined ? 0 : lsnOfRecordKey(last[0])
  } catch (error) {
    if (!isDamage(error)) throw error
    return 0
  }
}

/** LSNs of the snapshots up to the head that can be unpacked and loaded, in order. */
async function usableSnapshots(
  look: WorkspaceLook,
  { extent, head, rung }: Intact,
  unloadable: Map<Lsn, string>,
): Promise<Lsn[]> {
  const usable: Lsn[] = []
  for (const lsn of await lsnsToTry(look, extent, rung)) {
    look.signal?.throwIfAborted()
    if (lsn > head) break
    if (!unloadable.has(lsn) && (await isUsable(look, lsn, unloadable))) usable.push(lsn)
  }
  return usable
}

/** LSNs of all snapshots, or of the newest only where LevelDB can't list them. */
async function lsnsToTry(look: WorkspaceLook, extent: Extent, rung: Rung | undefined): Promise<Lsn[]> {
  try {
    return await snapshotLsns(look, extent)
  } catch (error) {
    if (!isDamage(error)) throw error
    return rung === undefined ? [] : [rung.lsn]
  }
}

async function isUsable(look: WorkspaceLook, lsn: Lsn, unloadable: Map<Lsn, string>): Promise<boolean> {
  let rung: Rung
  try {
    rung = await readRung(look, lsn)
  } catch (error) {
    if (!isDamage(error)) throw error
    return false
  }
  try {
    const load = look.load?.()
    if (load !== undefined) await loadState(load, rung.state, lsn)
    return true
  } catch (error) {
    // For any error: a state that can't be loaded is of no use.
    unloadable.set(lsn, whyNotLoaded(error))
    return false
  }
}

type ReachLook = WorkspaceLook & { readonly extent: Extent }

/**
 * The last record up to `through` before which nothing behind the snapshot at `base` (0: nothing at all) is damaged or can't be
 * loaded, its time, and the reason why the next can't be loaded.
 */
async function reach(look: ReachLook, base: Lsn, through: Lsn): Promise<{ lsn: Lsn; at: number; reason?: string }> {
  const load = look.load?.()
  let lsn = base
  let failed: { readonly lsn: Lsn; readonly reason: string } | undefined
  const tryLoad = async (step: (load: TrialLoad) => void | Promise<void>): Promise<void> => {
    if (load === undefined || failed !== undefined) return
    try {
      await step(load)
    } catch (error) {
      failed = { lsn: (error instanceof LogError ? error.lsn : undefined) ?? lsn, reason: whyNotLoaded(error) }
    }
  }
  let at = look.identity.createdAt
  if (base > 0) {
    const { state, at: takenAt } = await readRung(look, base)
    at = takenAt
    await tryLoad((begun) => begun.add(state, base))
  }
  try {
    for await (const run of readPatiently(look, base + 1, through)) {
      look.signal?.throwIfAborted()
      for (const record of run) {
        lsn = record.lsn
        await tryLoad((begun) => begun.add(record.update, lsn))
      }
      if (failed !== undefined) break
    }
  } catch (error) {
    if (!isDamage(error)) throw error
  }
  await tryLoad((begun) => begun.finish())
  // The snapshot loads by itself.
  if (failed !== undefined) lsn = Math.max(base, failed.lsn - 1) as Lsn
  if (lsn > base) at = Math.max(at, (await walk(look, lsn - 1, lsn)).at)
  return { lsn, at, ...(failed && { reason: failed.reason }) }
}

/**
 * LSN that history can begin after, as early as possible: 0 for its beginning, or a snapshot behind which no record is
 * damaged or can't be loaded. The last of `snapshots` is known to be one.
 */
async function findBase(look: ReachLook, snapshots: readonly Lsn[], head: Lsn): Promise<Lsn> {
  const { firstLsn } = look.extent
  const newest = snapshots.at(-1) ?? (0 as Lsn)
  const beginning = firstLsn === 1 ? [0 as Lsn] : []
  let brokenLsn = 0
  for (const base of [...beginning, ...snapshots.filter((lsn) => lsn >= firstLsn - 1)]) {
    if (base < brokenLsn) continue
    if (base === newest) break
    const { lsn } = await reach(look, base, head)
    if (lsn === head) return base
    brokenLsn = lsn + 1
  }
  return newest
}

/** The error of a workspace without any state that can be loaded; undefined if loading is not the reason. */
function noneLoadable(workspace: string, reason: string | undefined): LogError | undefined {
  if (reason === undefined) return undefined
  const message = `no state of workspace ${workspace} can be loaded, and a repair could keep nothing: ${reason}; restore it from a copy`
  return new LogError('not_loadable', message, { workspace })
}

function nothingIntact(workspace: string): LogError {
  const message = `no part of workspace ${workspace} is surely whole any more: restore it from a copy`
  return new LogError('corrupted', message, { workspace })
}
