import { plainTextOf, type TextEdit, writeEdits } from '@joinery/blocks'
import type * as Y from 'yjs'

/** Maps each character of a field to its position in the plain string of a text that others have edited since field and text were equal. */
export class FieldPlaces {
  /** For each character of the field its index in the text. For a character that others removed: `~` of its last index. */
  readonly #places: number[]

  constructor(length: number) {
    this.#places = Array.from({ length }, (_, at) => at)
  }

  /** Takes in others' edits of the text, each one after the last. */
  follow(edits: readonly TextEdit[]): void {
    for (const edit of edits)
      for (const [at, place] of this.#places.entries()) this.#places[at] = placeAfter(edit, place)
  }

  /** Writes the edits `typed` of the field, as `diffText` gives them, into the text. */
  write(text: Y.Text, typed: readonly TextEdit[]): void {
    for (const { index, remove, insert } of [...typed].reverse()) {
      const start = this.indexOf(index)
      for (let end = index + remove; end > index; ) end = this.#remove(text, index, end)
      if (insert === '') continue
      writeEdit(text, { index: start, remove: 0, insert })
      this.#shift(index, insert.length)
      this.#places.splice(index, 0, ...Array.from({ length: insert.length }, (_, at) => start + at))
    }
  }

  /** The index in the text for an index in the field: right behind the field's character before it. */
  indexOf(index: number): number {
    const before = this.#places[index - 1]
    if (before === undefined) return 0
    return before < 0 ? ~before : before + 1
  }

  /**
   * Removes the last characters of the field's range that stand side by side in the text, or one that others removed already.
   * Returns the end of the rest of the range.
   */
  #remove(text: Y.Text, start: number, end: number): number {
    let from = end - 1
    const last = this.#places[from] ?? -1
    while (last >= 0 && from > start && this.#places[from - 1] === last - (end - from)) from--
    this.#places.splice(from, end - from)
    if (last < 0) return from
    writeEdit(text, { index: last - (end - from) + 1, remove: end - from, insert: '' })
    this.#shift(from, from - end)
    return from
  }

  /** Moves all characters of the field from this one on. */
  #shift(from: number, by: number): void {
    for (let char = from; char < this.#places.length; char++) {
      const place = this.#places[char] ?? 0
      this.#places[char] = place < 0 ? ~(~place + by) : place + by
    }
  }
}

function writeEdit(text: Y.Text, edit: TextEdit): void {
  writeEdits(text, plainTextOf(text).length, [edit])
}

function placeAfter({ index, remove, insert }: TextEdit, place: number): number {
  const end = index + remove
  if (place < 0) {
    const gap = ~place
    return gap <= index ? place : ~(gap < end ? index : gap - remove + insert.length)
  }
  if (place < index) return place
  return place < end ? ~index : place - remove + insert.length
}
