import type * as Y from 'yjs'
import type { Selection } from './caret.ts'

/** An editor of a block's text that is no text field, with this person's selection in it. */
export interface OwnCaret {
  readonly block: string
  readonly text: Y.Text
  readonly selection: () => Selection
}

const editors = new Map<Element, OwnCaret>()
const listeners = new Set<() => void>()

/** Makes an editor known by the element that has the focus while a person writes in it. Returns the function that ends it. */
export function ownCaretIn(element: Element, caret: OwnCaret): () => void {
  editors.set(element, caret)
  return () => {
    editors.delete(element)
    ownCaretMoved()
  }
}

export const ownCaretAt = (element: Element | null): OwnCaret | undefined =>
  element === null ? undefined : editors.get(element)

/** Says that the selection in an editor has changed: a document does not tell what happens in a shadow tree. */
export function ownCaretMoved(): void {
  for (const listener of [...listeners]) listener()
}

export function onOwnCaret(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
