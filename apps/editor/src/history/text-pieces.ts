import { diffText, type TextEdit } from '@joinery/blocks'

export interface TextPiece {
  readonly kind: 'same' | 'removed' | 'added'
  readonly text: string
}

/** Characters of unchanged text that are shown on each side of a change. */
const CONTEXT_CHARS = 60

/** Combines two texts into pieces to read: removed text, added text, and a little of the unchanged text around them. */
export function textPieces(before: string, after: string): TextPiece[] {
  const pieces: TextPiece[] = []
  const add = (kind: TextPiece['kind'], text: string): void => {
    if (text !== '') pieces.push({ kind, text })
  }
  let at = 0
  for (const { index, remove, insert } of wholeWords(before, diffText(before, after))) {
    add('same', shortened(before.slice(at, index), at > 0, true))
    add('removed', before.slice(index, index + remove))
    add('added', insert)
    at = index + remove
  }
  add('same', shortened(before.slice(at), at > 0, false))
  return pieces
}

const LETTERS_BEFORE = /[\p{L}\p{N}\p{M}_]+$/u
const LETTERS_AFTER = /^[\p{L}\p{N}\p{M}_]+/u

/** Widens edits so that none begins or ends inside a word: half a word struck out is hard to read. */
function wholeWords(before: string, edits: readonly TextEdit[]): TextEdit[] {
  const wide: TextEdit[] = []
  for (const { index, remove, insert } of edits) {
    const end = index + remove
    const sides = [before.slice(index, end), insert]
    const head = sides.some((side) => LETTERS_AFTER.test(side)) ? lettersIn(LETTERS_BEFORE, before.slice(0, index)) : ''
    const tail = sides.some((side) => LETTERS_BEFORE.test(side)) ? lettersIn(LETTERS_AFTER, before.slice(end)) : ''
    const next = {
      index: index - head.length,
      remove: head.length + remove + tail.length,
      insert: head + insert + tail,
    }
    const last = wide.at(-1)
    const lastEnd = last === undefined ? 0 : last.index + last.remove
    if (last === undefined || lastEnd <= next.index) {
      wide.push(next)
      continue
    }
    // Two edits of one word become one: the first edit or the text between them has the word's letters up to the second.
    const told = last.insert.slice(0, last.insert.length - Math.max(0, lastEnd - index)) + before.slice(lastEnd, index)
    wide[wide.length - 1] = { index: last.index, remove: end + tail.length - last.index, insert: told + insert + tail }
  }
  return wide
}

function lettersIn(where: RegExp, text: string): string {
  return where.exec(text)?.[0] ?? ''
}

/** Leaves out the middle of an unchanged text, and an end of it that touches no change. */
function shortened(text: string, isAfterChange: boolean, isBeforeChange: boolean): string {
  const letters = [...text]
  const head = isAfterChange ? CONTEXT_CHARS : 0
  const tail = isBeforeChange ? CONTEXT_CHARS : 0
  if (letters.length <= head + tail + 10) return text
  return `${letters.slice(0, head).join('')} … ${tail === 0 ? '' : letters.slice(-tail).join('')}`
}
