import type { TextEdit } from '@joinery/blocks'

/** What a field shows of a text, and which of its characters stands for which of the text's. */
export interface FieldView {
  readonly shown: string
  /** An edit of what is shown, as one of the text. */
  edit(edit: TextEdit): TextEdit
  toText(index: number): number
  toShown(index: number): number
}

/**
 * Browsers do not show every text as it is: an `<input>` has no line ends, and a `<textarea>` makes each one `\n`. `shown` is
 * what the field made of `text`.
 */
export function viewOf(text: string, shown: string): FieldView {
  if (text === shown) return { shown, edit: same, toText: same, toShown: same }
  // Of each character that is shown: where what it stands for begins in the text, and where that ends.
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
