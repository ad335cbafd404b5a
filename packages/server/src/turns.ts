import { setImmediate as nextTurn } from 'node:timers/promises'

/** The bounds of a queue for turns, and the errors of tasks that meet them. */
export interface QueueBound {
  readonly waitingMax: number
  /** The same of one owner; any number by default. */
  readonly waitingPerOwnerMax?: number
  /** The error of a task that finds that many tasks waiting. */
  refuse(): Error
  /** Time for which a task waits for its first turn, ms, and the error after that. For ever by default. */
  readonly wait?: { readonly ms: number; refuse(): Error }
}

/** The turn of one task. */
export interface Turn {
  /** True while a task waits for its first turn. */
  readonly isWanted: boolean
  /**
   * Lets others have their turns until `meanwhile` settles, and settles as that when this task has its turn again. Call
   * it between the parts of a long task; by default others have at least one turn of the event loop.
   */
  giveUp(meanwhile?: Promise<unknown>): Promise<void>
}

interface Waiting {
  readonly isNew: boolean
  readonly owner: string
  readonly begin: () => void
}

/** Tasks that have started and not ended, running or not: each may hold something in memory. */
export interface StartedMax {
  readonly all: number
  /** The same of one owner. */
  readonly perOwner: number
}

/**
 * Lets a number of tasks run at once. The others wait, in the order in which they came. Of tasks that have not begun, one of an
 * owner with fewer begun tasks is first: who brings many tasks does not hold up who brings one.
 */
export class Turns {
  readonly #runningMax: number
  readonly #bound: QueueBound | undefined
  readonly #startedMax: StartedMax
  #waiting: Waiting[] = []
  #running = 0
  #started = 0
  /** The same of each owner that has any. */
  readonly #startedOf = new Map<string, number>()
  readonly #turn: Turn

  /**
   * Without a `bound`, any number of tasks may wait, for any time.
   *
   * @param startedMax by default as many as may run, of any owner
   */
  constructor(runningMax: number, bound?: QueueBound, startedMax: Partial<StartedMax> = {}) {
    this.#runningMax = runningMax
    this.#bound = bound
    this.#startedMax = { all: runningMax, perOwner: Number.POSITIVE_INFINITY, ...startedMax }
    const isWanted = (): boolean => this.#waiting.some(({ isNew }) => isNew)
    this.#turn = {
      get isWanted() {
        return isWanted()
      },
      giveUp: (meanwhile) => this.#giveUp(meanwhile),
    }
  }

  /**
   * Runs `task` when it has its turn. Rejects with the errors of the bound when too many tasks wait already, and when
   * the task has waited too long.
   *
   * @param owner the owner of the task; without one, all tasks have the same
   */
  async take<T>(task: (turn: Turn) => Promise<T>, owner = ''): Promise<T> {
    if (this.#running < this.#runningMax && this.#mayStart(owner)) {
      this.#running++
      this.#noteStart(owner, 1)
    } else await this.#waitToStart(owner)
    try {
      return await task(this.#turn)
    } finally {
      this.#noteStart(owner, -1)
      this.#handOver()
    }
  }

  #mayStart(owner: string): boolean {
    const { all, perOwner } = this.#startedMax
    return this.#started < all && this.#startedBy(owner) < perOwner
  }

  #noteStart(owner: string, count: 1 | -1): void {
    this.#started += count
    const started = this.#startedBy(owner) + count
    if (started === 0) this.#startedOf.delete(owner)
    else this.#startedOf.set(owner, started)
  }

  async #giveUp(meanwhile: Promise<unknown> = nextTurn()): Promise<void> {
    this.#handOver()
    try {
      await meanwhile
    } finally {
      await this.#takeAgain()
    }
  }

  #takeAgain(): Promise<void> {
    if (this.#running < this.#runningMax) {
      this.#running++
      return Promise.resolve()
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiting.push({ isNew: false, owner: '', begin: resolve })
    return promise
  }

  #waitToStart(owner: string): Promise<void> {
    const bound = this.#bound
    const before = this.#waiting.filter(({ isNew }) => isNew)
    const { waitingMax = Number.POSITIVE_INFINITY, waitingPerOwnerMax = waitingMax } = bound ?? {}
    const own = before.filter((other) => other.owner === owner)
    if (bound !== undefined && (before.length >= waitingMax || own.length >= waitingPerOwnerMax)) throw bound.refuse()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting = { isNew: true, owner, begin: resolve }
    this.#waiting.push(waiting)
    const wait = bound?.wait
    if (wait === undefined) return promise
    const timer = setTimeout(() => {
      this.#waiting = this.#waiting.filter((other) => other !== waiting)
      reject(wait.refuse())
    }, wait.ms)
    return promise.finally(() => clearTimeout(timer))
  }

  /** Gives the turn on at once, so that no task that comes later can take it first. */
  #handOver(): void {
    const at = this.#nextAt()
    const [next] = at < 0 ? [] : this.#waiting.splice(at, 1)
    if (next === undefined) {
      this.#running--
      return
    }
    if (next.isNew) this.#noteStart(next.owner, 1)
    next.begin()
  }

  /** Place in the queue of the task that has the next turn; -1 when none may have it. */
  #nextAt(): number {
    const at = this.#waiting.findIndex(({ isNew, owner }) => !isNew || this.#mayStart(owner))
    if (at < 0 || !this.#waiting[at]?.isNew) return at
    let first = at
    for (const [index, { isNew, owner }] of this.#waiting.entries()) {
      if (isNew && this.#mayStart(owner) && this.#startedBy(owner) < this.#startedBy(this.#waiting[first]?.owner))
        first = index
    }
    return first
  }

  #startedBy(owner = ''): number {
    return this.#startedOf.get(owner) ?? 0
  }
}
