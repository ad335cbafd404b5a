/** A connection with messages that its client has not read. */
export interface UnsentHolder {
  /** Bytes that wait to be sent to this connection. */
  readonly unsentBytes: number
  /** Time at which bytes last went out to it, or at which they began to wait, ms of `performance.now()`. */
  readonly unsentSinceMs: number
  /** All that tells one principal from another: the actor of a token. */
  readonly principal: string
  /** Frees what waits and destroys the connection, because too many bytes wait for it and others. */
  endUnsent(reason: string): void
}

/** Bytes that one waiting message costs beside its content: an entry in the connection's queue. */
export const ENTRY_BYTES = 64

/** Time for which a busy server may have sent nothing to a client that reads, ms. Of those that wait no longer, the one with most bytes ends. */
const BUSY_MS = 100

/**
 * The messages that wait to be sent, of all connections together. A message that waits for many connections is in memory once,
 * and counts once. Beyond `bytesMax` a connection ends, of the principal with most of them: the one with the greatest product of its
 * bytes and the time for which none of them has gone out. A client that has just asked, and reads, does not end for those that do not read.
 */
export class UnsentBytes {
  readonly #bytesMax: number
  readonly #holders = new Set<UnsentHolder>()
  /** For how many connections each message waits. */
  readonly #waiting = new Map<Uint8Array, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Bytes that are counted now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Counts a message that waits for `holder`. May end connections, `holder` included. */
  add(message: Uint8Array, holder: UnsentHolder): void {
    const count = this.#waiting.get(message) ?? 0
    this.#waiting.set(message, count + 1)
    this.#bytes += ENTRY_BYTES + (count === 0 ? message.length : 0)
    this.#holders.add(holder)
    while (this.#bytes > this.#bytesMax && this.#holders.size > 0) this.#endOne()
  }

  /** Counts a message no more that was sent to a connection, or never will be. */
  remove(message: Uint8Array): void {
    const count = this.#waiting.get(message) ?? 0
    if (count > 1) this.#waiting.set(message, count - 1)
    else this.#waiting.delete(message)
    this.#bytes -= ENTRY_BYTES + (count === 1 ? message.length : 0)
  }

  /** Forgets a connection for which nothing waits any more. */
  forget(holder: UnsentHolder): void {
    this.#holders.delete(holder)
  }

  #endOne(): void {
    const byPrincipal = new Map<string, number>()
    for (const { principal, unsentBytes } of this.#holders) {
      byPrincipal.set(principal, (byPrincipal.get(principal) ?? 0) + unsentBytes)
    }
    const [principal] = [...byPrincipal].reduce((most, entry) => (entry[1] > most[1] ? entry : most))
    const nowMs = performance.now()
    const heldBy = ({ unsentBytes, unsentSinceMs }: UnsentHolder): number =>
      unsentBytes * (nowMs - unsentSinceMs + BUSY_MS)
    let worst: UnsentHolder | undefined
    for (const holder of this.#holders) {
      if (holder.principal !== principal) continue
      if (worst === undefined || heldBy(holder) > heldBy(worst)) worst = holder
    }
    if (worst === undefined) return
    this.#holders.delete(worst)
    worst.endUnsent(`messages that clients have not read may have ${this.#bytesMax} bytes together: read faster`)
  }
}
