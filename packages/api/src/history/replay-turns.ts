import { ApiError } from '../api-error.ts'

/** Lets a few replays of logs run at once and the next ones wait their turn: each holds a document in memory. */
export class ReplayTurns {
  readonly #runningMax: number
  readonly #waitingMax: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax
    this.#waitingMax = waitingMax
  }

  /** Runs `use` when it is its turn. Throws `busy` when too many wait already. */
  async take<T>(use: () => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax) this.#running++
    else {
      if (this.#waiting.length >= this.#waitingMax) {
        throw new ApiError('busy', 'too many requests for the past wait already: try later', { retryAfterSeconds: 1 })
      }
      // The turn is handed over, so that nobody comes in between.
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    try {
      return await use()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}
