import { LogError, type LogRecord, openMemoryStore, type StoreState, type WorkspaceLog } from '@joinery/log'
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
  /** Awaited before each open, if set. */
  openGate: Promise<void> | undefined
  /** Thrown by the next open, if set. */
  openError: Error | undefined
  /** Awaited before an append counts as durable, if set. */
  durableGate: Promise<void> | undefined
  /** Thrown by the next read, if set. */
  readError: Error | undefined
  #state: StoreState = { state: 'open' }
  #listener: ((state: StoreState) => void) | undefined

  constructor() {
    super(openMemoryStore())
  }

  override get state(): StoreState {
    return this.#state
  }

  override set state(state: StoreState) {
    this.#state = state
    this.#listener?.(state)
  }

  override onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = undefined
    }
  }

  override async open(workspace: string): Promise<WorkspaceLog> {
    this.opens++
    await this.openGate
    if (this.openError !== undefined) throw this.openError
    const log = await this.inner.open(workspace)
    this.openLogs++
    return new GatedLog(log, this)
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

  override append(...args: Parameters<WorkspaceLog['append']>) {
    if (this.#store.state.state === 'failed') throw new LogError('storage_full', 'the test filled the disk')
    const { durable, ...receipt } = this.inner.append(...args)
    const gate = this.#store.durableGate
    return { ...receipt, durable: gate === undefined ? durable : gate.then(() => durable) }
  }

  override async *read(range?: Parameters<WorkspaceLog['read']>[0]): AsyncGenerator<LogRecord> {
    const error = this.#store.readError
    if (error !== undefined) throw error
    yield* this.inner.read(range)
  }

  override async close(): Promise<void> {
    this.#store.openLogs--
    await this.inner.close()
  }
}
