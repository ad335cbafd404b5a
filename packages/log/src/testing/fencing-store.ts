import type { LogEntry, LogRecord, LogState, Receipt, Sealed, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { DelegatingLog, DelegatingStore } from './delegating-store.ts'

/**
 * A store that can lose one log alone, as a store that several machines share can: whatever it wraps, {@link fence} takes
 * a workspace away from it, and {@link overlook} makes it refuse an idempotency key late.
 */
export class FencingStore extends DelegatingStore {
  readonly #logs = new Map<string, FencingLog>()

  override async open(workspace: string): Promise<WorkspaceLog> {
    const log = new FencingLog(await this.inner.open(workspace), () => this.#logs.delete(workspace))
    this.#logs.set(workspace, log)
    return log
  }

  /**
   * Lets another writer take the workspace over: its open log is fenced at once, before anything appended in this turn
   * is durable.
   */
  fence(workspace: string): void {
    this.#openLog(workspace).fence()
  }

  /**
   * Hides the record with this idempotency key from the open log of the workspace, until the log has refused a second
   * one.
   */
  overlook(workspace: string, idempotencyKey: string): void {
    this.#openLog(workspace).overlook(idempotencyKey)
  }

  #openLog(workspace: string): FencingLog {
    const log = this.#logs.get(workspace)
    if (log === undefined) throw new Error(`no log of workspace ${workspace} is open: open it before`)
    return log
  }
}

class FencingLog extends DelegatingLog {
  readonly #onClose: () => void
  #fence: LogError | undefined
  readonly #listeners = new Set<(state: LogState) => void>()
  /** Reject functions of the promises that this log has given and that are still pending. */
  readonly #waiting = new Set<(error: LogError) => void>()
  /**
   * The promise that appends without a key share (`durable`), and the promise of the wrapped log that it follows
   * (`of`).
   */
  #shared: { readonly of: Promise<void>; readonly durable: Promise<void> } | undefined
  #lastDurable: Promise<void> | undefined
  readonly #overlooked = new Set<string>()
  /** The record that is going to be refused, and all appended behind it. The wrapped log never gets them. */
  #withheld: LogRecord[] = []

  constructor(log: WorkspaceLog, onClose: () => void) {
    super(log)
    this.#onClose = onClose
  }

  fence(): void {
    const reason = `another writer holds workspace ${this.workspace} now: nothing more is written through this log`
    this.#lose(new LogError('fenced', reason, { workspace: this.workspace }))
  }

  overlook(idempotencyKey: string): void {
    this.#overlooked.add(idempotencyKey)
  }

  override get state(): LogState {
    return this.#fence === undefined ? this.inner.state : { state: 'fenced', error: this.#fence }
  }

  override get head(): Lsn {
    return (this.inner.head + this.#withheld.length) as Lsn
  }

  override onStateChange(listener: (state: LogState) => void): () => void {
    const tell = (state: LogState): void => listener(state)
    this.#listeners.add(tell)
    const unsubscribe = this.inner.onStateChange((state) => {
      if (this.#fence === undefined) tell(state)
    })
    return () => {
      this.#listeners.delete(tell)
      unsubscribe()
    }
  }

  override create(): Promise<string> {
    return this.#unlessFenced(() => this.inner.create())
  }

  override append(entry: LogEntry, options?: { sync?: boolean }): Receipt {
    if (this.#fence !== undefined) throw this.#fence
    if (this.#withheld.length > 0) return this.#withhold(entry)
    try {
      const receipt = this.inner.append(entry, options)
      this.#lastDurable = receipt.durable
      return { ...receipt, durable: this.#durableOf(entry, receipt) }
    } catch (error) {
      if (!isDuplicate(error) || !this.#overlooked.has(entry.idempotencyKey ?? '')) throw error
      return this.#withhold(entry, error)
    }
  }

  override async lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined> {
    const withheld = this.#withheld.find((record) => record.idempotencyKey === idempotencyKey)
    if (withheld !== undefined) return withheld.lsn
    const lsn = await this.inner.lsnOfKey(idempotencyKey)
    return this.#overlooked.has(idempotencyKey) ? undefined : lsn
  }

  override async *read(range: { after?: Lsn; through?: Lsn } = {}): AsyncGenerator<LogRecord> {
    const withheld = [...this.#withheld]
    yield* this.inner.read(range)
    const { after = 0, through = this.head } = range
    yield* withheld.filter(({ lsn }) => lsn > after && lsn <= through)
  }

  override snapshot(...args: Parameters<WorkspaceLog['snapshot']>): Promise<void> {
    return this.#unlessFenced(() => this.inner.snapshot(...args))
  }

  override seal(...args: Parameters<WorkspaceLog['seal']>): Promise<Sealed> {
    return this.#unlessFenced(() => this.inner.seal(...args))
  }

  override compact(...args: Parameters<WorkspaceLog['compact']>): ReturnType<WorkspaceLog['compact']> {
    return this.#unlessFenced(() => this.inner.compact(...args))
  }

  override async close(): Promise<void> {
    this.#onClose()
    await this.inner.close()
  }

  #durableOf({ idempotencyKey }: LogEntry, { durable: of }: Receipt): Promise<void> {
    if (idempotencyKey === undefined && this.#shared?.of === of) return this.#shared.durable
    const durable = this.#unlessFenced(() => of)
    // Nobody may wait for a receipt: its rejection must not end the process.
    durable.catch(() => undefined)
    if (idempotencyKey === undefined) {
      const shared = { of, durable }
      this.#shared = shared
      // The memory store gives the same promise for ever: a later append may be fenced before it is durable.
      const forget = (): void => {
        if (this.#shared === shared) this.#shared = undefined
      }
      of.then(forget, forget)
    }
    return durable
  }

  /** Settles as `work` does, unless the log is fenced before: then it rejects with the fence. */
  #unlessFenced<T>(work: () => Promise<T>): Promise<T> {
    if (this.#fence !== undefined) return Promise.reject(this.#fence)
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    this.#waiting.add(reject)
    const settled = work().finally(() => this.#waiting.delete(reject))
    settled.then(resolve, reject)
    return promise
  }

  /** Gives a receipt for a record that is never written: the refused one, or one appended behind it. */
  #withhold(entry: LogEntry, refusal?: LogError): Receipt {
    const lsn = (this.head + 1) as Lsn
    const at = Date.now()
    this.#withheld.push({ ...entry, lsn, at })
    const { promise: durable, reject } = Promise.withResolvers<void>()
    durable.catch(() => undefined)
    if (refusal === undefined) this.#waiting.add(reject)
    else void this.#refuseLater(refusal, reject)
    return { lsn, at, durable }
  }

  async #refuseLater(refusal: LogError, reject: (error: LogError) => void): Promise<void> {
    await this.#lastDurable?.catch(() => undefined)
    await new Promise((resolve) => setImmediate(resolve))
    reject(refusal)
    this.#withheld = []
    this.#overlooked.clear()
    const reason = `workspace ${this.workspace} refused a record late: nothing behind it is written through this log`
    this.#lose(new LogError('fenced', reason, { workspace: this.workspace, cause: refusal }))
  }

  #lose(fence: LogError): void {
    if (this.#fence !== undefined) return
    this.#fence = fence
    for (const reject of [...this.#waiting]) reject(fence)
    this.#waiting.clear()
    for (const listener of [...this.#listeners]) listener(this.state)
  }
}

function isDuplicate(error: unknown): error is LogError {
  return error instanceof LogError && error.code === 'duplicate_key'
}
