import type { Write } from '../records/write.ts'

/** Writes that share one batch, one fsync and one promise. */
export class Group {
  readonly writes: Write[] = []
  /** Time of its first write, by `performance.now()`. */
  readonly startMs = performance.now()
  /** Whether an append in it was promised an fsync, whatever the durability of the store. */
  needsSync = false
  /** Resolves when all of its writes are durable. Rejects only if the store closes or is fenced before. */
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.durable = promise
    this.resolve = resolve
    this.reject = reject
    // Every receipt has this promise. Nobody may wait for one: its rejection must not end the process.
    promise.catch(() => {})
  }
}
