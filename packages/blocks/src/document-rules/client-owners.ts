import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Number of client ids remembered per document; the oldest are forgotten first. A year of a busy workspace takes a few megabytes. */
const OWNERS_MAX = 100_000
const OWNERS_FORMAT = 1

/**
 * The owner of each Yjs client id in one document. A writer that uses another's id would silence the owner for good, since Yjs
 * takes the owner's structs for known, and would make replicas differ behind equal state vectors.
 */
export class ClientOwners {
  readonly #actors = new Map<number, string>()

  ownerOf(client: number): string | undefined {
    return this.#actors.get(client)
  }

  /** Binds a client id to its first writer. An id that has an owner keeps it. The caller binds no skeleton's id. */
  bind(client: number, actor: string): void {
    if (this.#actors.has(client)) return
    if (this.#actors.size >= OWNERS_MAX) {
      const oldest = this.#actors.keys().next().value
      if (oldest !== undefined) this.#actors.delete(oldest)
    }
    this.#actors.set(client, actor)
  }

  /** Binds a client id to its last writer. Used at replay: after a relay's edits under an id, only the owner's can follow. */
  rebind(client: number, actor: string): void {
    if (this.#actors.has(client)) this.#actors.set(client, actor)
    else this.bind(client, actor)
  }

  /** All owners as bytes, the oldest first: each actor's name once, then six to nine bytes for each client id. */
  encode(): Uint8Array {
    const actors = new Map<string, number>()
    for (const actor of this.#actors.values()) if (!actors.has(actor)) actors.set(actor, actors.size)
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, OWNERS_FORMAT)
    encoding.writeVarUint(encoder, actors.size)
    for (const actor of actors.keys()) encoding.writeVarString(encoder, actor)
    encoding.writeVarUint(encoder, this.#actors.size)
    for (const [client, actor] of this.#actors) {
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, actors.get(actor) ?? 0)
    }
    return encoding.toUint8Array(encoder)
  }

  /** Takes over the owners that {@link encode} gave, for a document that nobody has written to yet. Throws on other bytes. */
  restore(bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes)
    const format = decoding.readVarUint(decoder)
    if (format !== OWNERS_FORMAT)
      throw new Error(
        `the owners of client ids have format ${format}, which is newer than ${OWNERS_FORMAT}: use a newer version`,
      )
    const actors = Array.from({ length: decoding.readVarUint(decoder) }, () => decoding.readVarString(decoder))
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const client = decoding.readVarUint(decoder)
      const actor = actors[decoding.readVarUint(decoder)]
      if (actor === undefined)
        throw new Error(`the owner of client id ${client} is missing from the list of actors: the bytes are damaged`)
      this.bind(client, actor)
    }
  }
}
