/** A connection whose frames are counted. */
export interface FrameSource {
  /** Bytes of the frame that has not arrived completely. */
  readonly unfinishedBytes: number
  /** All that tells one principal from another: the actor of a token. */
  readonly principal: string
  /** Ends the connection, because too many bytes are kept of it and others. */
  endUnfinished(reason: string): void
}

/** Bytes of one connection that are not counted: most messages are shorter. All connections together keep 100 MB of them at most. */
const FREE_BYTES = 2 * 1024

interface Bounds {
  readonly unfinishedBytesPerPrincipalMax: number
  readonly unfinishedBytesMax: number
}

/**
 * The bytes of frames that have not arrived completely. Each connection may send a frame of the largest kind, and the server
 * has to keep its bytes until the last one is here. So the bytes of all connections of a principal, and of everybody, are
 * bounded: beyond that the connection with most of them ends, of the principal with most of them.
 */
export class UnfinishedFrames {
  readonly #bounds: Bounds
  readonly #sources = new Map<FrameSource, number>()
  readonly #byPrincipal = new Map<string, number>()
  #bytes = 0

  constructor(bounds: Bounds) {
    this.#bounds = bounds
  }

  /** Bytes that are counted now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Counts a connection anew, when bytes have come or its frame is complete. */
  note(source: FrameSource): void {
    const { unfinishedBytes } = source
    // Most messages come whole: this runs twice for each of them.
    if (unfinishedBytes <= FREE_BYTES && this.#sources.size === 0) return
    const counted = this.#sources.get(source) ?? 0
    const bytes = unfinishedBytes > FREE_BYTES ? unfinishedBytes : 0
    if (bytes === counted) return
    this.#count(source, bytes, bytes - counted)
    if (bytes > counted) this.#hold(source.principal)
  }

  /** Forgets a connection that is closed. */
  forget(source: FrameSource): void {
    const counted = this.#sources.get(source)
    if (counted !== undefined) this.#count(source, 0, -counted)
  }

  #count(source: FrameSource, bytes: number, change: number): void {
    if (bytes === 0) this.#sources.delete(source)
    else this.#sources.set(source, bytes)
    const ofPrincipal = (this.#byPrincipal.get(source.principal) ?? 0) + change
    if (ofPrincipal === 0) this.#byPrincipal.delete(source.principal)
    else this.#byPrincipal.set(source.principal, ofPrincipal)
    this.#bytes += change
  }

  #hold(principal: string): void {
    const { unfinishedBytesPerPrincipalMax, unfinishedBytesMax } = this.#bounds
    if ((this.#byPrincipal.get(principal) ?? 0) > unfinishedBytesPerPrincipalMax) {
      this.#endLargest(
        principal,
        `frames of one principal that have not arrived completely may have ${unfinishedBytesPerPrincipalMax} bytes together`,
      )
    }
    if (this.#bytes <= unfinishedBytesMax) return
    const [largest] = [...this.#byPrincipal].reduce((most, entry) => (entry[1] > most[1] ? entry : most))
    this.#endLargest(largest, `frames that have not arrived completely may have ${unfinishedBytesMax} bytes together`)
  }

  #endLargest(principal: string, reason: string): void {
    let largest: FrameSource | undefined
    let bytes = 0
    for (const [source, counted] of this.#sources) {
      if (source.principal !== principal || counted <= bytes) continue
      largest = source
      bytes = counted
    }
    if (largest === undefined) return
    this.forget(largest)
    largest.endUnfinished(`${reason}: connect again later`)
  }
}
