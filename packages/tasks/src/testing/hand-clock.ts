import type { TaskClock } from '../task-clock.ts'

/** A clock that a test turns by hand. The wall clock can be set apart from the monotonic one. */
export class HandClock implements TaskClock {
  #nowMs = 0
  #wallMs = 1_800_000_000_000
  #timers: { atMs: number; callback: () => void }[] = []

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  /** The wall clock, as logs call it. */
  now(): number {
    return this.#wallMs
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Lets time pass on both clocks, and calls what is due, in order. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const next = this.#timers.filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((other) => other !== next)
      const stepMs = Math.max(0, next.atMs - this.#nowMs)
      this.#nowMs += stepMs
      this.#wallMs += stepMs
      next.callback()
    }
    this.#wallMs += endMs - this.#nowMs
    this.#nowMs = endMs
  }

  /** Sets the wall clock, as a person or NTP does. */
  setWall(byMs: number): void {
    this.#wallMs += byMs
  }

  /** A restart: timers of the process are gone. */
  restart(): void {
    this.#timers = []
  }
}
