import type { Applied } from '../applied.ts'
import { applyOrThrow, UpdateError } from '../apply-update.ts'
import type { Refusal, Writer } from '../document-rules.ts'
import { refusalOfOther } from '../known-already.ts'
import { lackingOf, missingFor } from '../missing-edits.ts'
import type { RoomDocument } from '../room-document.ts'
import { splitUpdate } from '../update-parts.ts'
import { unitBytesOf } from './trial-protocol.ts'

const UNCUT: Refusal = {
  code: 'too_costly',
  reason:
    'The update takes too long to be applied at once, and can not be applied in parts: it builds on edits that are missing. Send those first',
}
const OTHER_CONTENT = 'other content came under the same client id while the update was applied: make a new Y.Doc'

/** An update that was tried, and is applied in units: one after the other, in turns between which others have theirs. */
export class TriedUnits {
  /** True when some of the edits may not be the sender's own. */
  #mayBeOthers: boolean
  readonly #given: Uint8Array
  readonly #isCut: boolean
  readonly #units: readonly Uint8Array[]
  #next = 0

  private constructor(given: Uint8Array, taken: Uint8Array, mayBeOthers: boolean) {
    this.#given = given
    this.#isCut = taken !== given
    this.#mayBeOthers = mayBeOthers
    this.#units = splitUpdate(taken, unitBytesOf(taken))
  }

  /** Inspects an update whole, under the rules of its writer. Changes nothing in the document. Returns the refusal of a refused one. */
  static inspect(given: Uint8Array, writer: Writer, document: RoomDocument): TriedUnits | Refusal {
    const { doc, ruled } = document.live
    const sender = { ...writer, isTried: true }
    const update = writer.isAnswer || writer.ownId !== undefined ? ruled.withhold(given, sender) : given
    // Before the inspection, which binds client ids.
    const mayBeOthers = ruled.mayBeOthers(update, sender)
    const refusal = missingFor(doc, update) === undefined ? refusalOfOther(doc, given) : UNCUT
    return refusal ?? ruled.inspect(update, sender) ?? new TriedUnits(given, update, mayBeOthers)
  }

  get isDone(): boolean {
    return this.#next >= this.#units.length
  }

  /**
   * Applies the next units in one transaction, at least one, until the turn is over. Throws {@link UpdateError} when another
   * connection has brought other content meanwhile: the document is then unusable and has to be rebuilt.
   */
  apply(document: RoomDocument, isOver: () => boolean): Applied {
    const { pendingBytes } = document
    const applied = document.change(({ doc, ruled, waiting }) => {
      do {
        const unit = this.#units[this.#next++] as Uint8Array
        if (refusalOfOther(doc, unit) !== undefined) throw new UpdateError(OTHER_CONTENT)
        if (doc.store.pendingStructs !== null) ruled.spoilWaiting(unit)
        applyOrThrow(doc, unit, waiting)
      } while (!this.isDone && !isOver())
    })
    const freesOthers = pendingBytes > 0
    // Edits of others that waited for these units are in the record, too.
    if (document.pendingBytes !== pendingBytes) this.#mayBeOthers = true
    const withheld =
      this.isDone && this.#isCut ? lackingOf([{ index: 0, given: this.#given }], document.stateVector()) : undefined
    return { ...applied, freesOthers, mayBeOthers: this.#mayBeOthers, withheld }
  }
}
