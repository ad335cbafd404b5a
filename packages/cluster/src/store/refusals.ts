import type { SteadyClock } from '@joinery/log'
import { HistoryError, type HistoryErrorCode } from '../history/history-error.ts'

/** Pause after the second refusal in a row, ms. It doubles with each, up to the longest of its code. */
const FIRST_MS = 1_000
/**
 * Longest pause after refusals that come behind a new epoch, ms. A node that is awaited answers soon. Everything else ends when an
 * operator does something about it.
 */
const LONGEST_MS: Readonly<Partial<Record<HistoryErrorCode, number>>> = {
  awaited: 5_000,
  regressed: 60_000,
  diverged: 60_000,
  corrupted: 60_000,
  unknown_format: 60_000,
}

interface Refusal {
  readonly error: HistoryError
  readonly pauseMs: number
  /** Ms of the monotonic clock. */
  readonly untilMs: number
}

/**
 * The takeovers that were refused, by log. Each attempt leaves an epoch in the history, and clients ask again and again: so an attempt
 * soon after another one is refused by the same error, and writes nothing.
 */
export class Refusals {
  readonly #clock: SteadyClock
  readonly #last = new Map<string, Refusal>()

  constructor(clock: SteadyClock) {
    this.#clock = clock
  }

  /** Makes an attempt. Rejects with the error of the last one if that is not long ago. */
  async attempt<T>(name: string, work: () => Promise<T>): Promise<T> {
    const last = this.#last.get(name)
    if (last !== undefined && this.#clock.monotonicMs() < last.untilMs) throw last.error
    try {
      const done = await work()
      this.#last.delete(name)
      return done
    } catch (error) {
      this.#note(name, last, error)
      throw error
    }
  }

  #note(name: string, last: Refusal | undefined, error: unknown): void {
    if (!(error instanceof HistoryError)) return
    const longestMs = LONGEST_MS[error.code]
    if (longestMs === undefined) return
    // One may be over a moment later: the next attempt is made at once.
    const nextMs = last === undefined ? 0 : Math.max(FIRST_MS, last.pauseMs * 2)
    const pauseMs = Math.min(nextMs, longestMs)
    this.#last.set(name, { error, pauseMs, untilMs: this.#clock.monotonicMs() + pauseMs })
  }
}
