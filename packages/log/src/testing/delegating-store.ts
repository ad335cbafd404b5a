import type {
  Compacted,
  DamagedLog,
  Durability,
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
import type { Lsn } from '../lsn.ts'

/** A store that passes everything on to another. Test doubles override what differs. */
export class DelegatingStore implements EventStore {
  readonly inner: EventStore

  constructor(inner: EventStore) {
    this.inner = inner
  }

  get durability(): Durability {
    return this.inner.durability
  }
  get copy(): string {
    return this.inner.copy
  }
  get state(): StoreState {
    return this.inner.state
  }
  onStateChange(listener: (state: StoreState) => void): () => void {
    return this.inner.onStateChange(listener)
  }
  open(workspace: string): Promise<WorkspaceLog> {
    return this.inner.open(workspace)
  }
  openDamaged(workspace: string): Promise<DamagedLog> {
    return this.inner.openDamaged(workspace)
  }
  workspaces(): AsyncIterable<string> {
    return this.inner.workspaces()
  }
  systemLogs(): AsyncIterable<string> {
    return this.inner.systemLogs()
  }
  atomically<T>(work: () => T): T {
    return this.inner.atomically(work)
  }
  tombstones(): AsyncIterable<string> {
    return this.inner.tombstones()
  }
  tombstone(workspace: string): Promise<void> {
    return this.inner.tombstone(workspace)
  }
  undelete(workspace: string): Promise<void> {
    return this.inner.undelete(workspace)
  }
  purge(workspace: string): Promise<void> {
    return this.inner.purge(workspace)
  }
  close(): Promise<void> {
    return this.inner.close()
  }
}

/** A log that passes everything on to another. */
export class DelegatingLog implements WorkspaceLog {
  readonly inner: WorkspaceLog

  constructor(inner: WorkspaceLog) {
    this.inner = inner
  }

  get workspace(): string {
    return this.inner.workspace
  }
  get generation(): string | undefined {
    return this.inner.generation
  }
  get head(): Lsn {
    return this.inner.head
  }
  get firstLsn(): Lsn {
    return this.inner.firstLsn
  }
  get snapshotLsn(): Lsn {
    return this.inner.snapshotLsn
  }
  get state(): LogState {
    return this.inner.state
  }
  onStateChange(listener: (state: LogState) => void): () => void {
    return this.inner.onStateChange(listener)
  }
  get sinceSnapshot(): { readonly records: number; readonly bytes: number } {
    return this.inner.sinceSnapshot
  }
  create(): Promise<string> {
    return this.inner.create()
  }
  append(entry: LogEntry, options?: { sync?: boolean }): Receipt {
    return this.inner.append(entry, options)
  }
  lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined> {
    return this.inner.lsnOfKey(idempotencyKey)
  }
  lsnAt(at: number): Promise<Lsn> {
    return this.inner.lsnAt(at)
  }
  read(range?: { after?: Lsn; through?: Lsn }): AsyncIterable<LogRecord> {
    return this.inner.read(range)
  }
  snapshot(snapshot: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array }): Promise<void> {
    return this.inner.snapshot(snapshot)
  }
  seal(options?: { through?: Lsn }): Promise<Sealed> {
    return this.inner.seal(options)
  }
  compact(policy: { keepHistory: KeepHistory; verify: VerifyState }): Promise<Compacted> {
    return this.inner.compact(policy)
  }
  chainAt(lsn?: Lsn): Promise<string> {
    return this.inner.chainAt(lsn)
  }
  latestSnapshot(range?: { atOrBefore?: Lsn }): Promise<Snapshot | undefined> {
    return this.inner.latestSnapshot(range)
  }
  close(): Promise<void> {
    return this.inner.close()
  }
}

/** A log of a test's store: its state is the one that the store shows, until the log is fenced. */
export class StoreBoundLog extends DelegatingLog {
  readonly #store: EventStore

  constructor(log: WorkspaceLog, store: EventStore) {
    super(log)
    this.#store = store
  }

  override get state(): LogState {
    const { state } = this.#store
    return state.state === 'open' ? this.inner.state : state
  }

  override onStateChange(listener: (state: LogState) => void): () => void {
    const unsubscribe = [this.#store.onStateChange(listener), this.inner.onStateChange(listener)]
    return () => {
      for (const each of unsubscribe) each()
    }
  }
}
