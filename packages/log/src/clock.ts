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
