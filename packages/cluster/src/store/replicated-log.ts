import {
  type AdoptingLog,
  type Compacted,
  encodePortableRecord,
  type LogEntry,
  LogError,
  type LogRecord,
  type LogState,
  type Lsn,
  type Receipt,
  type Replication,
  type Sealed,
  type Snapshot,
  type SteadyClock,
  type WorkspaceLog,
} from '@joinery/log'
import type { Position } from '../history/position.ts'
import type { Part } from '../history/publisher.ts'
import type { Takeover } from '../history/takeover.ts'
import type { TurnLog, TurnQueue } from './turn-queue.ts'
import { within } from './within.ts'

/**
 * Time for which closing, a snapshot and a chain value wait for what is on its way to the engine, ms. The next takeover publishes
 * the rest.
 */
const CLOSE_MS = 5_000

export interface ReplicatedLogOptions {
  /** This node's own log. */
  readonly inner: AdoptingLog
  readonly taken: Takeover
  readonly queue: TurnQueue
  readonly clock: SteadyClock
  /** The workspace's own log, if this is a system log of it and that is open. */
  leader(): TurnLog | undefined
  /** False if a record counts as durable once it is in this node's log. */
  readonly awaitsReplication: boolean
  /** Called once when this log is fenced. */
  onFenced(error: LogError): void
  /** Called once when this log is closed. */
  onClosed(): Promise<void>
}

/** Records after which the mark is kept at once. */
const MARK_RECORDS = 500
/**
 * Time after which the mark is kept, ms. Records that were acknowledged since are taken for unacknowledged after a kill: that harms only
 * if the engine loses the same ones then.
 */
const MARK_MS = 2_000

/** The records of one turn, until they are published. */
interface Turn extends PromiseWithResolvers<void> {
  /** Resolves when they are in this node's log. */
  local: Promise<void>
}

const ignore = (): void => undefined

/**
 * A log that this node owns: it is written here, and beside it to the history on the engine. Once another node has taken the
 * workspace over, it is fenced.
 */
export class ReplicatedLog implements WorkspaceLog, TurnLog {
  readonly workspace: string
  /** Resolves when the records that this node alone had at the takeover are replicated. */
  readonly republished: Promise<void>
  readonly #inner: AdoptingLog
  readonly #options: ReplicatedLogOptions
  readonly #listeners = new Set<(state: LogState) => void>()
  #fence: LogError | undefined
  #turn: Turn | undefined
  /** Turns that are on their way. */
  readonly #pending = new Set<Turn>()
  /** Settles when everything appended so far is replicated; rejects with the fence. */
  #replicated: Promise<void>
  #closed: Promise<void> | undefined
  /** The mark that was written last, and the sequence of the one that is on the disk. */
  #marking: Position
  #markedSequence: number
  /** Ends the wait for the next mark. */
  #cancelMark: (() => void) | undefined

  constructor(options: ReplicatedLogOptions) {
    const { inner, taken } = options
    this.workspace = inner.workspace
    this.#inner = inner
    this.#options = options
    this.republished = taken.republished
    this.#replicated = taken.republished
    this.#marking = taken.publisher.position
    this.#markedSequence = this.#marking.sequence
    const { fenced } = taken.publisher
    if (fenced.aborted) this.#lose(fenced.reason)
    else fenced.addEventListener('abort', () => this.#lose(fenced.reason), { once: true })
  }

  get generation(): string | undefined {
    return this.#inner.generation
  }

  get head(): Lsn {
    return this.#inner.head
  }

  get firstLsn(): Lsn {
    return this.#inner.firstLsn
  }

  get snapshotLsn(): Lsn {
    return this.#inner.snapshotLsn
  }

  get sinceSnapshot(): { readonly records: number; readonly bytes: number } {
    return this.#inner.sinceSnapshot
  }

  get leader(): TurnLog | undefined {
    return this.#options.leader()
  }

  get replication(): Replication {
    const { taken, clock, awaitsReplication } = this.#options
    const { position, waitsSinceMs } = taken.publisher
    const waitsMs = waitsSinceMs === undefined ? 0 : clock.monotonicMs() - waitsSinceMs
    return { lsn: position.lsn as Lsn, waitsMs, isAwaited: awaitsReplication }
  }

  /** The end of the history that the engine has acknowledged to this node. */
  get position(): Position {
    return this.#options.taken.publisher.position
  }

  /** The message up to which this node's disk agrees with the history. */
  get markedSequence(): number {
    return this.#markedSequence
  }

  /** This node's own log: its records are read there also while others are on their way to the engine. */
  get inner(): AdoptingLog {
    return this.#inner
  }

  get isFenced(): boolean {
    return this.#fence !== undefined
  }

  get state(): LogState {
    return this.#fence === undefined ? this.#inner.state : { state: 'fenced', error: this.#fence }
  }

  /** Writes nothing more: another node has owned the workspace since. */
  fence(): void {
    this.#options.taken.publisher.stop()
  }

  onStateChange(listener: (state: LogState) => void): () => void {
    const tell = (state: LogState): void => listener(state)
    this.#listeners.add(tell)
    const unsubscribe = this.#inner.onStateChange((state) => {
      if (this.#fence === undefined) tell(state)
    })
    return () => {
      this.#listeners.delete(tell)
      unsubscribe()
    }
  }

  async create(): Promise<string> {
    this.#assertOurs()
    const isKnown = this.#options.taken.publisher.position.generation !== undefined
    const created = this.#inner.create()
    if (isKnown) return await this.#unlessFenced(created)
    const turn = this.#turnOf(created.then(ignore))
    this.#options.queue.add(this, undefined)
    await turn.promise
    return await created
  }

  append(entry: LogEntry, options?: { sync?: boolean }): Receipt {
    this.#assertOurs()
    const { lsn, at, durable: stored } = this.#inner.append(entry, options)
    const turn = this.#turnOf(stored)
    this.#options.queue.add(this, { lsn, bytes: encodePortableRecord({ ...entry, lsn, at }) })
    return this.#options.awaitsReplication ? { lsn, at, durable: turn.promise, stored } : { lsn, at, durable: stored }
  }

  publishTurn(parts: readonly Part[], after: Promise<unknown> | undefined): Promise<void> {
    const turn = this.#turn
    this.#turn = undefined
    const { publisher } = this.#options.taken
    const published = publisher.publishAll(parts, this.#inner.generation ?? '', after)
    const both = Promise.all([turn?.local, published]).then(ignore)
    // A caller that waits for the turn hears of it.
    both.catch(ignore)
    this.#replicated = both
    void both.then(() => this.#keepMark(), ignore)
    if (turn === undefined) return published
    this.#pending.add(turn)
    both
      .then(turn.resolve, (error: unknown) => turn.reject(this.#fence ?? error))
      .finally(() => this.#pending.delete(turn))
    return published
  }

  /** Once the history has the record: a repeat is told that its edit is saved. Rejects with the fence. */
  async lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined> {
    const lsn = await this.#inner.lsnOfKey(idempotencyKey)
    const isReplicated = lsn === undefined || lsn <= this.position.lsn
    if (isReplicated || !this.#options.awaitsReplication) return lsn
    // An append of this turn is published at its end.
    await Promise.resolve()
    await this.#unlessFenced(this.#replicated)
    return lsn
  }

  lsnAt(at: number): Promise<Lsn> {
    return this.#inner.lsnAt(at)
  }

  read(range?: { after?: Lsn; through?: Lsn }): AsyncIterable<LogRecord> {
    return this.#inner.read(range)
  }

  /** Only of replicated records: a takeover must never have to cut below it. */
  async snapshot(snapshot: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array }): Promise<void> {
    this.#assertOurs()
    await this.#whenReplicated(snapshot.lsn)
    await this.#unlessFenced(this.#inner.snapshot(snapshot))
  }

  latestSnapshot(range?: { atOrBefore?: Lsn }): Promise<Snapshot | undefined> {
    return this.#inner.latestSnapshot(range)
  }

  async seal({ through = this.head }: { through?: Lsn } = {}): Promise<Sealed> {
    this.#assertOurs()
    const replicated = Math.min(through, this.#options.taken.publisher.position.lsn) as Lsn
    return await this.#unlessFenced(this.#inner.seal({ through: replicated }))
  }

  /** Keeps all history, as the engine does: the chains of all copies have to be the same. */
  async compact(): Promise<Compacted> {
    this.#assertOurs()
    return { dropped: 0, firstLsn: this.firstLsn }
  }

  /** Only of replicated records: a head that is signed stands for what no takeover cuts off. */
  async chainAt(lsn: Lsn = this.head): Promise<string> {
    await this.#whenReplicated(lsn)
    return await this.#inner.chainAt(lsn)
  }

  /** Waits for what is on its way to the engine, for a few seconds. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    const { taken, clock, onClosed } = this.#options
    const { publisher } = taken
    this.#cancelMark?.()
    try {
      if (!this.isFenced) {
        // Appends of this turn are published at its end.
        await Promise.resolve()
        await within(clock, CLOSE_MS, this.#replicated)
      }
      if (!this.isFenced && this.#inner.state.state === 'open') {
        const { position } = publisher
        if (position.lsn <= this.head) await within(clock, CLOSE_MS, this.#inner.adopt([], position))
      }
      const reason = `the log of workspace ${this.workspace} was closed before this was replicated: it is published later`
      this.#turn?.reject(new LogError('closed', reason, { workspace: this.workspace }))
      publisher.stop(new LogError('closed', reason, { workspace: this.workspace }))
    } finally {
      await this.#inner.close()
      await onClosed()
    }
  }

  #turnOf(local: Promise<void>): Turn {
    if (this.#turn === undefined) {
      this.#turn = { ...Promise.withResolvers<void>(), local }
      // Nobody may wait for a receipt: its rejection must not end the process.
      this.#turn.promise.catch(ignore)
    }
    // An append with `sync` is there later than one after it without.
    if (this.#turn.local !== local) {
      this.#turn.local = Promise.all([this.#turn.local, local]).then(ignore)
      this.#turn.local.catch(ignore)
    }
    return this.#turn
  }

  /** Keeps the mark once in a while: a takeover after a kill has little to read, and this node knows what was acknowledged. */
  #keepMark(): void {
    if (this.position.lsn >= this.#marking.lsn + MARK_RECORDS) return this.#markNow()
    if (this.position.sequence === this.#marking.sequence || this.#closed !== undefined) return
    this.#cancelMark ??= this.#options.clock.after(MARK_MS, () => this.#markNow())
  }

  #markNow(): void {
    this.#cancelMark?.()
    this.#cancelMark = undefined
    const { position } = this
    if (position.lsn > this.head || this.#closed !== undefined || this.#inner.state.state !== 'open') return
    this.#marking = position
    const keep = (): void => {
      this.#markedSequence = position.sequence
    }
    this.#inner.adopt([], position).then(keep, ignore)
  }

  async #whenReplicated(lsn: Lsn): Promise<void> {
    const isOnItsWay = lsn > this.#options.taken.publisher.position.lsn && lsn <= this.head
    if (!isOnItsWay) return
    // Appends of this turn are published at its end.
    await Promise.resolve()
    await within(this.#options.clock, CLOSE_MS, this.#unlessFenced(this.#replicated))
    if (this.#fence !== undefined) throw this.#fence
    if (lsn <= this.#options.taken.publisher.position.lsn) return
    const message = `record ${lsn} of workspace ${this.workspace} reaches no other machine now: it is tried again later`
    throw new LogError('storage_failed', message, { workspace: this.workspace, lsn })
  }

  /** Settles as `work` does, unless the log is fenced before: then it rejects with the fence. */
  async #unlessFenced<T>(work: Promise<T>): Promise<T> {
    const { fenced } = this.#options.taken.publisher
    const lost = Promise.withResolvers<never>()
    const lose = (): void => lost.reject(this.#fence ?? fenced.reason)
    fenced.addEventListener('abort', lose)
    if (fenced.aborted) lose()
    try {
      const result = await Promise.race([work, lost.promise])
      if (this.#fence !== undefined) throw this.#fence
      return result
    } finally {
      fenced.removeEventListener('abort', lose)
      work.catch(ignore)
    }
  }

  #assertOurs(): void {
    // Following the new owner closes a fenced log.
    if (this.#fence !== undefined) throw this.#fence
    if (this.#closed !== undefined) throw new LogError('closed', `the log of workspace ${this.workspace} is closed`)
  }

  #lose(cause: unknown): void {
    if (this.#fence !== undefined || this.#closed !== undefined) return
    const { workspace } = this
    const reason = cause instanceof Error ? cause.message : String(cause)
    this.#fence = new LogError('fenced', `nothing more of workspace ${workspace} is written here: ${reason}`, {
      cause,
      workspace,
    })
    // Records that were acknowledged are never cut off, wherever the next owner goes on.
    this.#markNow()
    for (const turn of [this.#turn, ...this.#pending]) turn?.reject(this.#fence)
    this.#options.onFenced(this.#fence)
    for (const listener of [...this.#listeners]) listener(this.state)
  }
}
