import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'

/** Structs between two looks at the clock. */
const STRUCTS_PER_LOOK = 64

/** The encoded structs of one client id. */
interface ClientPart {
  /** Clock of the first encoded struct. */
  readonly from: number
  /** Clock up to which structs are encoded. */
  next: number
  structs: number
  readonly chunks: Uint8Array[]
}

/**
 * Encodes a document as one Yjs V1 update, in parts between which others have their turn and the document may change: what comes
 * meanwhile is encoded, too. The last part makes the update, of the document as it is then. A struct that was encoded and is
 * deleted meanwhile stands in the update with its deletion.
 */
export class UpdateEncoding {
  readonly #doc: Y.Doc
  readonly #since: ReadonlyMap<number, number>
  readonly #clients = new Map<number, ClientPart>()

  /** @param since the Yjs state vector of a reader who gets only what a document with it lacks */
  constructor(doc: Y.Doc, since?: Uint8Array) {
    this.#doc = doc
    this.#since = since === undefined ? new Map() : Y.decodeStateVector(since)
  }

  /** Encodes one part. Returns the update once all structs are encoded; undefined when `isOver` says so first. */
  part(isOver: () => boolean): Uint8Array | undefined {
    const { store } = this.#doc
    // Edits that wait for others belong to the update. There are few: Yjs merges them.
    if (store.pendingStructs !== null || store.pendingDs !== null)
      return Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(new Map(this.#since)))
    for (const [client, structs] of store.clients) if (!this.#encodeClient(client, structs, isOver)) return undefined
    return this.#finish()
  }

  /** Encodes the structs of a client that are not encoded yet. Returns false if the turn is over first. */
  #encodeClient(client: number, structs: readonly (Y.Item | Y.GC)[], isOver: () => boolean): boolean {
    const end = Y.getState(this.#doc.store, client)
    const from = this.#since.get(client) ?? 0
    const known = this.#clients.get(client)
    if ((known?.next ?? from) >= end) return true
    const part = known ?? { from, next: from, structs: 0, chunks: [] }
    this.#clients.set(client, part)
    const encoder = new Y.UpdateEncoderV1()
    let at = Y.findIndexSS(structs as (Y.Item | Y.GC)[], part.next)
    let isDone = true
    for (; at < structs.length; at++) {
      const struct = structs[at]
      if (struct === undefined) break
      struct.write(encoder, part.next - struct.id.clock)
      part.next = struct.id.clock + struct.length
      part.structs++
      if (part.structs % STRUCTS_PER_LOOK === 0 && part.next < end && isOver()) {
        isDone = false
        break
      }
    }
    part.chunks.push(encoder.toUint8Array())
    return isDone && !(part.next < end)
  }

  #finish(): Uint8Array {
    const pieces: Uint8Array[] = [head(this.#clients.size)]
    // Yjs writes the greatest client id first.
    for (const [client, part] of [...this.#clients].sort(([a], [b]) => b - a)) {
      pieces.push(head(part.structs, client, part.from), ...part.chunks)
    }
    pieces.push(deletionsOf(this.#doc))
    return Buffer.concat(pieces)
  }
}

function head(...numbers: readonly number[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of numbers) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

function deletionsOf(doc: Y.Doc): Uint8Array {
  const { clients } = Y.createDeleteSetFromStructStore(doc.store)
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, clients.size)
  for (const [client, ranges] of [...clients].sort(([a], [b]) => b - a)) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, ranges.length)
    for (const { clock, len } of ranges) {
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarUint(encoder, len)
    }
  }
  return encoding.toUint8Array(encoder)
}
