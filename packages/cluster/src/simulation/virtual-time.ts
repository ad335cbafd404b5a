import type { SteadyClock } from '@joinery/log'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

/**
 * Time of a simulation. It goes from one timer to the next, and costs nothing in between. All promises that the timers of
 * one moment set off are settled before the next moment. Code that runs in it waits for nothing but this clock.
 */
export class VirtualTime {
  /** Pending timers, the next one first; those of one moment stand in the order in which they were set. */
  readonly #timers: Timer[] = []
  #nowMs = 0

  readonly clock: SteadyClock = {
    monotonicMs: () => this.#nowMs,
    wallMs: () => this.#nowMs,
    after: (delayMs, callback) => this.#after(delayMs, callback),
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let next = this.#timers[0]; next !== undefined && next.atMs <= untilMs; next = this.#timers[0]) {
      this.#nowMs = next.atMs
      while (this.#timers[0]?.atMs === this.#nowMs) this.#timers.shift()?.callback()
      await settled()
    }
    this.#nowMs = untilMs
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#after(ms, resolve))
  }

  #after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.splice(this.#timers.findLastIndex(({ atMs }) => atMs <= timer.atMs) + 1, 0, timer)
    return () => {
      const index = this.#timers.indexOf(timer)
      if (index !== -1) this.#timers.splice(index, 1)
    }
  }
}

/** Resolves when all promises are settled that need nothing but one another: Node runs them before its next phase. */
function settled(): Promise<void> {
  return new Promise(setImmediate)
}
