import type { AdoptingLog, Compacted, LogError, LogRecord, LogState, Lsn, Snapshot, WorkspaceLog } from '@joinery/log'

/**
 * This node's own copy of a workspace, for reading only, while the node can't find out who owns the workspace. Every write throws
 * `no_quorum`. Once the node can, the log is fenced: its room closes, and its clients connect again.
 */
export class AwayLog implements WorkspaceLog {
  readonly workspace: string
  readonly #copy: AdoptingLog
  readonly #isAwaited: boolean
  readonly #listeners = new Set<(state: LogState) => void>()
  readonly #onClosed: () => void
  #state: LogState & { error: LogError }

  constructor(copy: AdoptingLog, reason: LogError, isAwaited: boolean, onClosed: () => void) {
    this.workspace = copy.workspace
    this.#copy = copy
    this.#isAwaited = isAwaited
    this.#onClosed = onClosed
    this.#state = { state: 'failed', error: reason }
  }

  /** Fences the log. Idempotent. */
  end(error: LogError): void {
    if (this.#state.state === 'fenced') return
    this.#state = { state: 'fenced', error }
    for (const listener of [...this.#listeners]) listener(this.#state)
  }

  get generation(): string | undefined {
    return this.#copy.generation
  }

  get head(): Lsn {
    return this.#copy.head
  }

  get firstLsn(): Lsn {
    return this.#copy.firstLsn
  }

  get snapshotLsn(): Lsn {
    return this.#copy.snapshotLsn
  }

  get sinceSnapshot(): { readonly records: number; readonly bytes: number } {
    return this.#copy.sinceSnapshot
  }

  /** Nothing waits: what comes meanwhile stays with the clients. */
  get replication() {
    return { lsn: this.head, waitsMs: 0, isAwaited: this.#isAwaited }
  }

  get state(): LogState {
    return this.#state
  }

  onStateChange(listener: (state: LogState) => void): () => void {
    const tell = (state: LogState): void => listener(state)
    this.#listeners.add(tell)
    return () => void this.#listeners.delete(tell)
  }

  async create(): Promise<string> {
    throw this.#state.error
  }

  append(): never {
    throw this.#state.error
  }

  async snapshot(): Promise<void> {
    throw this.#state.error
  }

  async seal(): Promise<never> {
    throw this.#state.error
  }

  async compact(): Promise<Compacted> {
    throw this.#state.error
  }

  /** A head that is signed stands for records that the history has, which can't be known here. */
  async chainAt(): Promise<string> {
    throw this.#state.error
  }

  /** Tells of records that the history is known to have. Rejects with `no_quorum` for later ones: they may be cut off. */
  async lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined> {
    const lsn = await this.#copy.lsnOfKey(idempotencyKey)
    if (lsn === undefined || !this.#isAwaited) return lsn
    const mark = await this.#copy.readMark()
    if (lsn > (mark?.lsn ?? 0)) throw this.#state.error
    return lsn
  }

  lsnAt(at: number): Promise<Lsn> {
    return this.#copy.lsnAt(at)
  }

  read(range?: { after?: Lsn; through?: Lsn }): AsyncIterable<LogRecord> {
    return this.#copy.read(range)
  }

  latestSnapshot(range?: { atOrBefore?: Lsn }): Promise<Snapshot | undefined> {
    return this.#copy.latestSnapshot(range)
  }

  async close(): Promise<void> {
    this.#onClosed()
    await this.#copy.close()
  }
}
