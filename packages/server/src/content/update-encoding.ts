import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { Pace, Steps } from './steps.ts'

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

type Client = readonly [client: number, structs: readonly (Y.Item | Y.GC)[]]

/**
 * Encodes a document as one Yjs V1 update, in parts between which others have their turn and the document may change: what comes
 * meanwhile is encoded, too. The last part makes the update, of the document as it is then. A struct that was encoded and is
 * deleted meanwhile stands in the update with its deletion.
 */
export class UpdateEncoding {
  readonly #doc: Y.Doc
  readonly #since: ReadonlyMap<number, number>
  readonly #clients = new Map<number, ClientPart>()
  readonly #isShownOnly: boolean
  /** Structs that are encoded. */
  #encoded = 0
  /** The walk over the document's clients, and the client at which the turn before ended: there may be tens of thousands. */
  #walk: MapIterator<Client> | undefined
  #current: Client | undefined

  /**
   * @param since the Yjs state vector of a reader who gets only what a document with it lacks
   * @param isShownOnly whether edits that wait for others are left out
   */
  constructor(doc: Y.Doc, since?: Uint8Array, isShownOnly = false) {
    this.#doc = doc
    this.#isShownOnly = isShownOnly
    this.#since = since === undefined ? new Map() : Y.decodeStateVector(since)
  }

  /** Encodes one part. Returns the update once all structs are encoded; undefined when `isOver` says so first. */
  part(isOver: () => boolean): Uint8Array | undefined {
    const { store } = this.#doc
    // Edits that wait for others belong to the update. There are few: Yjs merges them.
    if (!this.#isShownOnly && (store.pendingStructs !== null || store.pendingDs !== null))
      return Y.encodeStateAsUpdate(this.#doc, Y.encodeStateVector(new Map(this.#since)))
    for (;;) {
      // A walk that takes several turns is followed by another one: clients that it has passed may have got more meanwhile.
      const isWhole = this.#walk === undefined
      this.#walk ??= store.clients.entries() as MapIterator<Client>
      if (!this.#walkOn(this.#walk, isOver)) return undefined
      this.#walk = undefined
      if (isWhole) return this.#finish()
    }
  }

  /** Encodes client after client from where the walk stands. Returns false if the turn is over first. */
  #walkOn(walk: Iterator<Client>, isOver: () => boolean): boolean {
    for (;;) {
      this.#current ??= walk.next().value
      if (this.#current === undefined) return true
      if (!this.#encodeClient(...this.#current, isOver)) return false
      this.#current = undefined
    }
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
      this.#encoded++
      // Each part encodes so many structs at least: more than are written meanwhile.
      if (this.#encoded % STRUCTS_PER_LOOK === 0 && isOver()) {
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

/**
 * The steps to the part of `doc` for others that have `since`, one V1 update of the document as of the last step: everything but the
 * edits that wait. Waiting structs are checked to the end only when they come free, and then everybody is sent them. A client that
 * had them earlier would integrate them unchecked with its own edits. Yjs would also leave sound structs waiting beside them.
 * Throws on bytes that are no state vector.
 */
export function* encodingShown(doc: Y.Doc, since: Uint8Array, pace: Pace): Steps<Uint8Array> {
  if (pace.isOver) yield
  const encoding = new UpdateEncoding(doc, since, true)
  for (;;) {
    const update = encoding.part(() => pace.isOver)
    if (update !== undefined) return update
    yield
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
