import type { TextEdit } from '@joinery/blocks'
import type { Party } from './parties.ts'

export type Status = 'processing' | 'done'

/** A board of one block, as its visitor sees it, and what the jobs do to it. The same calls on both sides of the page. */
export interface SmallBoard {
  /** The text that the visitor sees. */
  text(): string
  /** The status of the index that the visitor sees; undefined before it was started. */
  status(): Status | undefined
  subscribe(listener: () => void): () => void
  /** Edits of the visitor's, each one after the other, by what they see. */
  type(edits: readonly TextEdit[]): void
  /** Binds the visitor's text field. `onType` gets what they typed there. Returns the function that unbinds it. */
  bind(field: HTMLTextAreaElement, onType: (edits: readonly TextEdit[]) => void): () => void
  /** A job reads the text now, and gives the function that writes the new text later, as jobs around a slow model do. */
  beginRewrite(rewrite: (text: string) => string): () => void
  startIndex(): void
  /** A job reports what it knows of the index. */
  report(by: Extract<Party, 'indexer' | 'poller'>, status: Status): void
  close(): void
}

export const FIRST_TEXT = 'Oak boards, cut to length.'

/** Edits with their places kept within a text of this length: the other board may have lost a part of the text. */
export function within(length: number, { index, remove, insert }: TextEdit): TextEdit {
  const at = Math.min(index, length)
  return { index: at, remove: Math.min(remove, length - at), insert }
}
