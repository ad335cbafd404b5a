/**
 * What the wire allows. Every bound has a name, a unit and a reason; servers may tighten or widen them by configuration,
 * the numbers here are what a client may expect of a server nobody configured.
 */
export interface WireLimits {
  /** Bytes of one update frame once the connection has synced. A person's paste fits; a whole document does not. */
  readonly updateBytesMax: number
  /** Bytes of the frame that answers the server's SyncStep1: the edits of weeks offline, so larger than an update. */
  readonly syncBytesMax: number
  /** Bytes of one awareness frame. y-websocket echoes others' states, so this is a few hundred small states, not one. */
  readonly awarenessBytesMax: number
  /** Bytes of one client's awareness state (JSON, UTF-8): a cursor, a name, a colour and a progress table fit. */
  readonly awarenessStateBytesMax: number
  /** Awareness client ids one connection may own. One is usual; a proxy that carries a few tabs still fits. */
  readonly awarenessClientsMax: number
  /** Bytes a connection may send before its room has loaded: one SyncStep1 and some typing. */
  readonly preloadBytesMax: number
}

export const WIRE_LIMITS: WireLimits = {
  updateBytesMax: 1024 * 1024,
  syncBytesMax: 64 * 1024 * 1024,
  awarenessBytesMax: 256 * 1024,
  awarenessStateBytesMax: 4 * 1024,
  awarenessClientsMax: 8,
  preloadBytesMax: 1024 * 1024,
}

/** A stock y-websocket client hangs up after 30 s without a data frame and looks every 3 s; 25 s leaves it room. */
export const SILENCE_MAX_MS = 25_000
