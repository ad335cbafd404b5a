import type { Clock } from '../clock.ts'

/** A clock that a test turns: time stands still but for {@link TestClock.advance}. */
export interface TestClock extends Clock {
  /** Moves time, which may be backwards, and calls what has come due, in order. */
  advance(byMs: number): void
  /** Timers set and neither due nor called off. */
  readonly timersPending: number
}

export function makeTestClock(startMs = 1_700_000_000_000): TestClock {
  let nowMs = startMs
  let timers: { atMs: number; callback: () => void }[] = []
  return {
    now: () => nowMs,
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback }
      timers.push(timer)
      return () => {
        timers = timers.filter((other) => other !== timer)
      }
    },
    advance(byMs) {
      nowMs += byMs
      const due = timers.filter(({ atMs }) => atMs <= nowMs).sort((a, b) => a.atMs - b.atMs)
      timers = timers.filter(({ atMs }) => atMs > nowMs)
      for (const { callback } of due) callback()
    },
    get timersPending() {
      return timers.length
    },
  }
}
