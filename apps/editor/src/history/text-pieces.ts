import { diffText } from '@joinery/blocks'

export interface TextPiece {
  readonly kind: 'same' | 'removed' | 'added'
  readonly text: string
}

/** Characters of unchanged text that are shown on each side of a change. */
const CONTEXT_CHARS = 60

/** Two texts as one to read: what went, what came, and a little of what stayed around it. */
export function textPieces(before: string, after: string): TextPiece[] {
  const pieces: TextPiece[] = []
  const add = (kind: TextPiece['kind'], text: string): void => {
    if (text !== '') pieces.push({ kind, text })
  }
  let at = 0
  for (const { index, remove, insert } of diffText(before, after)) {
    add('same', shortened(before.slice(at, index), at > 0, true))
    add('removed', before.slice(index, index + remove))
    add('added', insert)
    at = index + remove
  }
  add('same', shortened(before.slice(at), at > 0, false))
  return pieces
}

/** Leaves out the middle of what stayed; an end that touches no change goes too. */
function shortened(text: string, isAfterChange: boolean, isBeforeChange: boolean): string {
  const letters = [...text]
  const head = isAfterChange ? CONTEXT_CHARS : 0
  const tail = isBeforeChange ? CONTEXT_CHARS : 0
  if (letters.length <= head + tail + 10) return text
  return `${letters.slice(0, head).join('')} … ${tail === 0 ? '' : letters.slice(-tail).join('')}`
}
