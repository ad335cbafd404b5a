/** Time as tasks see it. Tests pass one that they turn by hand. */
export interface TaskClock {
  /** Ms of a clock that never goes back and that nobody sets. It alone decides when a lease or an armed timer ends. */
  monotonicMs(): number
  /** Ms since epoch, for people and for timers that outlive the process. */
  wallMs(): number
  /** Calls `callback` once, about `delayMs` from now. Returns a function that cancels that. */
  after(delayMs: number, callback: () => void): () => void
}

export const systemTaskClock: TaskClock = {
  monotonicMs: () => performance.now(),
  wallMs: Date.now,
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    timer.unref()
    return () => clearTimeout(timer)
  },
}
