import type { ClientIds } from './room-document.ts'

/** Generations whose ids are remembered, at most: about 2 MB. */
const GENERATIONS_MAX = 10_000

/**
 * Keeps the Yjs client ids of the server's own edits while no room needs them. Without it, a job that writes once a
 * minute to a workspace that nobody has open would leave a new client id in it each time, for good. The ids are kept by
 * generation: used with the clocks of another history, an id would make replicas differ.
 */
export class ClientIdMemory {
  readonly #generationsMax: number
  readonly #ids = new Map<string, ClientIds>()

  constructor(generationsMax = GENERATIONS_MAX) {
    this.#generationsMax = generationsMax
  }

  /** Keeps the ids of a closed document. Beyond the limit, the ids that were unused for longest are forgotten. */
  keep(generation: string | undefined, ids: ClientIds): void {
    if (generation === undefined || ids.size === 0) return
    this.#ids.set(generation, ids)
    if (this.#ids.size <= this.#generationsMax) return
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest)
      return
    }
  }

  /** Discards the ids of a history: edits written under them may be lost, and their clocks would be used twice. */
  forget(generation: string | undefined): void {
    if (generation !== undefined) this.#ids.delete(generation)
  }

  /** Hands out the ids of a history, and forgets them: ids belong to one document at a time. */
  take(generation: string | undefined): ClientIds | undefined {
    if (generation === undefined) return undefined
    const ids = this.#ids.get(generation)
    this.#ids.delete(generation)
    return ids
  }
}
