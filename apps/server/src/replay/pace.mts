import { setTimeout as delay } from 'node:timers/promises'

/** Speed of a replay: `flat` for as fast as possible, else edits per second of all authors together. */
export type Speed = 'flat' | number

/** Computes when each edit of a history is due. */
export class Pace {
  readonly #speed: Speed
  readonly #startedAtMs: number
  readonly #now: () => number

  /** `now` in ms, never going back. The first edit is due at once. */
  constructor(speed: Speed, now: () => number = performance.now.bind(performance)) {
    this.#speed = speed
    this.#now = now
    this.#startedAtMs = now()
  }

  /** Time until the edit with this index is due, ms; 0 or less if it is due already. */
  waitMs(index: number): number {
    return this.#speed === 'flat' ? 0 : this.#startedAtMs + (index * 1000) / this.#speed - this.#now()
  }

  /** Resolves when the edit is due, with true if it had to wait; rejects when `signal` aborts. */
  async until(index: number, signal: AbortSignal): Promise<boolean> {
    const waitMs = this.waitMs(index)
    if (waitMs <= 0) return false
    await delay(waitMs, undefined, { signal })
    return true
  }
}
