import { type Observable, ObservableValue, type Workspace } from '@joinery/client'
import type * as Y from 'yjs'

/** A notice, mostly with an offer to take the last step back, shown where the person looks. */
export interface UndoOffer {
  readonly words: string
  /** Words of the button, and what it does; undefined for a notice without one. */
  readonly button: { readonly words: string; readonly act: () => void } | undefined
  /** Where the deleted thing was, pixels of the screen; undefined if nobody knows. */
  readonly at: Pick<DOMRect, 'left' | 'top' | 'width' | 'height'> | undefined
}

/** Time that an offer stays, ms: long enough to read it and to reach it by keyboard. */
const OFFER_MS = 12_000

const offer = new ObservableValue<UndoOffer | undefined>(undefined)
let timer: ReturnType<typeof setTimeout> | undefined
let unfollow: (() => void) | undefined

/** The present offer: one for the page, the newest. */
export const presentOffer: Observable<UndoOffer | undefined> = offer

/** Offers to undo the step that was just made. */
export function offerUndo(workspace: Workspace, words: string, at?: DOMRect): void {
  show({ words, button: { words: 'Bring it back', act: () => void workspace.undo.undo() }, at }, workspace)
}

const REVERSE_WORDS = { undo: 'Bring it back', redo: 'Do it again' } as const

/** Offers to reverse an undo or a redo that was just done. */
export function offerReverse(workspace: Workspace, words: string, by: 'undo' | 'redo'): void {
  show({ words, button: { words: REVERSE_WORDS[by], act: () => void workspace.undo[by]() }, at: undefined }, workspace)
}

/** Tells something without an offer. */
export function tellOnly(words: string, at?: DOMRect): void {
  show({ words, button: undefined, at })
}

export function endOffer(): void {
  clearTimeout(timer)
  unfollow?.()
  unfollow = undefined
  offer.set(undefined)
}

function show(next: UndoOffer, workspace?: Workspace): void {
  endOffer()
  timer = setTimeout(endOffer, OFFER_MS)
  offer.set(next)
  if (workspace === undefined) return
  const { doc } = workspace
  // The next edit of this person ends the offer, so that its button never takes back another step.
  const onTransaction = (transaction: Y.Transaction): void => {
    if (transaction.local && transaction.changed.size > 0) endOffer()
  }
  doc.on('afterTransaction', onTransaction)
  unfollow = () => doc.off('afterTransaction', onTransaction)
}
