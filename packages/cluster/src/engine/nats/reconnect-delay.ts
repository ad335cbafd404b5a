/** Time between two tries of the same server, ms. */
const RECONNECT_MS = 250

/**
 * How long the NATS client waits before it tries a server again, ms: as its option `reconnectDelayHandler` has it, which it calls before
 * each look at a server. The client adds this to the time of the last try, by the wall clock: where that clock was set back, by an hour
 * say, it would try none for an hour. So the time between tries is kept here, by a clock that never goes back, and a look that is due
 * waits for nothing.
 */
export function reconnectDelay(nowMs = () => performance.now()): () => number {
  let dueAtMs = Number.NEGATIVE_INFINITY
  return () => {
    const now = nowMs()
    if (now < dueAtMs) return RECONNECT_MS
    // Many nodes that lost one server do not come back in step.
    dueAtMs = now + RECONNECT_MS * (1 + Math.random() / 2)
    return Number.NEGATIVE_INFINITY
  }
}
