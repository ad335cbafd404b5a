/** First pause: short enough that a brief failure is hardly noticed. */
const FIRST_DELAY_MS = 50
/**
 * Longest pause. Each attempt replays LevelDB's log: often enough for a person who has just freed space, seldom enough
 * for the disk.
 */
const DELAY_MAX_MS = 5_000

/** Pause before the nth attempt (from 0) to reopen failed storage: doubles from 50 ms up to 5 s. */
export function reopenDelayMs(attempt: number): number {
  return Math.min(DELAY_MAX_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 16))
}
