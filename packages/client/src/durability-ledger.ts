/**
 * Tracks which of this replica's edits the server has made durable. Pure: it does no I/O.
 *
 * Edits are counted from 1 as they are written. A frame *covers* edits 1 to n if the server has all of them once the frame is
 * durable. The answer to the server's SyncStep1 covers every edit written until then, because it holds everything that the
 * server lacks. An update frame covers its own edit and all edits before it, but only if this connection has sent the answer
 * and has left out no edit since. Otherwise the server may still lack earlier edits.
 */
export class DurabilityLedger {
  #written = 0
  #covered = 0
  #noted = 0
  #lsn: number | undefined
  #connection: OpenConnection | undefined

  /** Edits written so far. */
  get written(): number {
    return this.#written
  }
  /** Number of the last edit up to which all are durable. */
  get covered(): number {
    return this.#covered
  }
  /** Edits not known to be durable. */
  get pending(): number {
    return this.#written - this.#covered
  }
  /** Edits of which it was never known that they are durable: {@link pending} without the document of a copy that a server has had. */
  get unsaved(): number {
    return this.pending - (this.#noted > this.#covered ? 1 : 0)
  }
  /** LSN of the last acknowledgement; undefined before the first. */
  get lsn(): number | undefined {
    return this.#lsn
  }
  /** True once the answer to SyncStep1 of this connection is durable. */
  get isCaughtUp(): boolean {
    return this.#connection?.isSyncDurable ?? false
  }

  /**
   * Counts one edit that did not come from the server: a local edit, or the document of a local copy. `isNoted`: a server once had
   * all of that document, and may have been set back since.
   */
  write(isNoted = false): void {
    this.#written += 1
    if (isNoted) this.#noted = this.#written
  }

  /** Starts a new connection: frames are counted from 1 again. Unacknowledged frames of the last connection cover nothing. */
  open(): void {
    this.#connection = { sent: 0, complete: undefined, isSyncDurable: false, unacknowledged: [] }
  }

  close(): void {
    this.#connection = undefined
  }

  /** Counts one update frame that went out on the open connection. `kind` is its name on the wire. */
  send(kind: 'syncStep2' | 'update'): void {
    const connection = this.#connection
    if (connection === undefined) return
    connection.sent += 1
    if (kind === 'syncStep2') connection.complete = this.#written
    // Each edit has its own frame. If an edit got none (the socket was closing), later frames do not cover it.
    else if (connection.complete === this.#written - 1) connection.complete = this.#written
    if (connection.complete === undefined) return
    connection.unacknowledged.push({ frame: connection.sent, covers: connection.complete })
  }

  /** Notes that the first `frames` frames of the open connection are durable. Throws when fewer were sent. */
  acknowledge(frames: number, lsn: number): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (frames > connection.sent) {
      throw new RangeError(`the server acknowledged ${frames} frames, ${connection.sent} were sent`)
    }
    this.#lsn = lsn
    for (;;) {
      const next = connection.unacknowledged[0]
      if (next === undefined || next.frame > frames) return
      connection.unacknowledged.shift()
      connection.isSyncDurable = true
      this.#covered = Math.max(this.#covered, next.covers)
    }
  }
}

interface OpenConnection {
  sent: number
  /** Number of the last edit up to which all were sent; undefined before the answer to SyncStep1. */
  complete: number | undefined
  isSyncDurable: boolean
  unacknowledged: { frame: number; covers: number }[]
}
