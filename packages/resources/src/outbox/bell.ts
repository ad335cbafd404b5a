/** Longest time that a timer takes, ms. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** Wakes a loop that waits. A ring while nobody waits is kept. */
export class Bell {
  #rung = Promise.withResolvers<void>()

  ring(): void {
    this.#rung.resolve()
  }

  /** Waits for a ring, at most `ms` on the monotonic clock; `Infinity` for no bound. */
  async wait(ms: number): Promise<void> {
    const timer = Number.isFinite(ms) ? setTimeout(() => this.ring(), Math.min(ms, TIMER_MS_MAX)) : undefined
    await this.#rung.promise
    clearTimeout(timer)
    this.#rung = Promise.withResolvers()
  }
}
