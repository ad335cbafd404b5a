import type { JetStreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/transport-node'

const LOOK_MS = 2_000
/** An election takes up to 9 s, and each look up to 2 s: a server that knows nothing for longer is cut off, ms. */
const LONELY_MS = 12_000

/**
 * Has the client go on with another server when its own one answers but has lost the others: the client itself leaves a server
 * only when the connection ends. Returns stop.
 */
export function leaveLonelyServer(link: NatsConnection, manager: JetStreamManager, stream: string): () => void {
  let answeredAtMs = performance.now()
  let isLooking = false
  const look = async (): Promise<void> => {
    try {
      await manager.streams.info(stream)
      answeredAtMs = performance.now()
    } catch {
      // A stream that can't be asked for is what is looked for here.
      if (performance.now() - answeredAtMs < LONELY_MS || link.isClosed()) return
      answeredAtMs = performance.now()
      await link.reconnect()
    }
  }
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    const done = (): void => {
      isLooking = false
    }
    // A reconnection rejects when the connection has been closed meanwhile.
    look().then(done, done)
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}
