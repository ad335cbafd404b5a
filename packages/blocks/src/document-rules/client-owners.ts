import { SKELETON_CLIENT_MIN } from '../block-skeleton.ts'

/** Client ids remembered per document; beyond it the oldest are forgotten. A year of a busy workspace, a few megabytes. */
const OWNERS_MAX = 100_000

/**
 * Which principal writes under which Yjs client id, in one document. Whoever writes under another's id silences that
 * writer for good (Yjs takes the other's structs for known) and makes replicas differ behind equal state vectors.
 */
export class ClientOwners {
  readonly #actors = new Map<number, string>()

  ownerOf(client: number): string | undefined {
    return this.#actors.get(client)
  }

  /** Binds a client id to its first writer. An id that has an owner keeps it; skeletons have none. */
  bind(client: number, actor: string): void {
    if (client >= SKELETON_CLIENT_MIN || this.#actors.has(client)) return
    if (this.#actors.size >= OWNERS_MAX) {
      const oldest = this.#actors.keys().next().value
      if (oldest !== undefined) this.#actors.delete(oldest)
    }
    this.#actors.set(client, actor)
  }
}
