/** Time for what must not depend on the time of day, such as leases and timers. Tests pass one that they turn by hand. */
export interface SteadyClock {
  /** Ms of a clock that never goes back and that nobody sets. It alone decides when a lease or an armed timer ends. */
  monotonicMs(): number
  /** Ms since epoch, for people, and for whatever outlives the process. */
  wallMs(): number
  /** Calls `callback` once, about `delayMs` from now. Returns a function that cancels that. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemSteadyClock: SteadyClock = {
  monotonicMs: () => performance.now(),
  wallMs: Date.now,
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
