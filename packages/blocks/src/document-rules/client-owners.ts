import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { SKELETON_CLIENT_MIN } from '../block-skeleton.ts'

/** Client ids remembered per document; beyond it the oldest are forgotten. A year of a busy workspace, a few megabytes. */
const OWNERS_MAX = 100_000
const OWNERS_FORMAT = 1

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

  /** The same, but the last writer counts: at replay, where only an owner's edits can follow those of somebody who brought them along. */
  rebind(client: number, actor: string): void {
    if (this.#actors.has(client)) this.#actors.set(client, actor)
    else this.bind(client, actor)
  }

  /** All of it, the oldest first: each actor's name once, then six bytes or so for each client id. */
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

  /** Takes over what {@link encode} gave, for a document nobody has written to here yet. Throws on other bytes. */
  restore(bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes)
    const format = decoding.readVarUint(decoder)
    if (format !== OWNERS_FORMAT) throw new Error(`owners of client ids in format ${format} are of a newer version`)
    const actors = Array.from({ length: decoding.readVarUint(decoder) }, () => decoding.readVarString(decoder))
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const client = decoding.readVarUint(decoder)
      const actor = actors[decoding.readVarUint(decoder)]
      if (actor === undefined) throw new Error(`client id ${client} has an owner that is not in the list`)
      this.bind(client, actor)
    }
  }
}
