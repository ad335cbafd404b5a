import { ApiError } from './api-error.ts'

/** Bounds on bytes that requests hold in memory at once. */
export interface InFlightBounds {
  /** The bytes, for messages: "Yjs updates". */
  readonly what: string
  readonly all: number
  readonly perActor: number
}

/** Counts bytes that requests hold in memory, on their way in or out. */
export class BytesInFlight {
  readonly #bounds: InFlightBounds
  readonly #ofActor = new Map<string, number>()
  #bytes = 0

  constructor(bounds: InFlightBounds) {
    this.#bounds = bounds
  }

  /** Bytes that are counted now. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Counts bytes until the returned function is called. Throws `busy` beyond a bound, but lets the only bytes pass, and the only
   * ones of an actor.
   */
  take(actor: string, bytes: number): () => void {
    const { what, all, perActor } = this.#bounds
    const own = this.#ofActor.get(actor) ?? 0
    if (this.#bytes > 0 && this.#bytes + bytes > all) throw busy(`${all} bytes of ${what} are on their way`)
    if (own > 0 && own + bytes > perActor) throw busy(`${perActor} bytes of ${what} of this actor are on their way`)
    this.#count(actor, bytes)
    let isTaken = true
    return () => {
      if (isTaken) this.#count(actor, -bytes)
      isTaken = false
    }
  }

  #count(actor: string, bytes: number): void {
    this.#bytes += bytes
    const own = (this.#ofActor.get(actor) ?? 0) + bytes
    if (own === 0) this.#ofActor.delete(actor)
    else this.#ofActor.set(actor, own)
  }
}

function busy(reason: string): ApiError {
  return new ApiError('busy', `${reason}, which is the most: try again after Retry-After`, { retryAfterSeconds: 1 })
}
