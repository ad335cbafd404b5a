/** First wait after a connection that worked: long enough for a server restart to get going. Guessed. */
const FIRST_DELAY_MS = 200
/** Longest wait: a person who comes back online should not watch "offline" for longer. Guessed. */
const DELAY_MAX_MS = 15_000

/**
 * How long to wait before connection attempt `attempt` (1 is the first after a failure). Doubles up to 15 s; `random`
 * (0 ≤ random < 1) takes away up to half, so that a restarted server does not meet all of its clients at once.
 */
export function backOffDelayMs(attempt: number, random: number): number {
  const ceilingMs = Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), DELAY_MAX_MS)
  return Math.round(ceilingMs * (1 - random / 2))
}
