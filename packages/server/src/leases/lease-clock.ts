/** Time as leases see it. Tests pass one that they turn by hand. */
export interface LeaseClock {
  /** Ms of a clock that never goes back and that nobody sets. It alone decides when a lease ends. */
  monotonicMs(): number
  /** Ms since epoch, for people and for the first digits of a fence. */
  wallMs(): number
  /** Calls `callback` once, about `delayMs` from now. Returns a function that cancels that. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemLeaseClock: LeaseClock = {
  monotonicMs: () => performance.now(),
  wallMs: Date.now,
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
