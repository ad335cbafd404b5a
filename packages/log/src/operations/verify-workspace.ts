import type { Entry } from '../database.ts'
import { decodeExtent, type Extent, PLAIN_EXTENT } from '../extent.ts'
import { extentKey, lsnOfRecordKey, recordKeyRange } from '../key.ts'
import type { Lsn } from '../lsn.ts'
import { decodeRecord } from '../record.ts'
import type { StoredLog } from '../stored-records.ts'
import type { WorkspaceIdentity } from '../workspace-identity.ts'
import { isDamage, type Problem, Problems, reasonOf } from './problem.ts'
import type { TrialLoad } from './trial-load.ts'
import { KeyCheck } from './verify-keys.ts'
import { type SnapshotsSeen, verifySnapshots } from './verify-snapshots.ts'

/** One workspace as a verification found it. */
export interface WorkspaceReport {
  readonly workspace: string
  readonly generation: string
  /** Set if it is deleted, ms since epoch. */
  readonly deletedAt?: number
  /** First LSN that can still be read. */
  readonly firstLsn: Lsn
  /** LSN of the last record. */
  readonly head: Lsn
  readonly records: number
  readonly snapshots: number
  /** The first hundred. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
}

/** What looking at one workspace takes. */
export interface WorkspaceLook extends StoredLog {
  readonly identity: WorkspaceIdentity
  /** The LSN it is known to have reached. */
  readonly witnessed: Lsn
  /** Begins to load the workspace; undefined if that is not wanted. */
  readonly load: (() => TrialLoad) | undefined
  /** Called with each record. */
  readonly onRecord: () => void
  readonly signal: AbortSignal | undefined
}

/** Reads everything that is kept of one workspace. Rejects only when reading fails otherwise than by damage, or is aborted. */
export async function verifyWorkspace(look: WorkspaceLook): Promise<WorkspaceReport> {
  const { moment, workspace, number, identity, witnessed, signal } = look
  const problems = new Problems()
  const extent = await readExtent(look, problems)
  const snapshots = await verifySnapshots(look, extent, problems)
  const records = new RecordCheck(look, extent.firstLsn, snapshots, problems)
  const keys = new KeyCheck(look, extent.firstLsn, problems)
  for await (const entry of moment.entries(recordKeyRange(number, extent.firstLsn))) {
    signal?.throwIfAborted()
    look.onRecord()
    const key = records.take(entry)
    if (key !== undefined) await keys.expect(key, records.head)
  }
  records.finish()
  await keys.finish()
  const reached = Math.max(witnessed, extent.snapshotLsn) as Lsn
  if (reached > records.head) {
    const message = `workspace ${workspace} ends at record ${records.head}, but had reached ${reached}: its end is lost`
    problems.add({ code: 'end_lost', message, lsn: records.head })
  }
  return {
    workspace,
    generation: identity.generation,
    ...(identity.deleted && { deletedAt: identity.deleted.at }),
    firstLsn: extent.firstLsn,
    head: records.head,
    records: records.count,
    snapshots: snapshots.count,
    problems: problems.listed,
    problemCount: problems.count,
  }
}

async function readExtent({ moment, workspace, number }: WorkspaceLook, problems: Problems): Promise<Extent> {
  try {
    return decodeExtent(workspace, number, await moment.get(extentKey(number)))
  } catch (error) {
    if (!isDamage(error)) throw error
    problems.add({ code: 'extent_damaged', message: reasonOf(error) })
    return PLAIN_EXTENT
  }
}

/** Takes one workspace's records as they are stored, in order of their keys. */
class RecordCheck {
  head: Lsn
  count = 0
  #at = 0
  /** What the load began with covers the records through this one. */
  readonly #groundLsn: number
  #load: TrialLoad | undefined
  readonly #workspace: string
  readonly #problems: Problems

  constructor({ workspace, load }: WorkspaceLook, firstLsn: Lsn, { ground }: SnapshotsSeen, problems: Problems) {
    this.#workspace = workspace
    this.#problems = problems
    this.head = (firstLsn - 1) as Lsn
    this.#groundLsn = ground?.lsn ?? 0
    // Nothing can be built on a beginning that is lost.
    if (firstLsn === 1 || ground !== undefined) this.#load = load?.()
    if (ground !== undefined) this.#tryLoad((begun) => begun.add(ground.state))
  }

  /** Gives the record's idempotency key. */
  take([key, value]: Entry): string | undefined {
    const lsn = lsnOfRecordKey(key)
    if (lsn !== this.head + 1) this.#missing((this.head + 1) as Lsn, lsn)
    this.head = lsn
    this.count++
    try {
      const { at, update, idempotencyKey } = decodeRecord(this.#workspace, key, value)
      if (at < this.#at) {
        const message = `record ${lsn} of workspace ${this.#workspace} is older than the one before it`
        this.#problems.add({ code: 'time_backwards', message, lsn })
      }
      this.#at = Math.max(at, this.#at)
      if (lsn > this.#groundLsn) this.#tryLoad((load) => load.add(update))
      return idempotencyKey
    } catch (error) {
      if (!isDamage(error)) throw error
      // Without this one, those behind it build on nothing: that would be no news.
      this.#load = undefined
      this.#problems.add({ code: 'record_damaged', message: reasonOf(error), lsn })
      return undefined
    }
  }

  finish(): void {
    this.#tryLoad((load) => load.finish())
  }

  #missing(from: Lsn, next: Lsn): void {
    this.#load = undefined
    const which = next - from === 1 ? `record ${from} is` : `records ${from} to ${next - 1} are`
    const message = `${which} missing from workspace ${this.#workspace}`
    this.#problems.add({ code: 'record_missing', message, lsn: from })
  }

  #tryLoad(step: (load: TrialLoad) => void): void {
    if (this.#load === undefined) return
    try {
      step(this.#load)
    } catch (error) {
      this.#load = undefined
      const message = `workspace ${this.#workspace} can't be loaded from its records through ${this.head}: ${reasonOf(error)}`
      this.#problems.add({ code: 'not_loadable', message, lsn: this.head })
    }
  }
}
