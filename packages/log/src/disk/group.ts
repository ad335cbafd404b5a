import type { Write } from '../records/write.ts'

/** Writes that share one batch. */
export class Group {
  readonly writes: Write[] = []
  /** Time of its first write, by `performance.now()`. */
  readonly startMs = performance.now()
  /** Whether an append in it was promised an fsync, whatever the durability of the store. */
  needsSync = false
  readonly #durable = Promise.withResolvers<void>()
  readonly #synced = Promise.withResolvers<void>()

  constructor() {
    // Every receipt has one of these. Nobody may wait for it: its rejection must not end the process.
    this.durable.catch(() => {})
    this.synced.catch(() => {})
  }

  /** Resolves when all of its writes are as durable as the store promises. Rejects only if the store closes or is fenced before. */
  get durable(): Promise<void> {
    return this.#durable.promise
  }

  /** As {@link durable}, and an fsync has its writes, whatever the durability of the store. */
  get synced(): Promise<void> {
    return this.#synced.promise
  }

  /** Adds writes. Resolves when they are durable; with `sync`, when an fsync has them. */
  add(writes: readonly Write[], { sync = false } = {}): Promise<void> {
    this.writes.push(...writes)
    if (!sync) return this.durable
    this.needsSync = true
    return this.synced
  }

  resolveDurable(): void {
    this.#durable.resolve()
  }

  resolveSynced(): void {
    this.#durable.resolve()
    this.#synced.resolve()
  }

  reject(error: Error): void {
    this.#durable.reject(error)
    this.#synced.reject(error)
  }
}
