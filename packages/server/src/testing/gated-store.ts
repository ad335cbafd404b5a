import {
  type DamagedLog,
  LogError,
  type LogRecord,
  type LogState,
  type Lsn,
  openMemoryStore,
  type StoreState,
  type WorkspaceLog,
} from '@joinery/log'
import { DelegatingLog, DelegatingStore } from '@joinery/log/testing'

/**
 * A real store behind gates that a test opens by hand: loads that wait, loads that fail, storage that fails and
 * recovers. What it stores and answers is the memory store's.
 */
export class GatedStore extends DelegatingStore {
  /** Opens that came in so far. */
  opens = 0
  /** Logs that are open now. */
  openLogs = 0
  /** Reads of records that began so far. */
  reads = 0
  /** Awaited before each read, if set. */
  readGate: Promise<void> | undefined
  /** Awaited before each open, if set. */
  openGate: Promise<void> | undefined
  /** Thrown by the next open, if set. */
  openError: Error | undefined
  /** Awaited before an append counts as durable, if set. */
  durableGate: Promise<void> | undefined
  /** Thrown by the next read, if set. */
  readError: Error | undefined
  /** The record with this LSN, in every workspace, can't be read, if set. */
  damagedLsn: number | undefined
  /** Whether each append asked for an fsync. */
  readonly synced: boolean[] = []
  /** Awaited before a snapshot is stored, if set. */
  snapshotGate: Promise<void> | undefined
  /** Called around each snapshot's being stored. */
  aroundSnapshot: (take: () => Promise<void>) => Promise<void> = (take) => take()
  /** Called with each record that is read. */
  onRecord: (lsn: number) => void = () => undefined
  /** Thrown by the next snapshot, if set. */
  snapshotError: Error | undefined
  #state: StoreState = { state: 'open' }
  readonly #listeners = new Set<(state: StoreState) => void>()

  constructor() {
    super(openMemoryStore())
  }

  override get state(): StoreState {
    return this.#state
  }

  override set state(state: StoreState) {
    this.#state = state
    for (const listener of [...this.#listeners]) listener(state)
  }

  override onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  override async open(workspace: string): Promise<WorkspaceLog> {
    this.opens++
    await this.openGate
    if (this.openError !== undefined) throw this.openError
    const log = await this.inner.open(workspace)
    this.openLogs++
    return new GatedLog(log, this)
  }

  /** Answers as a store on disk does: with what lies before {@link damagedLsn}. */
  override async openDamaged(workspace: string): Promise<DamagedLog> {
    if (this.readError !== undefined) throw this.readError
    if (this.damagedLsn === undefined) return this.inner.openDamaged(workspace)
    const log = await this.inner.open(workspace)
    this.openLogs++
    return new GatedDamagedLog(log, this, this.damagedLsn)
  }

  /** The records of one workspace that no room has open. */
  async records(workspace: string): Promise<LogRecord[]> {
    const log = await this.inner.open(workspace)
    const records: LogRecord[] = []
    for await (const record of log.read()) records.push(record)
    await log.close()
    return records
  }
}

class GatedLog extends DelegatingLog {
  readonly #store: GatedStore

  constructor(log: WorkspaceLog, store: GatedStore) {
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

  override append(...args: Parameters<WorkspaceLog['append']>) {
    if (this.#store.state.state === 'failed') throw new LogError('storage_full', 'the test filled the disk')
    this.#store.synced.push(args[1]?.sync === true)
    const { durable, ...receipt } = this.inner.append(...args)
    const gate = this.#store.durableGate
    return { ...receipt, durable: gate === undefined ? durable : gate.then(() => durable) }
  }

  override async *read(range?: Parameters<WorkspaceLog['read']>[0]): AsyncGenerator<LogRecord> {
    this.#store.reads++
    await this.#store.readGate
    const { state } = this.#store
    // As on disk: recovery closes the handle under a reader.
    const error = state.state === 'failed' ? state.error : this.#store.readError
    if (error !== undefined) throw error
    const { damagedLsn } = this.#store
    for await (const record of this.inner.read(range)) {
      if (damagedLsn !== undefined && record.lsn >= damagedLsn) throw damageAt(this.workspace, damagedLsn)
      this.#store.onRecord(record.lsn)
      yield record
    }
  }

  override async snapshot(...args: Parameters<WorkspaceLog['snapshot']>): Promise<void> {
    await this.#store.snapshotGate
    if (this.#store.snapshotError !== undefined) throw this.#store.snapshotError
    await this.#store.aroundSnapshot(() => this.inner.snapshot(...args))
  }

  override async close(): Promise<void> {
    this.#store.openLogs--
    await this.inner.close()
  }
}

class GatedDamagedLog extends GatedLog implements DamagedLog {
  readonly damage: LogError
  readonly #last: number

  constructor(log: WorkspaceLog, store: GatedStore, damagedLsn: number) {
    super(log, store)
    this.damage = damageAt(log.workspace, damagedLsn)
    this.#last = damagedLsn - 1
  }

  override get head(): Lsn {
    return Math.min(this.inner.head, this.#last) as Lsn
  }

  override append(): never {
    throw this.damage
  }

  override read(range: Parameters<WorkspaceLog['read']>[0] = {}): AsyncGenerator<LogRecord> {
    return super.read({ ...range, through: Math.min(range.through ?? this.head, this.head) as Lsn })
  }
}

function damageAt(workspace: string, lsn: number): LogError {
  return new LogError('corrupted', `record ${lsn} of workspace ${workspace} is damaged`)
}
