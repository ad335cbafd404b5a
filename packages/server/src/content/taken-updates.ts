import type * as Y from 'yjs'
import type { Applied } from './applied.ts'
import { applyOrThrow, hasWaiting, integrateTyped } from './apply-update.ts'
import type { RuledDocument, Writer } from './document-rules.ts'
import { refusalOfOther, refusalOfSize } from './known-already.ts'
import type { WaitingStructs } from './waiting-structs.ts'

/** The document that updates are taken into, and their sender. */
interface Place {
  readonly doc: Y.Doc
  readonly ruled: RuledDocument
  readonly waiting: WaitingStructs
  /** The open transaction of the document. */
  readonly transaction: Y.Transaction
  readonly writer: Writer
  /** The one among the updates that answers SyncStep1, if there is one. */
  readonly answer: Uint8Array | undefined
  /** The one among the updates that was tried elsewhere, if there is one. */
  readonly tried: Uint8Array | undefined
}

interface Taken {
  readonly refused: Applied['refused']
  readonly leftFrom?: number
  /** The updates as they were applied. */
  readonly taken: Uint8Array[]
  /** The updates that were applied in part, as they were given. */
  readonly cut: { index: number; given: Uint8Array }[]
  /** Whether some of the edits may not be the sender's own. */
  readonly mayBeOthers: boolean
}

/** Time after which a connection's updates are left for a later turn, ms. */
const TURN_MS = 30
/** The same while edits wait: each update makes Yjs read again all that waits, so that one takes some milliseconds. */
const WAITING_TURN_MS = 10

/**
 * Inspects and applies one connection's updates, one after the other, up to the first that is refused, or until the turn is over. Throws {@link UpdateError} when
 * Yjs can't read an update, and the rules' error when the rules fail.
 */
export function takeUpdates(updates: readonly Uint8Array[], place: Place): Taken {
  const { doc, ruled, waiting, transaction, writer, answer, tried } = place
  let mayBeOthers = false
  const taken: Uint8Array[] = []
  const cut: { index: number; given: Uint8Array }[] = []
  const sinceMs = performance.now()
  for (let index = 0; index < updates.length; index++) {
    const given = updates[index] as Uint8Array
    const typed = hasWaiting(doc) ? undefined : ruled.readTyped?.(given, writer)
    if (typed !== undefined) {
      integrateTyped(typed, transaction)
      taken.push(given)
      continue
    }
    const oversize = refusalOfSize(given)
    if (oversize !== undefined) return { refused: { index, refusal: oversize }, taken, cut, mayBeOthers }
    const isAnswer = given === answer
    const isTried = given === tried
    const sender = isAnswer || isTried ? { ...writer, isAnswer, isTried } : writer
    const update = isAnswer || writer.ownId !== undefined ? ruled.withhold(given, sender) : given
    // Before the inspection, which binds client ids.
    const isMixed = ruled.mayBeOthers(update, sender)
    // First: what the rules let in they may remember.
    const refusal = refusalOfOther(doc, given) ?? ruled.inspect(update, sender)
    if (refusal !== undefined) return { refused: { index, refusal }, taken, cut, mayBeOthers }
    if (doc.store.pendingStructs !== null) ruled.spoilWaiting(update)
    applyOrThrow(doc, update, waiting)
    taken.push(update)
    mayBeOthers ||= isMixed
    if (update !== given) cut.push({ index, given })
    const leftFrom = index + 1
    const turnMs = hasWaiting(doc) ? WAITING_TURN_MS : TURN_MS
    if (leftFrom < updates.length && performance.now() - sinceMs > turnMs)
      return { refused: undefined, leftFrom, taken, cut, mayBeOthers }
  }
  return { refused: undefined, taken, cut, mayBeOthers }
}
