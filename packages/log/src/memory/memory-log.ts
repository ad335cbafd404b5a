import type { AtomicWork } from '../atomic-work.ts'
import type { Clock } from '../clock.ts'
import { timeAfter } from '../clock.ts'
import type {
  AdoptingLog,
  Compacted,
  HistoryMark,
  KeepHistory,
  LogCut,
  LogEntry,
  LogOrigin,
  LogRecord,
  LogState,
  Receipt,
  Sealed,
  Snapshot,
  StoreState,
  VerifyState,
} from '../event-store.ts'
import { checkKeepHistory, lastToGo } from '../keep-history.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { LogObserver } from '../observer.ts'
import { checkAdopted, checkChained, checkCut, checkSnapshot, firstToRead } from '../records/bounds.ts'
import { CHAIN_START, type ChainValue } from '../records/chain.ts'
import { duplicateKey } from '../records/key-entry.ts'
import { checkEntry } from '../records/record.ts'
import { makeGeneration } from '../records/workspace-identity.ts'
import { TrialCutShort } from '../trial-cut-short.ts'
import { MemoryChain } from './memory-chain.ts'

/** History of a workspace, which outlives the log that is open on it. */
export interface History {
  generation: string | undefined
  /** All records that there ever were. Dropped ones keep their place and lose their update. */
  readonly records: LogRecord[]
  firstLsn: Lsn
  readonly snapshots: Snapshot[]
  readonly keys: Map<string, Lsn>
  /** Made when it is first needed. */
  chain?: MemoryChain
  /** Bytes of the updates after the newest snapshot. Kept, since it is asked for at every append. */
  bytesSinceSnapshot: number
  deletedAt?: number
  mark?: HistoryMark
  /** As `AdoptingLog.readFloor` tells. */
  floor?: Lsn
  cut?: LogCut
}

/** The part of its store that one log needs. */
interface MemoryLogHost {
  readonly state: StoreState
  readonly clock: Clock
  readonly observer: LogObserver
  readonly atomic: AtomicWork
  onStateChange(listener: (state: StoreState) => void): () => void
  assertOpen(): void
  keep(workspace: string, history: History): void
  /** Takes {@link keep} back. */
  drop(workspace: string): void
  release(workspace: string): void
}

const DURABLE = Promise.resolve()

/** The newest of the snapshots that `verify` loads. */
async function lastLoadable(snapshots: readonly Snapshot[], verify: VerifyState): Promise<Snapshot | undefined> {
  for (const snapshot of snapshots.toReversed()) {
    try {
      await verify(snapshot.state)
      return snapshot
    } catch (error) {
      if (error instanceof TrialCutShort) throw error
      // The one before it is tried.
    }
  }
  return undefined
}

/** One workspace's log in memory. */
export class MemoryLog implements AdoptingLog {
  readonly workspace: string
  readonly #history: History
  readonly #store: MemoryLogHost
  #isClosed = false

  constructor(workspace: string, history: History, store: MemoryLogHost) {
    this.workspace = workspace
    this.#history = history
    this.#store = store
  }

  get generation(): string | undefined {
    return this.#history.generation
  }

  get head(): Lsn {
    return this.#history.records.length as Lsn
  }

  get firstLsn(): Lsn {
    return this.#history.firstLsn
  }

  get snapshotLsn(): Lsn {
    return this.#history.snapshots.at(-1)?.lsn ?? (0 as Lsn)
  }

  get state(): LogState {
    return this.#store.state
  }

  onStateChange(listener: (state: LogState) => void): () => void {
    return this.#store.onStateChange((state) => listener(state))
  }

  get sinceSnapshot(): { records: number; bytes: number } {
    return { records: this.head - this.snapshotLsn, bytes: this.#history.bytesSinceSnapshot }
  }

  async create(): Promise<string> {
    this.#assertOpen()
    return this.#history.generation ?? this.#beBorn()
  }

  append(entry: LogEntry): Receipt {
    this.#assertOpen()
    checkEntry(entry)
    const known = entry.idempotencyKey === undefined ? undefined : this.#history.keys.get(entry.idempotencyKey)
    if (known !== undefined) throw duplicateKey(this.workspace, entry.idempotencyKey ?? '', known)
    if (this.#history.generation === undefined) this.#beBorn()
    const { records } = this.#history
    const lsn = (records.length + 1) as Lsn
    const at = timeAfter(records.at(-1)?.at ?? 0, this.#store.clock, this.#store.observer)
    const { actor, source, connection, touched, idempotencyKey, update } = entry
    // Copied, like everything a log keeps: the caller may use its bytes again.
    const copies = { touched: [...touched], update: new Uint8Array(update) }
    records.push({
      lsn,
      at,
      actor,
      source,
      connection,
      ...copies,
      ...(idempotencyKey !== undefined && { idempotencyKey }),
    })
    const { bytesSinceSnapshot, keys } = this.#history
    this.#history.bytesSinceSnapshot += update.byteLength
    if (idempotencyKey !== undefined) keys.set(idempotencyKey, lsn)
    this.#store.atomic.note(() => {
      records.pop()
      this.#history.bytesSinceSnapshot = bytesSinceSnapshot
      if (idempotencyKey !== undefined) keys.delete(idempotencyKey)
    })
    return { lsn, at, durable: DURABLE }
  }

  async lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined> {
    this.#assertOpen()
    return this.#history.keys.get(idempotencyKey)
  }

  async lsnAt(at: number): Promise<Lsn> {
    this.#assertOpen()
    const found = this.#history.records.findLast((record) => record.at <= at)?.lsn ?? 0
    return (found < this.firstLsn ? 0 : found) as Lsn
  }

  async *read(range: { after?: Lsn; through?: Lsn } = {}): AsyncGenerator<LogRecord> {
    this.#assertOpen()
    const { records } = this.#history
    const through = Math.min(range.through ?? records.length, records.length)
    for (let index = firstToRead(this, range) - 1; index < through; index++) {
      this.#assertOpen()
      const record = records[index]
      if (record !== undefined) yield record
    }
  }

  async snapshot(snapshot: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array }): Promise<void> {
    this.#assertOpen()
    checkSnapshot(this, snapshot)
    const { lsn, state, annex = new Uint8Array(0) } = snapshot
    const { snapshots, records } = this.#history
    snapshots.push({ lsn, at: records[lsn - 1]?.at ?? 0, state: new Uint8Array(state), annex: new Uint8Array(annex) })
    this.#history.bytesSinceSnapshot = records.slice(lsn).reduce((sum, { update }) => sum + update.byteLength, 0)
    this.#store.observer.snapshotted?.(0, state.byteLength, state.byteLength)
  }

  async latestSnapshot(range: { atOrBefore?: Lsn } = {}): Promise<Snapshot | undefined> {
    this.#assertOpen()
    return this.#history.snapshots.findLast(({ lsn }) => lsn <= (range.atOrBefore ?? this.head))
  }

  async seal(): Promise<Sealed> {
    this.#assertOpen()
    return { records: 0, bytesBefore: 0, bytesAfter: 0 }
  }

  async compact(policy: { keepHistory: KeepHistory; verify: VerifyState }): Promise<Compacted> {
    this.#assertOpen()
    const { keepHistory, verify } = policy
    checkKeepHistory(keepHistory)
    const position = { head: this.head, now: this.#store.clock.now(), lsnAt: (at: number) => this.lsnAt(at) }
    const through = await lastToGo(keepHistory, position)
    const before = this.firstLsn
    const { snapshots } = this.#history
    const among = snapshots.filter(({ lsn }) => lsn <= through && lsn >= before)
    const ground = await lastLoadable(among, verify)
    if (ground === undefined) return { dropped: 0, firstLsn: before }
    snapshots.splice(0, snapshots.indexOf(ground))
    this.#chain?.drop(ground, this.#history.records)
    const firstLsn = (ground.lsn + 1) as Lsn
    this.#history.firstLsn = firstLsn
    const gone = new Uint8Array(0)
    for (let index = before - 1; index < ground.lsn; index++) {
      const record = this.#history.records[index]
      if (record !== undefined) this.#history.records[index] = { ...record, update: gone }
    }
    return { dropped: firstLsn - before, firstLsn }
  }

  async chainAt(lsn: Lsn = this.head): Promise<ChainValue> {
    this.#assertOpen()
    checkChained(this, lsn)
    // Work of this turn may be taken back.
    await undefined
    return this.#chain?.at(lsn, this.#history.records) ?? CHAIN_START
  }

  async readMark(): Promise<HistoryMark | undefined> {
    return this.#history.mark
  }

  async readCut(): Promise<LogCut | undefined> {
    return this.#history.cut
  }

  async readFloor(): Promise<Lsn> {
    return this.#history.floor ?? this.head
  }

  async protect(): Promise<void> {
    this.#assertOpen()
    this.#history.floor = this.head
  }

  async readOrigin(): Promise<LogOrigin | undefined> {
    const { firstLsn, snapshots, keys } = this.#history
    const lsn = (firstLsn - 1) as Lsn
    const snapshot = snapshots.find((each) => each.lsn === lsn)
    const chain = this.#chain
    if (chain === undefined || snapshot === undefined) return undefined
    return { ...chain.origin(lsn), keys: [...keys].filter(([, at]) => at < firstLsn), snapshot }
  }

  async adopt(records: readonly LogRecord[], mark: HistoryMark, origin?: LogOrigin): Promise<void> {
    this.#assertOpen()
    checkAdopted(this, records, mark, origin)
    const history = this.#history
    history.mark = mark
    history.floor = Math.max(history.floor ?? this.head, mark.lsn) as Lsn
    const { generation = history.generation } = mark
    if (generation !== history.generation) {
      history.generation = generation
      delete history.chain
      this.#store.keep(this.workspace, history)
    }
    if (origin !== undefined) this.#begin(origin)
    for (const record of records) {
      history.records.push({ ...record, touched: [...record.touched], update: new Uint8Array(record.update) })
      history.bytesSinceSnapshot += record.update.byteLength
      if (record.idempotencyKey !== undefined) history.keys.set(record.idempotencyKey, record.lsn)
    }
  }

  #begin(origin: LogOrigin): void {
    const { lsn, keys, snapshot } = origin
    const history = this.#history
    history.chain = MemoryChain.from(origin)
    const nothing = { actor: '', source: '', connection: '', touched: [], update: new Uint8Array(0) }
    for (let n = 1; n <= lsn; n++) history.records.push({ lsn: n as Lsn, at: snapshot?.at ?? 0, ...nothing })
    history.firstLsn = (lsn + 1) as Lsn
    for (const [key, at] of keys) history.keys.set(key, at)
    if (snapshot !== undefined) history.snapshots.push(snapshot)
  }

  async truncate(lsn: Lsn): Promise<void> {
    this.#assertOpen()
    const { head } = this
    if (lsn === head) return
    checkCut(this, lsn, this.#history.floor ?? this.head)
    const { records, keys, chain } = this.#history
    this.#history.cut = { lsn, head, chain: this.#chain?.at(head, records) ?? CHAIN_START, at: this.#store.clock.now() }
    for (const { idempotencyKey, update } of records.splice(lsn)) {
      this.#history.bytesSinceSnapshot -= update.byteLength
      if (idempotencyKey !== undefined) keys.delete(idempotencyKey)
    }
    chain?.truncate(lsn)
  }

  /** Undefined until the workspace exists. */
  get #chain(): MemoryChain | undefined {
    const { generation } = this.#history
    if (generation === undefined) return undefined
    this.#history.chain ??= new MemoryChain(generation)
    return this.#history.chain
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#store.release(this.workspace)
  }

  #beBorn(): string {
    const generation = makeGeneration()
    this.#history.generation = generation
    this.#store.keep(this.workspace, this.#history)
    this.#store.atomic.note(() => {
      this.#history.generation = undefined
      this.#store.drop(this.workspace)
    })
    return generation
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new LogError('closed', `the log of workspace ${this.workspace} is closed`)
    this.#store.assertOpen()
  }
}
