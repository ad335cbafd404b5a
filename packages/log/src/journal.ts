import type { KeepHistory, LogRecord, Receipt, WorkspaceLog } from './event-store.ts'
import type { Codec } from './json-codec.ts'
import type { Lsn } from './lsn.ts'
import { isSnapshotDue } from './snapshot-policy.ts'

/** The state that the events of a journal make: a pure function of them. */
export interface Fold<E> {
  take(event: E, at: number, lsn: number): void
}

export interface JournalOptions<E, S extends Fold<E>> {
  readonly log: WorkspaceLog
  atomically<T>(work: () => T): T
  readonly events: Codec<E>
  readonly states: Codec<S>
  empty(): S
  /** Paths of an event, for `history`. */
  touchedBy(event: E): readonly string[]
  /** How much of the history stays readable once a snapshot stands for it. */
  readonly keepHistory: KeepHistory
  /** Records after which the log takes a snapshot; by default as many as pay for it. */
  readonly snapshotRecords?: number
  /** Hears that no snapshot was taken. The records are all there, and the next append tries again. */
  onUntidy(error: unknown): void
}

/** One event to append. */
export interface Entry<E> {
  readonly event: E
  readonly actor: string
  readonly source: string
  readonly connection: string
  readonly idempotencyKey?: string
}

/** Whether a record of a journal is no event, but the note that a repair leaves: its first byte is 0. */
export function isNote(update: Uint8Array): boolean {
  return update[0] === 0
}

async function* events(records: AsyncIterable<LogRecord>): AsyncGenerator<LogRecord> {
  for await (const record of records) if (!isNote(record.update)) yield record
}

/** A system log, and the state that its records make. */
export class Journal<E, S extends Fold<E>> {
  readonly fold: S
  readonly log: WorkspaceLog
  readonly #options: JournalOptions<E, S>
  #lastAt: number
  #stateBytes: number
  #durable: Promise<void> = Promise.resolve()
  #tidying: Promise<void> | undefined

  private constructor(options: JournalOptions<E, S>, fold: S, lastAt: number, stateBytes: number) {
    this.#options = options
    this.log = options.log
    this.fold = fold
    this.#lastAt = lastAt
    this.#stateBytes = stateBytes
  }

  /** Reads the log. Rejects with `corrupted` for records that are no events, and with the log's error. */
  static async open<E, S extends Fold<E>>(options: JournalOptions<E, S>): Promise<Journal<E, S>> {
    const { log, events, states, empty } = options
    const snapshot = await log.latestSnapshot()
    const fold = snapshot === undefined ? empty() : states.decode(snapshot.state)
    let lastAt = snapshot?.at ?? 0
    for await (const { update, at, lsn } of log.read(snapshot && { after: snapshot.lsn })) {
      if (!isNote(update)) fold.take(events.decode(update), at, lsn)
      lastAt = at
    }
    return new Journal(options, fold, lastAt, snapshot?.state.byteLength ?? 0)
  }

  /** Time of the last record, ms since epoch; 0 for none. */
  get lastAt(): number {
    return this.#lastAt
  }

  /** False once the log takes no more appends for good: it was closed, or another process writes it. */
  get isOurs(): boolean {
    const { state } = this.log.state
    return state === 'open' || state === 'failed'
  }

  /** Resolves when everything that was appended so far is as durable as asked. */
  get durable(): Promise<void> {
    return this.#durable
  }

  /**
   * Appends the events as one write, and takes them into the state. Throws the log's error, and changes nothing then.
   *
   * @param sync whether `durable` waits for an fsync
   */
  append(entries: readonly Entry<E>[], { sync = false } = {}): Pick<Receipt, 'durable' | 'lsn'> {
    const { atomically, events, touchedBy } = this.#options
    const receipts = atomically(() =>
      entries.map(({ event, ...entry }) =>
        this.log.append({ ...entry, update: events.encode(event), touched: touchedBy(event) }, { sync }),
      ),
    )
    for (const [n, { event }] of entries.entries()) {
      const { at = this.#lastAt, lsn = 0 } = receipts[n] ?? {}
      this.fold.take(event, at, lsn)
      this.#lastAt = at
    }
    const durable = Promise.all([this.#durable, ...receipts.map((receipt) => receipt.durable)]).then(() => undefined)
    // A caller that waits for a later append is told of the failure.
    durable.catch(() => undefined)
    this.#durable = durable
    if (this.#isSnapshotDue) this.#tidying ??= this.#tidy()
    return { durable, lsn: this.log.head }
  }

  /** The records after an LSN, and the state up to the record at or before it from which the records go on. */
  async past(after: number): Promise<{ readonly fold: S; readonly records: AsyncIterable<LogRecord> }> {
    const { states, empty } = this.#options
    const snapshot = await this.log.latestSnapshot({ atOrBefore: after as Lsn })
    if (snapshot !== undefined) {
      return { fold: states.decode(snapshot.state), records: events(this.log.read({ after: snapshot.lsn })) }
    }
    return { fold: empty(), records: events(this.log.read()) }
  }

  decode(record: LogRecord): E {
    return this.#options.events.decode(record.update)
  }

  /**
   * Appends `removal`, which takes something out of the state, and drops all records up to it and their snapshots. `last` is
   * appended behind it, since a log keeps its last record. Rejects with the log's error.
   */
  async erase(removal: Entry<E>, last: Entry<E>): Promise<void> {
    while (this.#tidying !== undefined) await this.#tidying
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tidying = promise
    try {
      const { lsn, durable } = this.append([removal], { sync: true })
      const state = this.#options.states.encode(this.fold)
      await durable
      await this.log.snapshot({ lsn, state })
      await this.append([last], { sync: true }).durable
      const verify = (bytes: Uint8Array): void => void this.#options.states.decode(bytes)
      await this.log.compact({ keepHistory: { events: 0 }, verify, isErasing: true })
    } finally {
      this.#tidying = undefined
      resolve()
    }
  }

  /** Waits for a snapshot under way. The log stays open: who opened it closes it. */
  async close(): Promise<void> {
    await this.#tidying
  }

  get #isSnapshotDue(): boolean {
    const { records, bytes } = this.log.sinceSnapshot
    const { snapshotRecords } = this.#options
    if (snapshotRecords !== undefined) return records >= snapshotRecords
    return isSnapshotDue({ records, bytes, ms: 0, stateBytes: this.#stateBytes })
  }

  async #tidy(): Promise<void> {
    const { states, keepHistory, onUntidy } = this.#options
    try {
      const lsn = this.log.head
      const state = await (states.encodeInTurns?.(this.fold) ?? states.encode(this.fold))
      this.#stateBytes = state.byteLength
      await this.log.snapshot({ lsn, state })
      const verify = (bytes: Uint8Array) => states.verifyInTurns?.(bytes) ?? void states.decode(bytes)
      await this.log.compact({ keepHistory, verify })
    } catch (error) {
      if (this.isOurs) onUntidy(error)
    } finally {
      this.#tidying = undefined
    }
  }
}
