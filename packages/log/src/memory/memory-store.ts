import { type Clock, systemClock } from '../clock.ts'
import type {
  Compacted,
  DamagedLog,
  EventStore,
  KeepHistory,
  LogEntry,
  LogRecord,
  LogState,
  Receipt,
  Sealed,
  Snapshot,
  StoreState,
  VerifyState,
  WorkspaceLog,
} from '../event-store.ts'
import { checkKeepHistory, lastToGo } from '../keep-history.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { LogObserver } from '../observer.ts'
import { checkSnapshot, firstToRead } from '../records/bounds.ts'
import { duplicateKey } from '../records/key-entry.ts'
import { checkEntry } from '../records/record.ts'
import { checkWorkspaceName, deletedWorkspace, makeGeneration } from '../records/workspace-identity.ts'

export interface MemoryStoreOptions {
  readonly clock?: Clock
  readonly observer?: LogObserver
}

/** A log that lasts as long as the process: for tests and demonstrations. */
export function openMemoryStore(options: MemoryStoreOptions = {}): EventStore {
  return new MemoryStore(options.clock ?? systemClock, options.observer ?? {})
}

/** What outlives the log that is open on it. */
interface History {
  generation: string | undefined
  /** All that ever were: dropped ones are counted, and not given any more. */
  readonly records: LogRecord[]
  firstLsn: Lsn
  readonly snapshots: Snapshot[]
  readonly keys: Map<string, Lsn>
  /** Of the updates after the newest snapshot: asked for at every append. */
  bytesSinceSnapshot: number
  deletedAt?: number
}

const DURABLE = Promise.resolve()

function isLoadable(state: Uint8Array, verify: VerifyState): boolean {
  try {
    verify(state)
    return true
  } catch {
    return false
  }
}

class MemoryStore implements EventStore {
  readonly durability = 'memory'
  readonly clock: Clock
  readonly observer: LogObserver
  readonly #histories = new Map<string, History>()
  readonly #openNames = new Set<string>()
  readonly #listeners = new Set<(state: StoreState) => void>()
  #isClosed = false

  constructor(clock: Clock, observer: LogObserver) {
    this.clock = clock
    this.observer = observer
  }

  get state(): StoreState {
    return this.#isClosed ? { state: 'closed' } : { state: 'open' }
  }

  onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async open(workspace: string): Promise<WorkspaceLog> {
    checkWorkspaceName(workspace)
    this.assertOpen()
    if (this.#openNames.has(workspace)) {
      throw new LogError('locked', `workspace ${workspace} is open already: close that log before`)
    }
    this.#assertAlive(workspace)
    this.#openNames.add(workspace)
    const history = this.#histories.get(workspace) ?? {
      generation: undefined,
      records: [],
      firstLsn: 1 as Lsn,
      snapshots: [],
      keys: new Map(),
      bytesSinceSnapshot: 0,
    }
    return new MemoryLog(workspace, history, this)
  }

  async openDamaged(workspace: string): Promise<DamagedLog> {
    checkWorkspaceName(workspace)
    this.assertOpen()
    this.#assertAlive(workspace)
    throw new LogError('invalid', `nothing of workspace ${workspace} is damaged: memory has no way to be`)
  }

  async *workspaces(): AsyncGenerator<string> {
    yield* this.#names(({ deletedAt }) => deletedAt === undefined)
  }

  async *tombstones(): AsyncGenerator<string> {
    yield* this.#names(({ deletedAt }) => deletedAt !== undefined)
  }

  async tombstone(workspace: string): Promise<void> {
    this.#closed(workspace).deletedAt ??= this.clock.now()
  }

  async undelete(workspace: string): Promise<void> {
    delete this.#closed(workspace).deletedAt
  }

  async purge(workspace: string): Promise<void> {
    if (this.#closed(workspace).deletedAt === undefined) {
      throw new LogError('invalid', `workspace ${workspace} is not deleted: delete it first`, { workspace })
    }
    this.#histories.delete(workspace)
  }

  /** What a workspace that nobody has open holds. */
  #closed(workspace: string): History {
    checkWorkspaceName(workspace)
    this.assertOpen()
    if (this.#openNames.has(workspace)) {
      throw new LogError('locked', `workspace ${workspace} is open already: close that log before`, { workspace })
    }
    const history = this.#histories.get(workspace)
    if (history !== undefined) return history
    throw new LogError('invalid', `workspace ${workspace} does not exist`, { workspace })
  }

  #assertAlive(workspace: string): void {
    const { deletedAt } = this.#histories.get(workspace) ?? {}
    if (deletedAt !== undefined) throw deletedWorkspace(workspace, deletedAt)
  }

  *#names(isWanted: (history: History) => boolean): Generator<string> {
    this.assertOpen()
    const wanted = [...this.#histories].filter(([, history]) => isWanted(history))
    const names = wanted.map(([name]) => Buffer.from(name)).sort(Buffer.compare)
    for (const name of names) yield name.toString()
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#histories.clear()
    for (const listener of [...this.#listeners]) listener(this.state)
  }

  assertOpen(): void {
    if (this.#isClosed) throw new LogError('closed', 'the log in memory is closed')
  }

  keep(workspace: string, history: History): void {
    this.#histories.set(workspace, history)
  }

  release(workspace: string): void {
    this.#openNames.delete(workspace)
  }
}

class MemoryLog implements WorkspaceLog {
  readonly workspace: string
  readonly #history: History
  readonly #store: MemoryStore
  #isClosed = false

  constructor(workspace: string, history: History, store: MemoryStore) {
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
    const at = Math.max(this.#store.clock.now(), records.at(-1)?.at ?? 0)
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
    this.#history.bytesSinceSnapshot += update.byteLength
    if (idempotencyKey !== undefined) this.#history.keys.set(idempotencyKey, lsn)
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
    const ground = snapshots.findLast(({ lsn, state }) => lsn <= through && lsn >= before && isLoadable(state, verify))
    if (ground === undefined) return { dropped: 0, firstLsn: before }
    snapshots.splice(0, snapshots.indexOf(ground))
    const firstLsn = (ground.lsn + 1) as Lsn
    this.#history.firstLsn = firstLsn
    const gone = new Uint8Array(0)
    for (let index = before - 1; index < ground.lsn; index++) {
      const record = this.#history.records[index]
      if (record !== undefined) this.#history.records[index] = { ...record, update: gone }
    }
    return { dropped: firstLsn - before, firstLsn }
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
    return generation
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new LogError('closed', `the log of workspace ${this.workspace} is closed`)
    this.#store.assertOpen()
  }
}
