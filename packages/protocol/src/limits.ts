/**
 * Limits of the wire, each with a unit and a reason. Servers may configure other values. A client may expect the values here of
 * a server without configuration.
 */
export interface WireLimits {
  /**
   * Bytes of one update frame. As large as a first sync: a local copy that loads late, or a large paste, is an update, and
   * stock clients do not recover from a refusal.
   */
  readonly updateBytesMax: number
  /** Bytes of the frame that answers the server's SyncStep1: the edits of weeks offline, so larger than an update. */
  readonly syncBytesMax: number
  /** Bytes of one awareness frame. y-websocket echoes others' states, so this is a few hundred small states, not one. */
  readonly awarenessBytesMax: number
  /** Bytes of one client's awareness state (JSON, UTF-8): a cursor, a name, a colour and a progress table fit. */
  readonly awarenessStateBytesMax: number
  /** Awareness client ids that one connection may own. One is usual; a proxy that carries a few tabs still fits. */
  readonly awarenessClientsMax: number
}

export const WIRE_LIMITS: WireLimits = {
  updateBytesMax: 64 * 1024 * 1024,
  syncBytesMax: 64 * 1024 * 1024,
  awarenessBytesMax: 256 * 1024,
  awarenessStateBytesMax: 4 * 1024,
  awarenessClientsMax: 8,
}

/** The longest time without a data frame to a client, ms. A stock y-websocket client checks every 3 s, and ends the connection after 30 s. */
export const SILENCE_MAX_MS = 25_000
