/** The latest events of a feed, without gaps, as the bytes that every consumer gets. */
export class EventRing {
  readonly #eventsMax: number
  readonly #bytesMax: number
  readonly #events = new Map<number, Buffer>()
  #bytes = 0
  #first = 1
  #last = 0

  constructor(eventsMax: number, bytesMax: number) {
    this.#eventsMax = eventsMax
    this.#bytesMax = bytesMax
  }

  /** LSN of the oldest event in the ring; one more than {@link last} when the ring is empty. */
  get first(): number {
    return this.#first
  }

  get last(): number {
    return this.#last
  }

  /** Skips all records up to `lsn`. Call it only while the ring is empty. */
  skip(lsn: number): void {
    this.#last = lsn
    this.#first = lsn + 1
  }

  push(lsn: number, bytes: Buffer): void {
    this.#events.set(lsn, bytes)
    this.#bytes += bytes.length
    this.#last = lsn
    // The newest event stays, however large: without it, no consumer could ever get it.
    while (this.#events.size > 1 && (this.#events.size > this.#eventsMax || this.#bytes > this.#bytesMax)) {
      this.#bytes -= this.#events.get(this.#first)?.length ?? 0
      this.#events.delete(this.#first)
      this.#first++
    }
  }

  at(lsn: number): Buffer | undefined {
    return this.#events.get(lsn)
  }
}
