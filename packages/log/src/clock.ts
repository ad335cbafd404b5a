import type { LogObserver } from './observer.ts'

/**
 * Time by which a record's time may run ahead of the clock before the observer hears of it, ms. Times in a log never go back,
 * so a clock that is set back leaves them ahead. Clocks that NTP keeps are moved by less.
 */
export const TIME_AHEAD_MS_MAX = 5_000

/** The time of the next record of a log, ms since epoch. Tells the observer when it runs too far ahead of the clock. */
export function timeAfter(lastMs: number, clock: Pick<Clock, 'now'>, observer: LogObserver): number {
  const nowMs = clock.now()
  if (lastMs - nowMs > TIME_AHEAD_MS_MAX) observer.clockBehind?.(lastMs - nowMs)
  return Math.max(nowMs, lastMs)
}

/** Time as the log sees it. Tests pass one they turn by hand. */
export interface Clock {
  /** Now, ms since epoch. */
  now(): number
  /** Calls `callback` once, `delayMs` from now. Returns a function that cancels that. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemClock: Clock = {
  now: Date.now,
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}
