import * as encoding from 'lib0/encoding'

/** References of contents in Yjs's V1 encoding, and the flags of an item that names its neighbours or its key. */
const REF = { gc: 0, string: 4, embed: 5, format: 6, type: 7, any: 8, subdocument: 9, skip: 10 } as const
const FLAG = { origin: 0x80, rightOrigin: 0x40 } as const
const TYPE = { array: 0, text: 2 } as const

interface Id {
  readonly client: number
  readonly clock: number
}

/** The place of an item: between neighbours, or at the beginning of a root or of the type at an id. */
interface Place {
  readonly origin?: Id
  readonly rightOrigin?: Id
  readonly parent?: string | Id
}

/** One V1 update of one client, struct by struct, whether or not a client of Yjs could make it. */
export class OddUpdate {
  readonly #structs = encoding.createEncoder()
  readonly #client: number
  readonly #from: number
  #count = 0
  /** The next clock. */
  clock: number

  constructor(client: number, clock = 0) {
    this.#client = client
    this.#from = clock
    this.clock = clock
  }

  text(text: string, place: Place): void {
    this.#item(REF.string, place, text.length, (encoder) => encoding.writeVarString(encoder, text))
  }

  value(value: string | number, place: Place): void {
    this.#item(REF.any, place, 1, (encoder) => {
      encoding.writeVarUint(encoder, 1)
      encoding.writeAny(encoder, value)
    })
  }

  embed(json: string, place: Place): void {
    this.#item(REF.embed, place, 1, (encoder) => encoding.writeVarString(encoder, json))
  }

  format(key: string, place: Place): void {
    this.#item(REF.format, place, 1, (encoder) => {
      encoding.writeVarString(encoder, key)
      encoding.writeVarString(encoder, 'true')
    })
  }

  type(kind: keyof typeof TYPE, place: Place): void {
    this.#item(REF.type, place, 1, (encoder) => encoding.writeVarUint(encoder, TYPE[kind]))
  }

  subdocument(guid: string, place: Place): void {
    this.#item(REF.subdocument, place, 1, (encoder) => {
      encoding.writeVarString(encoder, guid)
      encoding.writeAny(encoder, {})
    })
  }

  /** Garbage, or a gap, of so many clocks. */
  hole(kind: 'gc' | 'skip', length: number): void {
    encoding.writeUint8(this.#structs, REF[kind])
    encoding.writeVarUint(this.#structs, length)
    this.#end(length)
  }

  /** The update, with deletions of the client's own clocks. */
  bytes(deletions: readonly (readonly [clock: number, length: number])[] = []): Uint8Array {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, this.#count > 0 ? 1 : 0)
    if (this.#count > 0) {
      for (const number of [this.#count, this.#client, this.#from]) encoding.writeVarUint(encoder, number)
      encoding.writeUint8Array(encoder, encoding.toUint8Array(this.#structs))
    }
    encoding.writeVarUint(encoder, deletions.length > 0 ? 1 : 0)
    if (deletions.length > 0) {
      for (const number of [this.#client, deletions.length]) encoding.writeVarUint(encoder, number)
      for (const range of deletions) for (const number of range) encoding.writeVarUint(encoder, number)
    }
    return encoding.toUint8Array(encoder)
  }

  #item(ref: number, place: Place, length: number, write: (encoder: encoding.Encoder) => void): void {
    const { origin, rightOrigin, parent = 'root' } = place
    const encoder = this.#structs
    const flags = (origin === undefined ? 0 : FLAG.origin) | (rightOrigin === undefined ? 0 : FLAG.rightOrigin)
    encoding.writeUint8(encoder, ref | flags)
    for (const id of [origin, rightOrigin]) if (id !== undefined) this.#id(id)
    if (flags === 0) {
      encoding.writeVarUint(encoder, typeof parent === 'string' ? 1 : 0)
      if (typeof parent === 'string') encoding.writeVarString(encoder, parent)
      else this.#id(parent)
    }
    write(encoder)
    this.#end(length)
  }

  #id({ client, clock }: Id): void {
    encoding.writeVarUint(this.#structs, client)
    encoding.writeVarUint(this.#structs, clock)
  }

  #end(length: number): void {
    this.#count++
    this.clock += length
  }
}
