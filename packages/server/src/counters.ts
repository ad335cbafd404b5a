/** What a server counts since its start, for metrics. Plain numbers: an increment costs nothing on the way of an edit. */
export class Counters {
  /** Sockets taken, and those of them that are gone. */
  connectionsOpened = 0
  connectionsClosed = 0
  roomsOpened = 0
  roomsClosed = 0
  /** Rooms that lost their workspace to another process. */
  abandons = 0
  /** Times that a connection was not read from because storage was behind. */
  holds = 0
  /** Updates that brought something, as records. */
  records = 0
  /** Frames sent to receivers of an update. */
  deliveries = 0
  /** Conflicts that were told to clients. */
  conflicts = 0
  /** Records that deleted what dead writers had left beaten. */
  prunings = 0
  /** Documents rebuilt from the log because an update had spoilt them. */
  rebuilds = 0
  /** Workspaces read from the log, and how long that took, together, ms. */
  loads = 0
  loadMs = 0
  /** Rooms that made a document of what they had as bytes, and that gave it back. */
  warmings = 0
  coolings = 0
  snapshots = 0
  /** Snapshots that were read back and loaded before records went that they stand for, and those that could not be. */
  snapshotsVerified = 0
  snapshotsUnusable = 0
  /** Records that were packed into segments. */
  sealed = 0
  /** Records that are no longer kept as history. */
  dropped = 0
  /** Loads that found a damaged workspace and serve what is left of it for reading. */
  quarantined = 0
  /** Refused updates by rejection code. */
  readonly refused = new Map<string, number>()
  /** Connections that were not let in, by error code. */
  readonly refusedConnections = new Map<string, number>()

  refuse(code: string): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1)
  }

  refuseConnection(code: string): void {
    this.refusedConnections.set(code, (this.refusedConnections.get(code) ?? 0) + 1)
  }
}
