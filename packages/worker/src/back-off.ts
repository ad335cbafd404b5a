/** First wait after a failed request to the server: long enough for a restart to get going. Guessed. */
const FIRST_MS = 200
/** Longest wait: a server that is back should not idle for longer. Guessed. */
const LONGEST_MS = 15_000

/** Wait before attempt `failures + 1` (`failures` from 1): doubles up to `longestMs`, less up to half by `random` from 0 to 1. */
export function backOffMs(failures: number, random: number, longestMs = LONGEST_MS): number {
  return Math.round(Math.min(FIRST_MS * 2 ** (failures - 1), longestMs) * (1 - random / 2))
}

/** Resolves after the wait, or as soon as the signal aborts. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, delayMs)
    signal.addEventListener('abort', end)
  })
}
