import { type EventStore, type LogEntry, openMemoryStore, type Receipt, type WorkspaceLog } from '@joinery/log'

/** A real store in memory whose disk can be held: what is appended meanwhile becomes durable at the release. */
export class HeldStore implements EventStore {
  readonly #inner = openMemoryStore()
  #held: PromiseWithResolvers<void> | undefined

  hold(): void {
    this.#held ??= Promise.withResolvers()
  }

  release(): void {
    this.#held?.resolve()
    this.#held = undefined
  }

  get durability() {
    return this.#inner.durability
  }
  get state() {
    return this.#inner.state
  }
  onStateChange(listener: Parameters<EventStore['onStateChange']>[0]): () => void {
    return this.#inner.onStateChange(listener)
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
