import type { DatabaseMoment } from '../disk/database.ts'
import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { decodeExtent } from '../records/extent.ts'
import { extentKey, KIND, kindRange, nameOfWorkspaceKey, ownRange } from '../records/key.ts'
import { decodeWorkspaceIdentity, type WorkspaceIdentity } from '../records/workspace-identity.ts'
import { levelStoreOf } from '../store/level-store.ts'
import { readStoredRecords } from '../store/stored-records.ts'
import { apart } from '../system-log.ts'
import { headOf } from './export-archive.ts'
import { isDamage, reasonOf } from './problem.ts'
import { snapshotLsns } from './verify-snapshots.ts'

/** Number of entries of one kind, and bytes of their keys and values before LevelDB compresses them. */
export interface Weight {
  readonly count: number
  readonly bytes: number
}

/** One workspace, counted entry by entry. */
export interface WorkspaceInspection {
  readonly workspace: string
  readonly generation: string
  /** Time of creation, ms since epoch. */
  readonly createdAt: number
  /** Set if the workspace is deleted: since when, ms since epoch. `isPurging` says that parts of it may be gone. */
  readonly deleted?: { readonly at: number; readonly isPurging: boolean }
  /** First LSN that can still be read. */
  readonly firstLsn: Lsn
  /** LSN and time of the last record; 0 and undefined if there is none. */
  readonly head: Lsn
  readonly headAt: number | undefined
  /** Records that are not packed into segments. */
  readonly records: Weight
  /** Bytes of all updates before compression, those in segments included. */
  readonly updateBytes: number
  readonly snapshots: Weight & { readonly lsns: readonly Lsn[] }
  readonly segments: Weight
  readonly keys: Weight
}

export interface StoreInspection {
  readonly storeId: string
  readonly workspaces: readonly WorkspaceInspection[]
  readonly systemLogs: readonly WorkspaceInspection[]
  /** Workspaces that could not be counted completely, and why. */
  readonly damaged: readonly { readonly workspace: string; readonly reason: string }[]
}

export interface InspectOptions {
  /** Name of the workspace or system log to count. Default: all. */
  readonly workspace?: string
  readonly signal?: AbortSignal
}

/**
 * Counts what a store keeps, as of now. Traffic goes on meanwhile. Throws `invalid` for a workspace that does not
 * exist.
 */
export async function inspectStore(store: EventStore, options: InspectOptions = {}): Promise<StoreInspection> {
  const { disk } = levelStoreOf(store)
  const moment = disk.pin()
  try {
    const inspected: WorkspaceInspection[] = []
    const damaged: { workspace: string; reason: string }[] = []
    for await (const [key, value] of moment.entries(kindRange(KIND.workspace))) {
      const workspace = nameOfWorkspaceKey(key)
      if (options.workspace !== undefined && options.workspace !== workspace) continue
      try {
        inspected.push(await inspectWorkspace(moment, workspace, value, options.signal))
      } catch (error) {
        if (!isDamage(error)) throw error
        damaged.push({ workspace, reason: reasonOf(error) })
      }
    }
    if (options.workspace !== undefined && inspected.length + damaged.length === 0) {
      throw new LogError('invalid', `there is no workspace ${options.workspace}`, { workspace: options.workspace })
    }
    const [workspaces, systemLogs] = apart(inspected)
    return { storeId: disk.storeId, workspaces, systemLogs, damaged }
  } finally {
    await moment.close()
  }
}

async function inspectWorkspace(
  moment: DatabaseMoment,
  workspace: string,
  value: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<WorkspaceInspection> {
  const identity: WorkspaceIdentity = decodeWorkspaceIdentity(workspace, value)
  const { number, generation, createdAt, deleted } = identity
  const extent = decodeExtent(workspace, number, await moment.get(extentKey(number)))
  const log = { moment, workspace, number }
  const head = await headOf(log, extent)
  let headAt: number | undefined
  let updateBytes = 0
  for await (const { at, update } of readStoredRecords(log, extent.firstLsn, head)) {
    signal?.throwIfAborted()
    headAt = at
    updateBytes += update.byteLength
  }
  const records = await weigh(moment, KIND.record, number)
  const snapshots = await weigh(moment, KIND.snapshot, number)
  const lsns = await snapshotLsns(log, extent)
  return {
    ...{ workspace, generation, createdAt, firstLsn: extent.firstLsn, head, headAt, records, updateBytes },
    ...(deleted && { deleted }),
    snapshots: { ...snapshots, count: lsns.length, lsns },
    segments: await weigh(moment, KIND.segment, number),
    keys: await weigh(moment, KIND.idempotency, number),
  }
}

async function weigh(moment: DatabaseMoment, kind: number, number: number): Promise<Weight> {
  let [count, bytes] = [0, 0]
  for await (const [key, value] of moment.entries(ownRange(kind, number))) {
    count++
    bytes += key.byteLength + value.byteLength
  }
  return { count, bytes }
}
