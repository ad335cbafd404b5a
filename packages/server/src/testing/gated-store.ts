import {
  type DamagedLog,
  LogError,
  type LogRecord,
  type Lsn,
  openMemoryStore,
  type StoreState,
  type WorkspaceLog,
} from '@joinery/log'
import { DelegatingStore, StoreBoundLog } from '@joinery/log/testing'

/**
 * A memory store behind gates, with which a test makes loads wait, makes loads fail, and makes storage fail and
 * recover.
 */
export class GatedStore extends DelegatingStore {
  /** Number of opens so far. */
  opens = 0
  /** Number of logs that are open now. */
  openLogs = 0
  /** Number of reads of records that have begun so far. */
  reads = 0
  /** Gate that each read waits for, if set. */
  readGate: Promise<void> | undefined
  /** Gate that each open waits for, if set. */
  openGate: Promise<void> | undefined
  /** Error that the next open throws, if set. */
  openError: Error | undefined
  /** Gate that each append waits for before it counts as durable, if set. */
  durableGate: Promise<void> | undefined
  /** Error that the next read throws, if set. */
  readError: Error | undefined
  /** LSN of the record that can't be read, in every workspace, if set. */
  damagedLsn: number | undefined
  /** For each append, whether it asked for an fsync. */
  readonly synced: boolean[] = []
  /** Gate that each snapshot waits for before it is stored, if set. */
  snapshotGate: Promise<void> | undefined
  /** Called before and after each snapshot is stored. */
  aroundSnapshot: (take: () => Promise<void>) => Promise<void> = (take) => take()
  /** Called with each record that is read. */
  onRecord: (lsn: number) => void = () => undefined
  /** Error that the next snapshot throws, if set. */
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

  /** Opens a damaged workspace as a store on disk does: with the records before {@link damagedLsn}. */
  override async openDamaged(workspace: string): Promise<DamagedLog> {
    if (this.readError !== undefined) throw this.readError
    if (this.damagedLsn === undefined) return this.inner.openDamaged(workspace)
    const log = await this.inner.open(workspace)
    this.openLogs++
    return new GatedDamagedLog(log, this, this.damagedLsn)
  }

  /** Reads the records of a workspace that no room has open. */
  async records(workspace: string): Promise<LogRecord[]> {
    const log = await this.inner.open(workspace)
    const records: LogRecord[] = []
    for await (const record of log.read()) records.push(record)
    await log.close()
    return records
  }
}

class GatedLog extends StoreBoundLog {
  readonly #store: GatedStore

  constructor(log: WorkspaceLog, store: GatedStore) {
    super(log, store)
    this.#store = store
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
    // As on disk, where a recovery closes the files that a reader has open.
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
