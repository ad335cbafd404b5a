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

/** A card draws carets within so many characters of a text: what a card shows is laid out anew with each letter of others. */
const DRAWN_MAX = 20_000
/** Characters behind the last caret that decide where the words of its line wrap: more than any line of a card has. */
const LINE_REST_MAX = 1_000

/** The start of a text in which a card draws marks, these marks, and the marks that end further down. A short text is its own start. */
export function drawnStart<T>(
  text: string,
  marks: readonly Mark<T>[],
): { readonly start: string; readonly drawn: readonly Mark<T>[]; readonly below: readonly Mark<T>[] } {
  const isBelow = ({ selection }: Mark<T>): boolean => Math.max(selection.anchor, selection.head) > DRAWN_MAX
  return {
    start: text.slice(0, DRAWN_MAX + LINE_REST_MAX),
    drawn: marks.filter((mark) => !isBelow(mark)),
    below: marks.filter(isBelow),
  }
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
