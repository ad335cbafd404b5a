import { setImmediate as nextTurn } from 'node:timers/promises'

/** The bounds of a queue for turns, and the errors of tasks that meet them. */
export interface QueueBound {
  readonly waitingMax: number
  /** The error of a task that finds `waitingMax` tasks waiting. */
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
  readonly begin: () => void
}

/** Lets a number of tasks run at once. The others wait, in the order in which they came. */
export class Turns {
  readonly #runningMax: number
  readonly #bound: QueueBound | undefined
  readonly #startedMax: number
  #waiting: Waiting[] = []
  #running = 0
  #started = 0
  readonly #turn: Turn

  /**
   * Without a `bound`, any number of tasks may wait, for any time.
   *
   * @param startedMax tasks that have started and not ended, running or not: each may hold something in memory
   */
  constructor(runningMax: number, bound?: QueueBound, startedMax = runningMax) {
    this.#runningMax = runningMax
    this.#bound = bound
    this.#startedMax = startedMax
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
   */
  async take<T>(task: (turn: Turn) => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax && this.#started < this.#startedMax) {
      this.#running++
      this.#started++
    } else await this.#waitToStart()
    try {
      return await task(this.#turn)
    } finally {
      this.#started--
      this.#handOver()
    }
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
    this.#waiting.push({ isNew: false, begin: resolve })
    return promise
  }

  #waitToStart(): Promise<void> {
    const bound = this.#bound
    if (bound !== undefined && this.#waiting.filter(({ isNew }) => isNew).length >= bound.waitingMax)
      throw bound.refuse()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting = { isNew: true, begin: resolve }
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
    if (next.isNew) this.#started++
    next.begin()
  }

  /** Place in the queue of the first task that may have a turn now; -1 when there is none. */
  #nextAt(): number {
    return this.#waiting.findIndex(({ isNew }) => !isNew || this.#started < this.#startedMax)
  }
}
