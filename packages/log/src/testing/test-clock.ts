import type { Clock } from '../clock.ts'

/** A clock that stands still until the test calls {@link TestClock.advance}. */
export interface TestClock extends Clock {
  /** Moves time, forwards or backwards, and calls the timers that have come due, in order. */
  advance(byMs: number): void
  /** Number of timers that are neither due nor cancelled. */
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
