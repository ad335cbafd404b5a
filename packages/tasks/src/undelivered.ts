import type { LeaseAsk, LeasedWork } from '@joinery/protocol'
import { parseToken } from './names.ts'
import type { TaskBook } from './task-book.ts'

/** An attempt that was given to a worker. */
export interface Given {
  readonly work: LeasedWork
  readonly book: TaskBook
  readonly durable: Promise<void>
}

/** Runs of workers that are remembered before those whose leases have ended are let go. */
const INSTANCES_MAX = 1_000

/**
 * Attempts of which nobody knows whether their worker has heard. The next call of the same run of the worker tells: an attempt that
 * it does not hold is given again, since its code can't have run. Memory only: after a restart such a lease ends by its time.
 */
export class Undelivered {
  readonly #given = new Map<string, readonly Given[]>()

  /** Remembers what a call is answered with. It has asked {@link again} before, so nothing else is remembered of the run. */
  note({ instance }: LeaseAsk, given: readonly Given[]): void {
    if (instance === undefined || given.length === 0) return
    this.#given.set(instance, given)
    if (this.#given.size > INSTANCES_MAX) this.#letGo()
  }

  /** The attempts whose answer was lost. Their leases have their whole time again. */
  again({ instance, holds = [] }: LeaseAsk): readonly Given[] {
    const given = instance === undefined ? undefined : this.#given.get(instance)
    if (instance === undefined || given === undefined) return []
    this.#given.delete(instance)
    const held = new Set(holds)
    const lost = given.filter((one) => !held.has(one.work.token) && isStanding(one))
    for (const { work, book } of lost) book.leases.renew(nonceOf(work))
    return lost
  }

  #letGo(): void {
    for (const [instance, given] of this.#given) if (!given.some(isStanding)) this.#given.delete(instance)
  }
}

function isStanding({ work, book }: Given): boolean {
  return book.journal.isOurs && book.leases.get(nonceOf(work)) !== undefined
}

function nonceOf({ token }: LeasedWork): string {
  return parseToken(token)?.nonce ?? ''
}
