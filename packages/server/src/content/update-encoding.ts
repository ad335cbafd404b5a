import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { hasWaiting } from './apply-update.ts'
import { writePiece } from './item-pieces.ts'
import { type Pace, paceOf, type Steps } from './steps.ts'

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

/** The structs of a document that are encoded so far, for a reader who has everything before `since`. */
class EncodedStructs {
  readonly #doc: Y.Doc
  readonly #since: ReadonlyMap<number, number>
  readonly #clients = new Map<number, ClientPart>()
  #count = 0

  constructor(doc: Y.Doc, since: ReadonlyMap<number, number>) {
    this.#doc = doc
    this.#since = since
  }

  /** Encodes the structs of a client that are not encoded yet. Returns false if the turn is over first. */
  take(client: number, structs: readonly (Y.Item | Y.GC)[], pace: Pace): boolean {
    const end = Y.getState(this.#doc.store, client)
    const from = this.#since.get(client) ?? 0
    const known = this.#clients.get(client)
    if ((known?.next ?? from) >= end) return true
    const part = known ?? { from, next: from, structs: 0, chunks: [] }
    this.#clients.set(client, part)
    const encoder = new Y.UpdateEncoderV1()
    let isOver = false
    for (let at = Y.findIndexSS(structs as (Y.Item | Y.GC)[], part.next); at < structs.length && !isOver; ) {
      const struct = structs[at] as Y.Item | Y.GC
      part.next += writePiece(encoder, struct, part.next - struct.id.clock)
      part.structs++
      const isWhole = part.next === struct.id.clock + struct.length
      if (isWhole) at++
      // Each part encodes so many structs at least: more than are written meanwhile.
      isOver = (++this.#count % STRUCTS_PER_LOOK === 0 || !isWhole) && pace.isOver
    }
    part.chunks.push(encoder.toUint8Array())
    return !isOver
  }

  /** The structs, and all deletions of the document as it is now. */
  toUpdate(): Uint8Array {
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
 * The steps to one Yjs V1 update of the document as of the last step: what comes meanwhile is encoded, too. A struct that was encoded
 * and is deleted meanwhile stands in the update with its deletion.
 */
function* encodingAll(doc: Y.Doc, since: Map<number, number>, isShownOnly: boolean, pace: Pace): Steps<Uint8Array> {
  const encoded = new EncodedStructs(doc, since)
  for (;;) {
    // Edits that wait for others belong to the update. There are few: Yjs merges them.
    if (!isShownOnly && hasWaiting(doc)) return Y.encodeStateAsUpdate(doc, Y.encodeStateVector(since))
    let isWhole = true
    for (const [client, structs] of doc.store.clients) {
      while (!encoded.take(client, structs, pace)) {
        isWhole = false
        yield
      }
    }
    // A walk that takes several turns is followed by another one: clients that it has passed may have got more meanwhile.
    if (isWhole) return encoded.toUpdate()
  }
}

/** Encodes a document as one Yjs V1 update, in parts between which others have their turn and the document may change. */
export class UpdateEncoding {
  readonly #steps: Steps<Uint8Array>
  #isOver: () => boolean = () => false

  /** @param since the Yjs state vector of a reader who gets only what a document with it lacks */
  constructor(doc: Y.Doc, since?: Uint8Array) {
    const known = since === undefined ? new Map() : Y.decodeStateVector(since)
    this.#steps = encodingAll(
      doc,
      known,
      false,
      paceOf(() => this.#isOver()),
    )
  }

  /**
   * Encodes one part. Returns the update of the document as it is then once all structs are encoded; undefined when `isOver` says so
   * first, and after the update.
   */
  part(isOver: () => boolean): Uint8Array | undefined {
    this.#isOver = isOver
    return this.#steps.next().value
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
  return yield* encodingAll(doc, Y.decodeStateVector(since), true, pace)
}

/** The steps to all of `doc`, edits that wait included, as one V1 update of the document as of the last step. */
export function encodingWhole(doc: Y.Doc, pace: Pace): Steps<Uint8Array> {
  return encodingAll(doc, new Map(), false, pace)
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
