import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/**
 * Client ids that connections may bring to one document. Yjs copies its table of client ids at every transaction: 20,000 make
 * each edit some 10 ms slower, 50,000 some 25 ms. Skeletons and imports are not counted.
 */
export const CLIENT_IDS_MAX = 50_000
/** Client ids that one actor may bring to a document: ten page loads a day for five years. No actor can fill a document alone. */
export const CLIENT_IDS_PER_ACTOR_MAX = 20_000
const OWNERS_FORMAT = 2

const NOBODY: readonly string[] = []

/**
 * The owners of each Yjs client id in one document. A writer that uses another's id would silence the owner for good, since Yjs
 * takes the owner's structs for known, and would make replicas differ behind equal state vectors. An id has one owner, or
 * several after a stock client has signed in as another actor and has kept its document.
 */
export class ClientOwners {
  /** First owners. None is ever forgotten: an actor that made the table forget one could write under that id. */
  readonly #first = new Map<number, string>()
  /** The other owners, of the few ids that have some. */
  readonly #others = new Map<number, readonly string[]>()
  /** Number of client ids that each actor has brought to the document, also of those that nobody owns. */
  readonly #brought = new Map<string, number>()
  #total = 0

  /** The actors who may write under a client id, the first owner first; none if nobody owns it. */
  ownersOf(client: number): readonly string[] {
    const first = this.#first.get(client)
    if (first === undefined) return NOBODY
    const others = this.#others.get(client)
    return others === undefined ? [first] : [first, ...others]
  }

  isOwner(client: number, actor: string): boolean {
    return this.#first.get(client) === actor || this.#others.get(client)?.includes(actor) === true
  }

  isOnlyOwner(client: number, actor: string): boolean {
    return this.#first.get(client) === actor && !this.#others.has(client)
  }

  hasOwner(client: number): boolean {
    return this.#first.has(client)
  }

  /** Whether several actors own the id, so that an edit under it may be any one's. */
  isShared(client: number): boolean {
    return this.#others.has(client)
  }

  /** Binds a client id to its first writer. An id that has an owner keeps it. The caller binds no skeleton's id. */
  bind(client: number, actor: string): void {
    if (!this.#first.has(client)) this.#first.set(client, actor)
  }

  /** Makes an actor an owner of a client id, beside those that it has. */
  share(client: number, actor: string): void {
    if (!this.#first.has(client)) return this.bind(client, actor)
    if (!this.isOwner(client, actor)) this.#others.set(client, [...(this.#others.get(client) ?? []), actor])
  }

  /** Binds a client id to its last writer. Used at replay: after a relay's edits under an id, only the owner's can follow. */
  rebind(client: number, actor: string): void {
    if (this.isOwner(client, actor)) return
    this.#others.delete(client)
    this.#first.delete(client)
    this.#first.set(client, actor)
  }

  /** Whether the document takes `count` more client ids from an actor. */
  hasRoomFor(count: number, actor: string): boolean {
    if (count === 0) return true
    return this.#total + count <= CLIENT_IDS_MAX && this.broughtBy(actor) + count <= CLIENT_IDS_PER_ACTOR_MAX
  }

  broughtBy(actor: string): number {
    return this.#brought.get(actor) ?? 0
  }

  /** Counts client ids that an actor has brought to the document. */
  count(count: number, actor: string): void {
    if (count === 0) return
    this.#brought.set(actor, this.broughtBy(actor) + count)
    this.#total += count
  }

  /** All of this as bytes, the oldest owners first: each actor's name once, then six to nine bytes for each client id. */
  encode(): Uint8Array {
    const actors = new Map<string, number>()
    const indexOf = (actor: string): number => {
      const index = actors.get(actor) ?? actors.size
      actors.set(actor, index)
      return index
    }
    const body = encoding.createEncoder()
    writePairs(body, [...this.#first], indexOf)
    const others = [...this.#others].flatMap(([client, some]) => some.map((actor): [number, string] => [client, actor]))
    writePairs(body, others, indexOf)
    const brought = [...this.#brought].map(([actor, count]): [number, string] => [count, actor])
    writePairs(body, brought, indexOf)
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, OWNERS_FORMAT)
    encoding.writeVarUint(encoder, actors.size)
    for (const actor of actors.keys()) encoding.writeVarString(encoder, actor)
    encoding.writeUint8Array(encoder, encoding.toUint8Array(body))
    return encoding.toUint8Array(encoder)
  }

  /** Takes over the owners that {@link encode} gave, for a document that nobody has written to yet. Throws on other bytes. */
  restore(bytes: Uint8Array): void {
    const decoder = decoding.createDecoder(bytes)
    const format = decoding.readVarUint(decoder)
    if (format > OWNERS_FORMAT)
      throw new Error(
        `the owners of client ids have format ${format}, which is newer than ${OWNERS_FORMAT}: use a newer version`,
      )
    const actors = Array.from({ length: decoding.readVarUint(decoder) }, () => decoding.readVarString(decoder))
    readPairs(decoder, actors, (client, actor) => {
      this.bind(client, actor)
      // The first format has no counts. Each actor has brought what it owns.
      if (format === 1) this.count(1, actor)
    })
    if (format === 1) return
    readPairs(decoder, actors, (client, actor) => this.share(client, actor))
    readPairs(decoder, actors, (count, actor) => this.count(count, actor))
  }
}

function writePairs(
  encoder: encoding.Encoder,
  pairs: readonly (readonly [number, string])[],
  indexOf: (actor: string) => number,
): void {
  encoding.writeVarUint(encoder, pairs.length)
  for (const [number, actor] of pairs) {
    encoding.writeVarUint(encoder, number)
    encoding.writeVarUint(encoder, indexOf(actor))
  }
}

function readPairs(
  decoder: decoding.Decoder,
  actors: readonly string[],
  take: (number: number, actor: string) => void,
): void {
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const number = decoding.readVarUint(decoder)
    const actor = actors[decoding.readVarUint(decoder)]
    if (actor === undefined)
      throw new Error(`the owner of client id ${number} is missing from the list of actors: the bytes are damaged`)
    take(number, actor)
  }
}
