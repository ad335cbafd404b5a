import { type WaitOptions, whenAborted } from './abort.ts'

/** What `whenDurable()` resolves with. */
export interface Receipt {
  /** Position of the server's log by which all of it is durable; undefined when nothing was written since connecting. */
  readonly lsn: number | undefined
}

interface Waiter {
  /** Number of the last edit waited for. */
  readonly through: number
  resolve(receipt: Receipt): void
  reject(reason: unknown): void
}

/** Who waits for which edit to be durable. */
export class Receipts {
  #waiters: Waiter[] = []

  /** Resolves once edits 1 to `through` are durable. */
  wait(through: number, { signal }: WaitOptions = {}): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        through,
        resolve: (receipt) => {
          stop?.()
          resolve(receipt)
        },
        reject: (reason) => {
          stop?.()
          reject(reason)
        },
      }
      this.#waiters.push(waiter)
      const stop =
        signal &&
        whenAborted(signal, (reason) => {
          this.#waiters = this.#waiters.filter((other) => other !== waiter)
          reject(reason)
        })
    })
  }

  /** Edits 1 to `covered` are durable. */
  settle(covered: number, lsn: number | undefined): void {
    const due = this.#waiters.filter((waiter) => waiter.through <= covered)
    this.#waiters = this.#waiters.filter((waiter) => waiter.through > covered)
    for (const waiter of due) waiter.resolve({ lsn })
  }

  fail(error: unknown): void {
    const due = this.#waiters
    this.#waiters = []
    for (const waiter of due) waiter.reject(error)
  }
}
