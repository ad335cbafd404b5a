import type { Selection } from './caret.ts'

/** A selection in a text, and its owner. */
export interface Mark<T> {
  readonly selection: Selection
  readonly of: T
}

/** A run of characters within the same selections, with the carets at its start. */
export interface MarkedPiece<T> {
  readonly start: number
  readonly text: string
  readonly carets: readonly T[]
  readonly selectedBy: readonly T[]
}

/** Cuts a text at carets and at the ends of selections. Leaves out the text from the first line break after the last of them. */
export function markText<T>(text: string, marks: readonly Mark<T>[]): MarkedPiece<T>[] {
  if (marks.length === 0) return []
  const within = (index: number): number => Math.min(Math.max(index, 0), text.length)
  const ends = marks.map(({ selection, of }) => ({
    anchor: within(selection.anchor),
    head: within(selection.head),
    of,
  }))
  const last = Math.max(...ends.flatMap(({ anchor, head }) => [anchor, head]))
  // The rest of the line is kept, because it decides where the line's words wrap.
  const lineEnd = text.indexOf('\n', last)
  const end = lineEnd === -1 ? text.length : lineEnd
  const cuts = new Set([0, ...ends.flatMap(({ anchor, head }) => [anchor, head])])
  return [...cuts]
    .sort((a, b) => a - b)
    .map((start, at, all) => ({
      start,
      text: text.slice(start, all[at + 1] ?? end),
      carets: ends.filter(({ head }) => head === start).map(({ of }) => of),
      selectedBy: ends
        .filter(({ anchor, head }) => Math.min(anchor, head) <= start && start < Math.max(anchor, head))
        .map(({ of }) => of),
    }))
}
