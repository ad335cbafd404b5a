import { WIRE_LIMITS, type WireLimits } from '@joinery/protocol'

/** Every bound of the server, with its unit and reason. All can be set by {@link ServerOptions.limits}. */
export interface ServerLimits extends WireLimits {
  /** Sockets open at once. Each costs about 20 KB; this many fit a 1 GB process with room for documents. */
  readonly connectionsMax: number
  /** Bytes one connection may bring in one tick before its socket rests until the tick is done, so that nobody starves the others. */
  readonly tickBytesMax: number
  /** Bytes waiting in a socket above which its connection gets no more updates, and one state diff once it has drained. */
  readonly sendBufferBytesMax: number
  /** Bytes of updates that wait for others they build on, per room. An honest client has at most its first typing there. */
  readonly pendingBytesMax: number
  /**
   * How often a connection is pinged and, if nothing was sent to it, gets a keep-alive frame, ms. Twice this is under the
   * 25 s of a stock client. One that answers nothing and reads nothing for two of these is dead.
   */
  readonly heartbeatMs: number
  /** How long a room without connections keeps its document, ms: a page reload finds it warm. */
  readonly roomIdleMs: number
  /** How long a document nobody writes to stays in memory while people are connected, ms: longer than a pause to think. */
  readonly coolAfterMs: number
  /** Bytes of stored workspaces kept for those who join in the same moments, all rooms together. */
  readonly coldBytesMax: number
  /**
   * Bytes of updates that are appended and not durable yet, all rooms together, above which those who bring more are not
   * read from: a fast disk writes as much in a tenth of a second, and no storage that hangs can fill the memory.
   */
  readonly backlogBytesMax: number
  /** Workspaces that are read from the log at once: a reconnect of everybody must not have them all in memory. */
  readonly loadsMax: number
  /**
   * How long after the start somebody who brings what others wrote is asked to come later, ms: after a kill those others
   * are on their way themselves, and a client waits for at most 15 s between two attempts.
   */
  readonly relayWaitMs: number
  /** How long a shutdown waits for clients to say goodbye, ms. */
  readonly drainMs: number
}

export const SERVER_LIMITS: ServerLimits = {
  ...WIRE_LIMITS,
  connectionsMax: 50_000,
  tickBytesMax: 128 * 1024,
  sendBufferBytesMax: 1024 * 1024,
  pendingBytesMax: 256 * 1024,
  heartbeatMs: 12_000,
  roomIdleMs: 30_000,
  coolAfterMs: 60_000,
  coldBytesMax: 64 * 1024 * 1024,
  backlogBytesMax: 32 * 1024 * 1024,
  loadsMax: 16,
  relayWaitMs: 60_000,
  drainMs: 5_000,
}
