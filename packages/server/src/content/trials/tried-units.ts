import type { Applied } from '../applied.ts'
import { applyOrThrow, UpdateError } from '../apply-update.ts'
import type { Refusal, RuledDocument, Writer } from '../document-rules.ts'
import { isComparable, refusalOfOther, refusalOfSize } from '../known-already.ts'
import { lackingOf, missingFor } from '../missing-edits.ts'
import type { Live, RoomDocument } from '../room-document.ts'
import { paceOf, type Steps } from '../steps.ts'
import { visitUpdate } from '../struct-spans.ts'
import { splittingUpdate } from '../update-parts.ts'
import { unitBytesOf } from './trial-protocol.ts'

const UNCUT: Refusal = {
  code: 'too_costly',
  reason:
    'The update takes too long to be applied at once, and can not be applied in parts: it builds on edits that are missing. Send those first',
}
const OTHER_CONTENT = 'other content came under the same client id while the update was applied: make a new Y.Doc'

/** The client ids that Yjs 13 draws are below it. */
const DRAWN_IDS_END = 2 ** 32
/** Client ids of an update that is taken in pieces: of a first sync by many people, and few enough to be looked at at once. */
const CLIENTS_MAX = 10_000

/**
 * An update that was tried. It is inspected in steps and applied in units, in turns between which others have theirs. One that has too
 * many structs to be inspected at once is taken in several pieces, as if each were an update.
 */
export class TriedUnits {
  readonly #given: Uint8Array
  readonly #writer: Writer
  /** The pieces that are not inspected yet, the next one first. */
  readonly #pieces: Uint8Array[]
  /** The units of the update, if it is one piece. */
  readonly #unitsOfWhole: readonly Uint8Array[] | undefined
  readonly #pace = paceOf(() => this.#isOver())
  /** The inspection of the piece that is next; undefined once it has passed. */
  #inspection: Steps<Refusal | undefined> | undefined
  /** The document of the room as of this turn, and whether the turn is over. */
  #document: RoomDocument | undefined
  #isOver: () => boolean = () => false
  /** The units of the piece that is applied now. */
  #units: readonly Uint8Array[] = []
  #next = 0
  /** True when some of the edits may not be the sender's own. */
  #mayBeOthers = false
  #isCut = false
  /** Time of the last transaction besides its units, ms. */
  #besidesMs = 0

  /** @param parts the update in parts, as {@link splitTried} makes them */
  constructor(given: Uint8Array, writer: Writer, parts: readonly Uint8Array[]) {
    const isOnePiece = isComparable(given)
    this.#given = given
    this.#writer = { ...writer, isTried: true, isPart: !isOnePiece }
    this.#pieces = isOnePiece ? [given] : [...parts]
    this.#unitsOfWhole = isOnePiece ? parts : undefined
    this.#inspection = isOnePiece ? this.#beginPiece() : this.#beginFirst()
  }

  /** Whether the next units can be applied. */
  get isInspected(): boolean {
    return this.#inspection === undefined
  }

  /** Whether everything is applied. */
  get isDone(): boolean {
    return this.isInspected && this.#next >= this.#units.length
  }

  /**
   * Does the next steps of the inspection, at least one, until the turn is over. Changes nothing in the document. Returns the refusal
   * of a refused update.
   */
  inspect(document: RoomDocument, isOver: () => boolean): Refusal | undefined {
    this.#document = document
    this.#isOver = isOver
    const { done, value } = this.#inspection?.next() ?? { done: true, value: undefined }
    if (done) this.#inspection = undefined
    return value
  }

  /**
   * Applies the next units in one transaction, at least one, for `turnMs`, or for twice as long as the last transaction took besides its
   * units: with many clients it takes longer to begin and to end one. Throws {@link UpdateError} when another connection has brought
   * other content meanwhile: the document is then unusable and has to be rebuilt.
   */
  apply(document: RoomDocument, turnMs: number): Applied {
    const { pendingBytes } = document
    const forMs = Math.max(turnMs, 2 * this.#besidesMs)
    const beganMs = performance.now()
    let unitsMs = 0
    const applied = document.change(({ doc, ruled, waiting }) => {
      const sinceMs = performance.now()
      do {
        const unit = this.#units[this.#next++] as Uint8Array
        if (refusalOfOther(doc, unit) !== undefined) throw new UpdateError(OTHER_CONTENT)
        if (doc.store.pendingStructs !== null) ruled.spoilWaiting(unit)
        applyOrThrow(doc, unit, waiting)
        unitsMs = performance.now() - sinceMs
      } while (this.#next < this.#units.length && unitsMs < forMs)
    })
    this.#besidesMs = performance.now() - beganMs - unitsMs
    const freesOthers = pendingBytes > 0
    // Edits of others that waited for these units are in the record, too.
    if (document.pendingBytes !== pendingBytes) this.#mayBeOthers = true
    const mayBeOthers = this.#mayBeOthers
    if (this.#next >= this.#units.length && this.#pieces.length > 0) this.#inspection = this.#beginPiece()
    const withheld =
      this.isDone && this.#isCut ? lackingOf([{ index: 0, given: this.#given }], document.stateVector()) : undefined
    return { ...applied, freesOthers, mayBeOthers, withheld }
  }

  *#beginFirst(): Steps<Refusal | undefined> {
    const clients = clientsIn(this.#given)
    // Nothing of it is taken then: its pieces, each with few of its clients, would be.
    if (clients > CLIENTS_MAX) return refusalOfClients(clients)
    yield
    return yield* this.#beginPiece()
  }

  /** The inspection of the next piece, up to its units. Each of its steps may take a turn. */
  *#beginPiece(): Steps<Refusal | undefined> {
    this.#units = []
    this.#next = 0
    const piece = this.#pieces.shift() as Uint8Array
    const tooLarge = this.#unitsOfWhole === undefined ? refusalOfSize(piece) : undefined
    if (tooLarge !== undefined) return tooLarge
    const read: (() => void)[] = []
    try {
      const taken = yield* this.#withholding(piece, read)
      const refusal = yield* this.#inspecting(piece, taken)
      if (refusal !== undefined) return refusal
      const isKnown = this.#unitsOfWhole !== undefined && taken === piece
      this.#units = isKnown
        ? this.#unitsOfWhole
        : yield* splittingUpdate(taken, { bytesMax: unitBytesOf(taken) }, this.#pace)
      return undefined
    } finally {
      for (const forget of read) forget()
    }
  }

  /** The steps to the part of a piece that is to be taken. It is read then, until all in `read` are called. */
  *#withholding(piece: Uint8Array, read: (() => void)[]): Steps<Uint8Array> {
    const writer = this.#writer
    yield* this.#reading(piece, read)
    if (!writer.isAnswer && writer.ownId === undefined) return piece
    const taken = this.#ruled.withhold(piece, writer)
    if (this.#isOver()) yield
    if (taken === piece) return piece
    this.#isCut = true
    yield* this.#reading(taken, read)
    return taken
  }

  *#reading(update: Uint8Array, read: (() => void)[]): Steps<void> {
    const preparing = this.#ruled.preparing?.(update, () => this.#isOver())
    if (preparing !== undefined) read.push(yield* preparing)
    if (this.#isOver()) yield
  }

  *#inspecting(piece: Uint8Array, taken: Uint8Array): Steps<Refusal | undefined> {
    const writer = this.#writer
    // Before the inspection, which binds client ids.
    this.#mayBeOthers = this.#ruled.mayBeOthers(taken, writer)
    if (this.#isOver()) yield
    const doc = this.#live.doc
    if (missingFor(doc, taken) !== undefined) return UNCUT
    for (const part of this.#unitsOfWhole ?? [piece]) {
      if (this.#isOver()) yield
      const refusal = refusalOfOther(doc, part)
      if (refusal !== undefined) return refusal
    }
    if (this.#isOver()) yield
    const refused = this.#ruled.inspect(taken, writer)
    if (refused === undefined && this.#isOver()) yield
    return refused
  }

  get #live(): Live {
    return (this.#document as RoomDocument).live
  }

  get #ruled(): RuledDocument {
    return this.#live.ruled
  }
}

/** The number of client ids of an update that a person's document may have drawn: named blocks have others, one for each. */
function clientsIn(update: Uint8Array): number {
  let [count, last] = [0, -1]
  visitUpdate(update, {
    struct: (client) => {
      if (client !== last && client < DRAWN_IDS_END) count++
      last = client
    },
  })
  return count
}

function refusalOfClients(clients: number): Refusal {
  const reason = `The update has ${clients} client ids and too many structs to be looked at at once, with more than ${CLIENTS_MAX} client ids: merge the contents under one client id, or send them in smaller updates`
  return { code: 'too_large', reason }
}
