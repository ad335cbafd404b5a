import type { SteadyClock } from '../steady-clock.ts'

interface Timer {
  readonly atMs: number
  readonly callback: () => void
}

/** A clock that a test turns by hand. The time of day is apart from the time that passes, and can be set. */
export class HandClock implements SteadyClock {
  #passedMs = 0
  #wallMs: number
  readonly #timers = new Set<Timer>()

  constructor(wallMs = Date.UTC(2026, 5, 1)) {
    this.#wallMs = wallMs
  }

  monotonicMs(): number {
    return this.#passedMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  /** The time of day, as logs call it. */
  now(): number {
    return this.#wallMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#passedMs + delayMs, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Sets the time of day forward or back. No time passes. */
  step(byMs: number): void {
    this.#wallMs += byMs
  }

  /** Lets time pass. Timers run in order, each at its time. */
  pass(ms: number): void {
    const untilMs = this.#passedMs + ms
    for (;;) {
      const [next] = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#moveTo(Math.max(this.#passedMs, next.atMs))
      next.callback()
    }
    this.#moveTo(untilMs)
  }

  /** A restart: the timers of the process are gone. */
  restart(): void {
    this.#timers.clear()
  }

  #moveTo(ms: number): void {
    this.#wallMs += ms - this.#passedMs
    this.#passedMs = ms
  }
}
