/** Counts since the start of a server, for metrics. Plain numbers, since an edit increments several of them. */
export class Counters {
  /** Sockets that were accepted, and those of them that are closed. */
  connectionsOpened = 0
  connectionsClosed = 0
  roomsOpened = 0
  roomsClosed = 0
  /** Rooms that lost their workspace to another process. */
  abandons = 0
  /** Times that a member was held because storage was behind. */
  holds = 0
  /** Times that a connection had to rest because its work cost more than its share. */
  rests = 0
  /** Records that were appended. */
  records = 0
  /** Frames of a type that the protocol does not have, which were ignored. */
  unknownFrames = 0
  /** Edits of connections that may only read, which were dropped. */
  readersEdits = 0
  /** Frames of which edits were withheld, since only another actor may bring them. */
  withheldFrames = 0
  /** Frames of stock clients among the {@link withheldFrames}: such a client can not be told. */
  withheldFramesUntold = 0
  /** Presence states that were too large to be relayed. */
  largePresence = 0
  /** Frames that were sent to receivers of an update. */
  deliveries = 0
  /** Conflicts that were told to clients. */
  conflicts = 0
  /** Conflicts that were not told: they were too long, or one client reported too many. */
  droppedConflicts = 0
  /** Records in which the server deleted beaten claims of dead writers. */
  prunings = 0
  /** Documents that were rebuilt from the log because an update or a program had spoilt them. */
  rebuilds = 0
  /** Workspaces that were read from the log, and the time for all these reads, ms. */
  loads = 0
  loadMs = 0
  /** Times that a room built a document from bytes, and times that a room dropped its document. */
  warmings = 0
  coolings = 0
  snapshots = 0
  /**
   * Snapshots that were read back and loaded before their records were dropped, and snapshots for which that failed.
   */
  snapshotsVerified = 0
  snapshotsUnusable = 0
  /** Records that were packed into segments. */
  sealed = 0
  /** Records that were dropped from the history. */
  dropped = 0
  /** Loads that found a damaged workspace, which is then served for reading only. */
  quarantined = 0
  /** Updates that were tried in a worker thread before they were taken, and those of them that did not fit. */
  trials = 0
  trialsRefused = 0
  /** Loads that were tried first, and those of them that took too much: the workspace is not served. */
  loadTrials = 0
  costlyLoads = 0
  /** Leases that were given, that ended by time, and writes and calls that were refused since their lease did not stand. */
  leasesAcquired = 0
  leasesExpired = 0
  leasesLost = 0
  /** Connections and streams that were ended because their token was revoked. */
  revoked = 0
  /** Refused updates, by rejection code. */
  readonly refused = new Map<string, number>()
  /** Refused connections, by error code. */
  readonly refusedConnections = new Map<string, number>()

  refuse(code: string): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1)
  }

  refuseConnection(code: string): void {
    this.refusedConnections.set(code, (this.refusedConnections.get(code) ?? 0) + 1)
  }
}
