import type { ClientIds } from './room-document.ts'

/** Histories whose ids are remembered: 2 MB or so. */
const GENERATIONS_MAX = 10_000

/**
 * The Yjs client ids that the server's own edits are written under, kept while no room needs them: a job that writes once
 * a minute to a workspace nobody has open would otherwise leave a client id a minute in it for good. By generation: under
 * another history's clocks an id would make replicas differ.
 */
export class ClientIdMemory {
  readonly #generationsMax: number
  readonly #ids = new Map<string, ClientIds>()

  constructor(generationsMax = GENERATIONS_MAX) {
    this.#generationsMax = generationsMax
  }

  /** Takes over a closed document's; of more than fit the longest unused are forgotten. */
  keep(generation: string | undefined, ids: ClientIds): void {
    if (generation === undefined || ids.size === 0) return
    this.#ids.set(generation, ids)
    if (this.#ids.size <= this.#generationsMax) return
    for (const oldest of this.#ids.keys()) {
      this.#ids.delete(oldest)
      return
    }
  }

  /** Discards the ids of a history: what was written under them may be lost, and its clocks would be used twice. */
  forget(generation: string | undefined): void {
    if (generation !== undefined) this.#ids.delete(generation)
  }

  /** Hands them out, once: they belong to one document at a time. */
  take(generation: string | undefined): ClientIds | undefined {
    if (generation === undefined) return undefined
    const ids = this.#ids.get(generation)
    this.#ids.delete(generation)
    return ids
  }
}
