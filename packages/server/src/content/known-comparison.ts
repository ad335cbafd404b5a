import type * as Y from 'yjs'
import { includesUpdate } from './known-already.ts'
import { paceOf, type Steps } from './steps.ts'
import { unitBytesOf } from './trials/trial-protocol.ts'
import { splittingUpdate } from './update-parts.ts'

/**
 * The comparison of one update with a room's document, in turns between which others have theirs. A document only grows: what it has
 * at one step it has at the next.
 */
export class KnownComparison {
  readonly #update: Uint8Array
  readonly #pace = paceOf(() => this.#isOver())
  #doc: Y.Doc | undefined
  #steps: Steps<boolean> | undefined
  #isOver: () => boolean = () => false

  constructor(update: Uint8Array) {
    this.#update = update
  }

  /**
   * Does the next steps until the turn is over. Returns whether `doc` has everything in the update, with the same content; undefined
   * before the last step. False, too, for bytes that are no update. Begins anew with a document that was built anew.
   */
  compare(doc: Y.Doc, isOver: () => boolean): boolean | undefined {
    this.#isOver = isOver
    if (this.#steps === undefined || this.#doc !== doc) {
      this.#doc = doc
      this.#steps = this.#comparing(doc)
    }
    try {
      const { done, value } = this.#steps.next()
      return done ? value : undefined
    } catch {
      // The rules, or Yjs, say what is wrong with it.
      return false
    }
  }

  *#comparing(doc: Y.Doc): Steps<boolean> {
    const update = this.#update
    const parts = yield* splittingUpdate(update, { bytesMax: unitBytesOf(update) }, this.#pace)
    for (const part of parts) {
      if (!includesUpdate(doc, part)) return false
      if (this.#isOver()) yield
    }
    return true
  }
}
