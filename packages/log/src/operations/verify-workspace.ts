import type { DatabaseMoment, Entry } from '../database.ts'
import { lsnOfRecordKey, recordKeyRange } from '../key.ts'
import type { Lsn } from '../lsn.ts'
import { decodeRecord } from '../record.ts'
import type { WorkspaceIdentity } from '../workspace-identity.ts'
import { isDamage, type Problem, Problems, reasonOf } from './problem.ts'

/** Builds a workspace from what it is made of, and throws it away again. Both throw when it can't be loaded. */
export interface TrialLoad {
  /** One Yjs V1 update; they come oldest first. */
  add(update: Uint8Array): void
  finish(): void
}

/** One workspace as a verification found it. */
export interface WorkspaceReport {
  readonly workspace: string
  readonly generation: string
  /** LSN of the last record. */
  readonly head: Lsn
  readonly records: number
  /** Bytes of records as they are stored. */
  readonly bytes: number
  /** The first hundred. */
  readonly problems: readonly Problem[]
  readonly problemCount: number
}

/** What looking at one workspace takes. */
export interface WorkspaceLook {
  readonly moment: DatabaseMoment
  readonly workspace: string
  readonly identity: WorkspaceIdentity
  /** The LSN it is known to have reached. */
  readonly witnessed: Lsn
  readonly load: TrialLoad | undefined
  /** Called with each record. */
  readonly onRecord: () => void
  readonly signal: AbortSignal | undefined
}

/** Reads everything that is kept of one workspace. Rejects only when reading fails otherwise than by damage, or is aborted. */
export async function verifyWorkspace(look: WorkspaceLook): Promise<WorkspaceReport> {
  const { moment, workspace, identity, witnessed } = look
  const problems = new Problems()
  const records = new RecordCheck(look, problems)
  for await (const entry of moment.entries(recordKeyRange(identity.number))) {
    look.signal?.throwIfAborted()
    look.onRecord()
    records.take(entry)
  }
  records.finish()
  if (witnessed > records.head) {
    const message = `workspace ${workspace} ends at record ${records.head}, but had reached ${witnessed}: its end is lost`
    problems.add({ code: 'end_lost', message, lsn: records.head })
  }
  return {
    workspace,
    generation: identity.generation,
    head: records.head,
    records: records.count,
    bytes: records.bytes,
    problems: problems.listed,
    problemCount: problems.count,
  }
}

/** Takes one workspace's records as they are stored, in order of their keys. */
class RecordCheck {
  head = 0 as Lsn
  count = 0
  bytes = 0
  #at = 0
  #load: TrialLoad | undefined
  readonly #workspace: string
  readonly #problems: Problems

  constructor({ workspace, load }: WorkspaceLook, problems: Problems) {
    this.#workspace = workspace
    this.#load = load
    this.#problems = problems
  }

  take([key, value]: Entry): void {
    const lsn = lsnOfRecordKey(key)
    if (lsn !== this.head + 1) this.#missing((this.head + 1) as Lsn, lsn)
    this.head = lsn
    this.count++
    this.bytes += key.byteLength + value.byteLength
    try {
      const { at, update } = decodeRecord(this.#workspace, key, value)
      if (at < this.#at) {
        const message = `record ${lsn} of workspace ${this.#workspace} is older than the one before it`
        this.#problems.add({ code: 'time_backwards', message, lsn })
      }
      this.#at = Math.max(at, this.#at)
      this.#tryLoad((load) => load.add(update))
    } catch (error) {
      if (!isDamage(error)) throw error
      // Without this one, those behind it build on nothing: that would be no news.
      this.#load = undefined
      this.#problems.add({ code: 'record_damaged', message: reasonOf(error), lsn })
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
      const message = `workspace ${this.#workspace} can't be loaded at record ${this.head}: ${reasonOf(error)}`
      this.#problems.add({ code: 'not_loadable', message, lsn: this.head })
    }
  }
}
