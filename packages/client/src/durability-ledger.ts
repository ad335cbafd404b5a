/**
 * Which of this replica's edits the server has made durable. Pure: told what happened, it answers what is known.
 *
 * Edits are counted from 1 as they are written. A frame *covers* edits 1 to n when the server, having made it durable,
 * has all of them. The answer to the server's SyncStep1 covers whatever was written by then, since it is everything the
 * server lacks; an update frame covers its edit and those before, but only on a connection that has sent that answer and
 * left out no edit since: else the server may still lack earlier ones.
 */
export class DurabilityLedger {
  #written = 0
  #covered = 0
  #lsn: number | undefined
  #connection: OpenConnection | undefined

  /** Edits written so far. */
  get written(): number {
    return this.#written
  }
  /** All edits from 1 to this one are durable. */
  get covered(): number {
    return this.#covered
  }
  /** Edits not known to be durable. */
  get pending(): number {
    return this.#written - this.#covered
  }
  /** Where the server's log stood at the last acknowledgement; undefined before the first. */
  get lsn(): number | undefined {
    return this.#lsn
  }
  /** True once the server has made durable what this connection's sync brought. */
  get isCaughtUp(): boolean {
    return this.#connection?.isSyncDurable ?? false
  }

  /** One edit was made here, or was found in the local copy: it did not come from the server. */
  write(): void {
    this.#written += 1
  }

  /** A new connection: frames are counted from 1 again, and what the last one left unacknowledged covers nothing. */
  open(): void {
    this.#connection = { sent: 0, complete: undefined, isSyncDurable: false, unacknowledged: [] }
  }

  close(): void {
    this.#connection = undefined
  }

  /** An update frame went out on the open connection. `kind` is what the wire calls it. */
  send(kind: 'syncStep2' | 'update'): void {
    const connection = this.#connection
    if (connection === undefined) return
    connection.sent += 1
    if (kind === 'syncStep2') connection.complete = this.#written
    // Each edit has a frame of its own; if one got none (the socket was closing), those after it don't stand alone.
    else if (connection.complete === this.#written - 1) connection.complete = this.#written
    if (connection.complete === undefined) return
    connection.unacknowledged.push({ frame: connection.sent, covers: connection.complete })
  }

  /** The first `frames` frames of the open connection are durable. Throws when so many were never sent. */
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
  /** Edits 1 to this one have gone out or are on the server; undefined before the answer to SyncStep1. */
  complete: number | undefined
  isSyncDurable: boolean
  unacknowledged: { frame: number; covers: number }[]
}
