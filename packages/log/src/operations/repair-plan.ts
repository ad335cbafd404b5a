import { LogError } from '../log-error.ts'
import { LSN_MAX, type Lsn } from '../lsn.ts'
import type { Extent } from '../records/extent.ts'
import { findIntact, type Intact, walk } from '../store/damaged-log.ts'
import { type Rung, readRung } from '../store/ladder.ts'
import { isDamage } from './problem.ts'
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
 * Plans a repair: the state that is served while the workspace is damaged, and as much history before it as has no gap.
 * Reads all of the workspace. Throws `corrupted` where no good state can be told.
 */
export async function planRepair(look: WorkspaceLook): Promise<RepairPlan> {
  const { workspace, identity, witnessed } = look
  const intact = await findIntact(look, identity)
  const { extent, head, headAt, end } = intact
  if (head === 0) throw intact.damages[0] ?? nothingIntact(workspace)
  const usable = await usableSnapshots(look, intact)
  const base = await findBase({ ...look, extent }, usable, head)
  // If LevelDB can't tell where the workspace ends, there were more records.
  const endLsn = end === LSN_MAX ? head + 1 : end
  // A damaged extent does not say which snapshot is the newest.
  const snapshotLsn = extent.snapshotLsn === LSN_MAX ? 0 : extent.snapshotLsn
  return {
    ...{ extent, head, headAt },
    firstLsn: (base + 1) as Lsn,
    snapshots: usable.filter((lsn) => lsn >= base),
    reached: Math.max(witnessed, endLsn, head, snapshotLsn) as Lsn,
  }
}

/** LSNs of the snapshots up to the head that can be unpacked and loaded, in order. */
async function usableSnapshots(look: WorkspaceLook, { extent, head, rung }: Intact): Promise<Lsn[]> {
  const usable: Lsn[] = []
  for (const lsn of await lsnsToTry(look, extent, rung)) {
    look.signal?.throwIfAborted()
    if (lsn > head) break
    if (await isUsable(look, lsn)) usable.push(lsn)
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

async function isUsable(look: WorkspaceLook, lsn: Lsn): Promise<boolean> {
  let rung: Rung
  try {
    rung = await readRung(look, lsn)
  } catch (error) {
    if (!isDamage(error)) throw error
    return false
  }
  try {
    const load = look.load?.()
    load?.add(rung.state)
    load?.finish()
    return true
  } catch {
    // For any error: a state that can't be loaded is of no use.
    return false
  }
}

/**
 * LSN that history can begin after, as early as possible: 0 for its beginning, or a snapshot behind which no record is
 * damaged.
 */
async function findBase(look: WorkspaceLook & { extent: Extent }, snapshots: readonly Lsn[], head: Lsn): Promise<Lsn> {
  const { firstLsn } = look.extent
  const beginning = firstLsn === 1 ? [0 as Lsn] : []
  let brokenLsn = 0
  for (const base of [...beginning, ...snapshots.filter((lsn) => lsn >= firstLsn - 1)]) {
    if (base < brokenLsn) continue
    const { intact } = await walk(look, base, head)
    if (intact === head) return base
    brokenLsn = intact + 1
  }
  throw nothingIntact(look.workspace)
}

function nothingIntact(workspace: string): LogError {
  const message = `no part of workspace ${workspace} is surely whole any more: restore it from a copy`
  return new LogError('corrupted', message, { workspace })
}
