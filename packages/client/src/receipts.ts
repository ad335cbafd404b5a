import { orAborted, type WaitOptions } from './abort.ts'
import { deferred } from './deferred.ts'

/** The result of `whenDurable()`. */
export interface Receipt {
  /** LSN up to which the server's log holds all of it; undefined when nothing was written since connecting. */
  readonly lsn: number | undefined
}

interface Waiter {
  /** Number of the last edit that it waits for. */
  readonly through: number
  resolve(receipt: Receipt): void
  reject(reason: unknown): void
}

/** The callers that wait until their edits are durable. */
export class Receipts {
  readonly #waiters = new Set<Waiter>()

  /** Resolves once edits 1 to `through` are durable. */
  async wait(through: number, { signal }: WaitOptions = {}): Promise<Receipt> {
    const { promise, ...settle } = deferred<Receipt>()
    const waiter: Waiter = { through, ...settle }
    this.#waiters.add(waiter)
    try {
      return await orAborted(promise, signal)
    } finally {
      this.#waiters.delete(waiter)
    }
  }

  /** Resolves the waits for edits 1 to `covered`, which are durable. */
  settle(covered: number, lsn: number | undefined): void {
    for (const { through, resolve } of this.#waiters) if (through <= covered) resolve({ lsn })
  }

  fail(error: unknown): void {
    for (const { reject } of this.#waiters) reject(error)
  }
}
