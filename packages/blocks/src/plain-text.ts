import * as Y from 'yjs'
import type { TextEdit } from './text-diff.ts'

/**
 * The characters of a text as one string, in which embeds and marks take no place. The string of a `Y.XmlText` has no markup, which
 * its own `toString` writes.
 */
export function plainTextOf(text: Y.Text): string {
  return Y.Text.prototype.toString.call(text)
}

/**
 * Writes edits of the plain string into the text, inside the caller's transaction. Yjs counts an embed as one position, and the
 * plain string has none for it (B47).
 *
 * @param plainLength length of the text's plain string, in code units
 * @param edits edits of the plain string as `diffText` gives them
 */
export function writeEdits(text: Y.Text, plainLength: number, edits: readonly TextEdit[]): void {
  const embeds = text.length === plainLength ? [] : embedPlaces(text)
  // Written from the end, so that the indexes of earlier edits stay valid.
  for (const { index, remove, insert } of [...edits].reverse()) {
    const end = insertPlace(embeds, index + remove, plainLength, remove > 0)
    if (insert !== '') text.insert(end, insert)
    if (remove === 0) continue
    const start = index + countUpTo(embeds, index)
    text.delete(start, end - start)
  }
}

/**
 * The edits of the plain string that a Yjs event reports, one after the other: each index counts in the string that the earlier
 * edits have made. Call it while the event is handled, as `event.delta`.
 */
export function plainEditsOf(event: Y.YTextEvent): TextEdit[] {
  const edits: TextEdit[] = []
  let index = 0
  const add = (remove: number, insert: string): void => {
    const last = edits.at(-1)
    const isOfLast = remove > 0 ? last?.insert === '' : last?.remove === 0
    if (last !== undefined && isOfLast && last.index + last.insert.length === index)
      edits[edits.length - 1] = { ...last, remove: last.remove + remove, insert: last.insert + insert }
    else edits.push({ index, remove, insert })
    index += insert.length
  }
  for (let item = event.target._start; item !== null; item = item.right) {
    if (!(item.content instanceof Y.ContentString)) continue
    if (event.adds(item)) {
      if (!item.deleted) add(0, item.content.str)
    } else if (event.deletes(item)) add(item.length, '')
    else if (!item.deleted) index += item.length
  }
  return edits
}

/** The index in Yjs of the character at `index` of the plain string: behind the embeds there. */
export function yjsIndexOf(text: Y.Text, index: number): number {
  return index + countUpTo(embedPlaces(text), index)
}

/** The index in the plain string for an index in Yjs. */
export function plainIndexOf(text: Y.Text, index: number): number {
  return index - embedPlaces(text).filter((place, embedsBefore) => place + embedsBefore < index).length
}

/** For each position that Yjs counts and the plain string does not: the index in the plain string at which it stands. Sorted. */
function embedPlaces(text: Y.Text): number[] {
  const places: number[] = []
  let index = 0
  for (let item = text._start; item !== null; item = item.right) {
    if (item.deleted || !item.countable) continue
    if (item.content instanceof Y.ContentString) index += item.length
    else for (let count = 0; count < item.length; count++) places.push(index)
  }
  return places
}

/** Where Yjs inserts: right behind the character before, and at the end of the text behind the embeds there. */
function insertPlace(embeds: readonly number[], index: number, plainLength: number, isReplacing: boolean): number {
  const isAtEnd = index === plainLength && !isReplacing
  return index + (isAtEnd ? embeds.length : countUpTo(embeds, index - 1))
}

/** How many embeds stand at `index` or before it. */
function countUpTo(embeds: readonly number[], index: number): number {
  let [low, high] = [0, embeds.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((embeds[middle] ?? 0) <= index) low = middle + 1
    else high = middle
  }
  return low
}
