import type { Write } from '../records/write.ts'

/** Writes that share one batch, one fsync and one promise. */
export class Group {
  readonly writes: Write[] = []
  /** When its first write was put into it, by the clock of `performance`. */
  readonly startMs = performance.now()
  /** Someone in it was promised an fsync, whatever the store's durability. */
  needsSync = false
  /** Resolves when all of them are durable; rejects only if the store closes or is fenced before. */
  readonly durable: Promise<void>
  readonly resolve: () => void
  readonly reject: (error: Error) => void

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.durable = promise
    this.resolve = resolve
    this.reject = reject
    // Every receipt hands out this very promise; one that nobody waits for must not take the process down.
    promise.catch(() => {})
  }
}
