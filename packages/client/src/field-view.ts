import type { TextEdit } from '@joinery/blocks'

/** The value that a field shows for a text, and the mapping between the characters of the two. */
export interface FieldView {
  readonly shown: string
  /** Converts an edit of the shown value to an edit of the text. */
  edit(edit: TextEdit): TextEdit
  toText(index: number): number
  toShown(index: number): number
}

/**
 * Maps a text to the value that a field shows for it. The two may differ: an `<input>` removes line ends, and a `<textarea>`
 * turns each into `\n`. `shown` is the field's value after `text` was written to it.
 */
export function viewOf(text: string, shown: string): FieldView {
  if (text === shown) return { shown, edit: same, toText: same, toShown: same }
  // For each shown character: start and end of its counterpart in the text.
  const starts: number[] = []
  const ends: number[] = []
  let at = 0
  for (const unit of shown.split('')) {
    while (at < text.length && !isShownAs(text[at], unit)) at += 1
    starts.push(at)
    at += unit === '\n' && text.startsWith('\r\n', at) ? 2 : 1
    ends.push(at)
  }
  const toText = (index: number): number => ends[index - 1] ?? 0
  return {
    shown,
    toText,
    toShown: (index) => ends.filter((end) => end <= index).length,
    edit: ({ index, remove, insert }) => {
      if (remove === 0) return { index: toText(index), remove, insert }
      const start = starts[index] ?? text.length
      return { index: start, remove: toText(index + remove) - start, insert }
    },
  }
}

function isShownAs(unit: string | undefined, shown: string): boolean {
  return unit === shown || (unit === '\r' && shown === '\n')
}

function same<T>(value: T): T {
  return value
}
