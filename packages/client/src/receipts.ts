import type { ClientError } from './client-error.ts'

/** What `whenDurable()` resolves with. */
export interface Receipt {
  /** Position of the server's log by which all of it is durable; undefined when nothing was written since connecting. */
  readonly lsn: number | undefined
}

interface Waiter {
  /** Number of the last edit waited for. */
  readonly through: number
  resolve(receipt: Receipt): void
  reject(error: ClientError): void
}

/** Who waits for which edit to be durable. */
export class Receipts {
  #waiters: Waiter[] = []

  /** Resolves once edits 1 to `through` are durable. */
  wait(through: number): Promise<Receipt> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ through, resolve, reject })
    })
  }

  /** Edits 1 to `covered` are durable. */
  settle(covered: number, lsn: number | undefined): void {
    const due = this.#waiters.filter((waiter) => waiter.through <= covered)
    this.#waiters = this.#waiters.filter((waiter) => waiter.through > covered)
    for (const waiter of due) waiter.resolve({ lsn })
  }

  fail(error: ClientError): void {
    const due = this.#waiters
    this.#waiters = []
    for (const waiter of due) waiter.reject(error)
  }
}
