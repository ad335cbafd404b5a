import {
  type EventStore,
  type LogEntry,
  LogError,
  type LogErrorCode,
  openMemoryStore,
  type Receipt,
  type StoreState,
  type WorkspaceLog,
} from '@joinery/log'

/** A real store in memory whose disk can be held (what is appended becomes durable at the release), or fail and recover. */
export class HeldStore implements EventStore {
  readonly #inner = openMemoryStore()
  #held: PromiseWithResolvers<void> | undefined
  #failure: LogError | undefined
  readonly #listeners = new Set<(state: StoreState) => void>()

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

  get durability() {
    return this.#inner.durability
  }
  get state(): StoreState {
    return this.#failure === undefined ? this.#inner.state : { state: 'failed', error: this.#failure }
  }
  onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
  workspaces(): AsyncIterable<string> {
    return this.#inner.workspaces()
  }
  close(): Promise<void> {
    this.release()
    return this.#inner.close()
  }

  async open(workspace: string): Promise<WorkspaceLog> {
    const log = await this.#inner.open(workspace)
    const append = (entry: LogEntry): Receipt => {
      if (this.#failure !== undefined) throw this.#failure
      const receipt = log.append(entry)
      const held = this.#held?.promise
      return held === undefined ? receipt : { ...receipt, durable: held.then(() => receipt.durable) }
    }
    return {
      workspace,
      get generation() {
        return log.generation
      },
      get head() {
        return log.head
      },
      create: () => log.create(),
      read: (range) => log.read(range),
      close: () => log.close(),
      append,
    }
  }
}
