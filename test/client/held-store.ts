import { LogError, type LogErrorCode, openMemoryStore, type StoreState, type WorkspaceLog } from '@joinery/log'
import { DelegatingStore, StoreBoundLog } from '@joinery/log/testing'

/** A real store in memory. Its disk can be held, so that records become durable at the release, or fail and recover. */
export class HeldStore extends DelegatingStore {
  #held: PromiseWithResolvers<void> | undefined
  #failure: LogError | undefined
  readonly #listeners = new Set<(state: StoreState) => void>()

  constructor() {
    super(openMemoryStore())
  }

  /** Records appended so far. */
  appends = 0

  hold(): void {
    this.#held ??= Promise.withResolvers()
  }

  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  /** Storage fails until {@link recover}, as on a full disk: nothing is appended. */
  fail(code: LogErrorCode, message: string): void {
    this.#failure = new LogError(code, message)
    this.#tell()
  }

  recover(): void {
    this.#failure = undefined
    this.#tell()
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener(this.state)
  }

  override get state(): StoreState {
    return this.#failure === undefined ? this.inner.state : { state: 'failed', error: this.#failure }
  }
  override onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  override close(): Promise<void> {
    this.release()
    return this.inner.close()
  }

  override async open(workspace: string): Promise<WorkspaceLog> {
    const log = new StoreBoundLog(await this.inner.open(workspace), this)
    log.append = (...args) => {
      if (this.#failure !== undefined) throw this.#failure
      const receipt = log.inner.append(...args)
      this.appends++
      const held = this.#held?.promise
      return held === undefined ? receipt : { ...receipt, durable: held.then(() => receipt.durable) }
    }
    return log
  }
}
