import type { LogRecord, Snapshot } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { lsnOfRecordKey } from '../records/key.ts'
import { decodeRecord } from '../records/record.ts'
import { decodeSegment } from '../records/segment.ts'
import { isDamage, type Problems, reasonOf } from './problem.ts'
import { type TrialLoad, whyNotLoaded } from './trial-load.ts'

/** Checks one workspace's records in order, those in segments first, and loads them on the way. */
export class RecordCheck {
  head: Lsn
  count = 0
  readonly #firstLsn: Lsn
  #at = 0
  /** LSN through which the state that the load began with covers the records. */
  readonly #groundLsn: number
  #ground: Snapshot | undefined
  #load: TrialLoad | undefined
  readonly #workspace: string
  readonly #problems: Problems

  /** `ground` is the snapshot that stands for the records before `firstLsn`, if those were dropped. */
  constructor(
    { workspace, load }: { workspace: string; load: (() => TrialLoad) | undefined },
    firstLsn: Lsn,
    ground: Snapshot | undefined,
    problems: Problems,
  ) {
    this.#workspace = workspace
    this.#problems = problems
    this.#firstLsn = firstLsn
    this.head = (firstLsn - 1) as Lsn
    this.#groundLsn = ground?.lsn ?? 0
    // Without that snapshot nothing can be loaded.
    if (firstLsn === 1 || ground !== undefined) this.#load = load?.()
    this.#ground = ground
  }

  /** Loads the state that stands for the dropped records. To be called before the first record. */
  async begin(): Promise<void> {
    const ground = this.#ground
    this.#ground = undefined
    if (ground !== undefined) await this.#tryLoad((begun) => begun.add(ground.state, ground.lsn))
  }

  /** The records of a segment; none if it is damaged. */
  unpack(key: Uint8Array, value: Uint8Array): LogRecord[] {
    try {
      // Compaction drops whole segments: records of a segment before the first kept one are not missing.
      return decodeSegment(this.#workspace, key, value).filter(({ lsn }) => lsn >= this.#firstLsn)
    } catch (error) {
      if (!isDamage(error)) throw error
      this.#load = undefined
      this.#problems.add({ code: 'segment_damaged', message: reasonOf(error), lsn: lsnOfRecordKey(key) })
      return []
    }
  }

  /** The record under `key`, for {@link take}; undefined if it is damaged. */
  decode(key: Uint8Array, value: Uint8Array): LogRecord | undefined {
    try {
      return decodeRecord(this.#workspace, key, value)
    } catch (error) {
      if (!isDamage(error)) throw error
      const lsn = lsnOfRecordKey(key)
      this.#step(lsn)
      // The records behind this one can't be loaded without it: that is not reported again.
      this.#load = undefined
      this.#problems.add({ code: 'record_damaged', message: reasonOf(error), lsn })
      return undefined
    }
  }

  /** Checks a decoded record. Returns its idempotency key. */
  async take({ lsn, at, update, idempotencyKey }: LogRecord): Promise<string | undefined> {
    this.#step(lsn)
    if (at < this.#at) {
      const message = `record ${lsn} of workspace ${this.#workspace} is older than the one before it`
      this.#problems.add({ code: 'time_backwards', message, lsn })
    }
    this.#at = Math.max(at, this.#at)
    if (lsn > this.#groundLsn) await this.#tryLoad((load) => load.add(update, lsn))
    return idempotencyKey
  }

  async finish(): Promise<void> {
    await this.#tryLoad((load) => load.finish())
  }

  #step(lsn: Lsn): void {
    if (lsn !== this.head + 1) this.#missing((this.head + 1) as Lsn, lsn)
    this.head = lsn
    this.count++
  }

  #missing(from: Lsn, next: Lsn): void {
    this.#load = undefined
    const which = next - from === 1 ? `record ${from} is` : `records ${from} to ${next - 1} are`
    const message = `${which} missing from workspace ${this.#workspace}`
    this.#problems.add({ code: 'record_missing', message, lsn: from })
  }

  async #tryLoad(step: (load: TrialLoad) => void | Promise<void>): Promise<void> {
    if (this.#load === undefined) return
    try {
      await step(this.#load)
    } catch (error) {
      this.#load = undefined
      const reason = whyNotLoaded(error)
      const lsn = (error instanceof LogError ? error.lsn : undefined) ?? this.head
      const message = `workspace ${this.#workspace} can't be loaded from its records through ${lsn}: ${reason}`
      this.#problems.add({ code: 'not_loadable', message, lsn })
    }
  }
}
