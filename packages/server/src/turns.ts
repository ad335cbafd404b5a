/** The bound of a queue for turns, and the error of a task that finds it full. */
export interface QueueBound {
  readonly waitingMax: number
  refuse(): Error
}

/** Lets a number of tasks run at once. The others wait, in the order in which they came. */
export class Turns {
  readonly #runningMax: number
  readonly #bound: QueueBound | undefined
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** Without a `bound`, any number of tasks may wait. */
  constructor(runningMax: number, bound?: QueueBound) {
    this.#runningMax = runningMax
    this.#bound = bound
  }

  /** Runs `task` when it has its turn. Rejects with the error of the bound when too many tasks wait already. */
  async take<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax) this.#running++
    else {
      if (this.#bound !== undefined && this.#waiting.length >= this.#bound.waitingMax) throw this.#bound.refuse()
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    try {
      return await task()
    } finally {
      // The turn is handed over: no task that comes later can take it first.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
