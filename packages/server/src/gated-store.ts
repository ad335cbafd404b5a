import {
  type EventStore,
  LogError,
  type LogRecord,
  openMemoryStore,
  type StoreState,
  type WorkspaceLog,
} from '@joinery/log'

/**
 * A real store behind gates that a test opens by hand: loads that wait, loads that fail, storage that fails and
 * recovers. What it stores and answers is the memory store's.
 */
export class GatedStore implements EventStore {
  readonly inner = openMemoryStore()
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

  get durability() {
    return this.inner.durability
  }

  get state(): StoreState {
    return this.#state
  }

  set state(state: StoreState) {
    this.#state = state
    this.#listener?.(state)
  }

  onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = undefined
    }
  }

  async open(workspace: string): Promise<WorkspaceLog> {
    this.opens++
    await this.openGate
    if (this.openError !== undefined) throw this.openError
    const log = await this.inner.open(workspace)
    this.openLogs++
    return new GatedLog(log, this)
  }

  workspaces(): AsyncIterable<string> {
    return this.inner.workspaces()
  }

  close(): Promise<void> {
    return this.inner.close()
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

class GatedLog implements WorkspaceLog {
  readonly #log: WorkspaceLog
  readonly #store: GatedStore

  constructor(log: WorkspaceLog, store: GatedStore) {
    this.#log = log
    this.#store = store
  }

  get workspace() {
    return this.#log.workspace
  }
  get generation() {
    return this.#log.generation
  }
  get head() {
    return this.#log.head
  }

  create(): Promise<string> {
    return this.#log.create()
  }

  append(entry: Parameters<WorkspaceLog['append']>[0]) {
    if (this.#store.state.state === 'failed') throw new LogError('storage_full', 'the test filled the disk')
    const { durable, ...receipt } = this.#log.append(entry)
    const gate = this.#store.durableGate
    return { ...receipt, durable: gate === undefined ? durable : gate.then(() => durable) }
  }

  async *read(range?: Parameters<WorkspaceLog['read']>[0]): AsyncGenerator<LogRecord> {
    const error = this.#store.readError
    if (error !== undefined) throw error
    yield* this.#log.read(range)
  }

  async close(): Promise<void> {
    this.#store.openLogs--
    await this.#log.close()
  }
}
