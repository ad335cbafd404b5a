import { setTimeout as pause } from 'node:timers/promises'
import { FileError } from './file-error.ts'

/** Attempts of one call, the first included: as many as other clients of S3 make, and one more. */
const ATTEMPTS_MAX = 4
/** Bound of the pause before the first repeat, ms; it doubles. */
const FIRST_MS = 500
/** Longest pause within a call, ms. A task waits for longer ones in its journal, and a person's request does not wait at all. */
const PAUSE_MS_MAX = 5_000

/**
 * Makes a call again that the store has not done, since too much is asked of it. The call may be repeated. Rejects with the error of
 * the last attempt, or at once where the store asks for a longer pause, and with all other errors.
 */
export async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call()
    } catch (error) {
      const waitMs = attempt < ATTEMPTS_MAX ? pauseMsAfter(error, attempt, Math.random()) : undefined
      if (waitMs === undefined) throw error
      await pause(waitMs)
    }
  }
}

/**
 * The pause after an attempt, ms; undefined if the call is not made again. It is drawn, so that the many calls that were refused at
 * one moment do not come back at one moment: with full jitter, and never before the time of a `Retry-After`.
 *
 * @param share from 0 to 1, drawn
 */
export function pauseMsAfter(error: unknown, attempt: number, share: number): number | undefined {
  if (!(error instanceof FileError) || error.class !== 'throttled') return undefined
  const { retryAfterMs } = error
  if (retryAfterMs === undefined) return share * Math.min(PAUSE_MS_MAX, FIRST_MS * 2 ** (attempt - 1))
  return retryAfterMs > PAUSE_MS_MAX ? undefined : retryAfterMs * (1 + share / 4)
}
