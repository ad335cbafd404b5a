import { type Steps, searchMatches, type TokenMatch } from './token-search.ts'
import { uniqueAnchors } from './unique-anchors.ts'

/** One edit: at `index` of the old text, `remove` code units are removed and `insert` is inserted. Edits are sorted by `index`. */
export interface TextEdit {
  readonly index: number
  readonly remove: number
  readonly insert: string
}

/**
 * Greatest number of edits in one diff. A text with more is replaced as a whole. Each edit costs Yjs a search for its place, and
 * two structs for good: in a text of 200,000 pieces, 2,000 edits took 70 ms and 20,000 edits ten seconds.
 */
export const EDITS_MAX = 2_000

/** Greatest number of comparisons in one diff, about 30 ms, since other requests wait for it. The rest of the text is then replaced. */
export const STEPS_MAX = 2_000_000

/** The pieces of a text: words, runs of spaces and single signs. `u` keeps surrogate pairs whole. */
const WORDS = /[\p{L}\p{N}\p{M}_]+|\s+|./gsu
const LINES = /[^\n]*\n|[^\n]+/g

/** A place where `next` is to replace `old`, which begins at `index`. */
interface Place {
  readonly index: number
  readonly old: string
  readonly next: string
}

/**
 * Computes the edits that turn `before` into `after`. It drops the common ends and runs Myers' search over the words of the
 * middle. If the middle differs too much, it is cut at the lines that occur once in both texts, and searched between them. A
 * stretch that still differs too much is replaced as a whole, and so is the rest once no `steps` are left (B44). Never splits a
 * surrogate pair. The search compares words, so that an edit reads like a person's change.
 */
export function diffText(before: string, after: string, steps: Steps = { left: STEPS_MAX }): TextEdit[] {
  const whole = { index: 0, old: before, next: after }
  const places = [...differences(whole, steps)]
  return (places.length > EDITS_MAX ? [withoutCommonEnds(whole)] : places).map(({ index, old, next }) => ({
    index,
    remove: old.length,
    insert: next,
  }))
}

/** Applies edits to a string. Returns the new text. */
export function applyEdits(before: string, edits: readonly TextEdit[]): string {
  let text = ''
  let done = 0
  for (const { index, remove, insert } of edits) {
    text += before.slice(done, index) + insert
    done = index + remove
  }
  return text + before.slice(done)
}

function* differences(place: Place, steps: Steps, isCut = false): Generator<Place> {
  const middle = withoutCommonEnds(place)
  const { index, old, next } = middle
  if (old === '' && next === '') return
  if (old === '' || next === '' || steps.left <= 0) return yield middle
  const words = [piecesOf(old, WORDS), piecesOf(next, WORDS)] as const
  const matches = searchMatches(...words, steps)
  if (matches !== undefined) {
    for (const between of placesBetween(index, ...words, matches)) yield withoutCommonEnds(between)
    return
  }
  const lines = [piecesOf(old, LINES), piecesOf(next, LINES)] as const
  const anchors = isCut ? [] : uniqueAnchors(...lines)
  if (anchors.length === 0) return yield middle
  for (const between of placesBetween(index, ...lines, anchors)) yield* differences(between, steps, true)
}

function piecesOf(text: string, pieces: RegExp): readonly string[] {
  return text.match(pieces) ?? []
}

/** The places before, between and after the matches. `index` is where the first of the old pieces begins. */
function* placesBetween(
  index: number,
  before: readonly string[],
  after: readonly string[],
  matches: readonly TokenMatch[],
): Generator<Place> {
  let [at, oldDone, nextDone] = [index, 0, 0]
  for (const { old: from, next: there, length } of [
    ...matches,
    { old: before.length, next: after.length, length: 0 },
  ]) {
    const old = before.slice(oldDone, from).join('')
    const next = after.slice(nextDone, there).join('')
    if (old !== '' || next !== '') yield { index: at, old, next }
    oldDone = from + length
    nextDone = there + length
    at += old.length
    for (let kept = from; kept < oldDone; kept++) at += before[kept]?.length ?? 0
  }
}

/** Narrows a place down to the code units that differ. */
function withoutCommonEnds({ index, old, next }: Place): Place {
  if (old === next) return { index, old: '', next: '' }
  const head = commonHead(old, next)
  const tail = commonTail(old, next, head)
  return { index: index + head, old: old.slice(head, old.length - tail), next: next.slice(head, next.length - tail) }
}

function commonHead(a: string, b: string): number {
  const max = Math.min(a.length, b.length)
  let length = 0
  while (length < max && a.charCodeAt(length) === b.charCodeAt(length)) length++
  // Both sides agree up to here. Stepping back from a high surrogate keeps its pair in the part that differs.
  return length > 0 && isHighSurrogate(a.charCodeAt(length - 1)) ? length - 1 : length
}

function commonTail(a: string, b: string, head: number): number {
  const max = Math.min(a.length, b.length) - head
  let length = 0
  while (length < max && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) length++
  return length > 0 && isLowSurrogate(a.charCodeAt(a.length - length)) ? length - 1 : length
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
