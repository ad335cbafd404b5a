import { isHighSurrogate, isLowSurrogate, linesOf, type Tokens, wordsOf } from './text-tokens.ts'
import { type Steps, searchMatches, type TokenMatch } from './token-search.ts'
import { uniqueAnchors } from './unique-anchors.ts'

/** At `index` of the old text, `remove` code units go and `insert` comes. Indexes are those of the old text, ascending. */
export interface TextEdit {
  readonly index: number
  readonly remove: number
  readonly insert: string
}

/**
 * Edits of one diff: each costs Yjs a search for its place and two structs, for good. Beyond it the nearest are joined:
 * in a text of 200,000 pieces 2,000 edits took 70 ms, and 20,000 ten seconds.
 */
export const EDITS_MAX = 2_000

/** Comparisons of one diff, some 30 ms: a request must not keep all others waiting. What is left then is replaced. */
export const STEPS_MAX = 2_000_000

/** What texts are cut at that differ in too many words, from coarse to fine. */
const CUTS: readonly ((text: string) => Tokens)[] = [linesOf, wordsOf]

/** Where `old` stands, from `index` on, `next` is to stand. */
interface Place {
  readonly index: number
  readonly old: string
  readonly next: string
}

/**
 * The edits that turn `before` into `after`, by common ends first and Myers' search over words on the middle. A middle
 * that differs too much is cut at the lines, then at the words, that both texts have once, and searched between them;
 * what is left without any is replaced as a whole. When no `steps` are left, so is the rest (B44). Never splits a surrogate pair. Words rather than letters, so that an edit reads as what somebody did.
 */
export function diffText(before: string, after: string, steps: Steps = { left: STEPS_MAX }): TextEdit[] {
  const places = [...differences({ index: 0, old: before, next: after }, CUTS, steps)]
  const edits = places.map(({ index, old, next }) => ({ index, remove: old.length, insert: next }))
  return edits.length > EDITS_MAX ? joinNearest(before, edits) : edits
}

/** Applies edits to a string: what a text holds after them. */
export function applyEdits(before: string, edits: readonly TextEdit[]): string {
  let text = ''
  let done = 0
  for (const { index, remove, insert } of edits) {
    text += before.slice(done, index) + insert
    done = index + remove
  }
  return text + before.slice(done)
}

function* differences(place: Place, cuts: typeof CUTS, steps: Steps): Generator<Place> {
  const middle = withoutCommonEnds(place)
  const { old, next } = middle
  if (old === '' && next === '') return
  if (old === '' || next === '' || steps.left <= 0) return yield middle
  const [before, after] = [wordsOf(old), wordsOf(next)]
  const matches = searchMatches(before, after, steps)
  if (matches !== undefined) {
    for (const between of placesBetween(middle, before, after, matches)) yield withoutCommonEnds(between)
    return
  }
  for (const [level, cut] of cuts.entries()) {
    const [before, after] = [cut(old), cut(next)]
    const anchors = uniqueAnchors(before, after)
    if (anchors.length === 0) continue
    for (const between of placesBetween(middle, before, after, anchors))
      yield* differences(between, cuts.slice(level + 1), steps)
    return
  }
  yield middle
}

/** What stands before, between and after the matches. */
function placesBetween({ index, old, next }: Place, before: Tokens, after: Tokens, matches: readonly TokenMatch[]) {
  const places: Place[] = []
  let [oldDone, nextDone] = [0, 0]
  const end = { old: before.count, next: after.count, length: 0 }
  for (const match of [...matches, end]) {
    const [oldFrom, oldTo] = [startOf(before, match.old), startOf(before, match.old + match.length)]
    const [nextFrom, nextTo] = [startOf(after, match.next), startOf(after, match.next + match.length)]
    // What is no more than alike in its hashes belongs to what differs.
    if (old.slice(oldFrom, oldTo) !== next.slice(nextFrom, nextTo)) continue
    if (oldFrom > oldDone || nextFrom > nextDone)
      places.push({ index: index + oldDone, old: old.slice(oldDone, oldFrom), next: next.slice(nextDone, nextFrom) })
    oldDone = oldTo
    nextDone = nextTo
  }
  return places
}

function startOf({ starts }: Tokens, token: number): number {
  return starts[token] ?? 0
}

/** No more edits than {@link EDITS_MAX}, apart by the widest stretches of text that stay. */
function joinNearest(before: string, edits: readonly TextEdit[]): TextEdit[] {
  const stays = edits.map(({ index, remove }, at) => ({ at, length: (edits[at + 1]?.index ?? 0) - index - remove }))
  const widest = stays.slice(0, -1).sort((a, b) => b.length - a.length)
  const isJoined = new Set(widest.slice(EDITS_MAX - 1).map(({ at }) => at))
  const joined: TextEdit[] = []
  for (const [at, edit] of edits.entries()) {
    const last = joined.at(-1)
    if (last === undefined || !isJoined.has(at - 1)) {
      joined.push(edit)
      continue
    }
    const insert = last.insert + before.slice(last.index + last.remove, edit.index) + edit.insert
    joined[joined.length - 1] = { index: last.index, remove: edit.index + edit.remove - last.index, insert }
  }
  return joined
}

/** Narrows a place to the code units that differ. */
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
  // Both sides agree up to here; stepping back off a high surrogate keeps the pair in the part that differs.
  return length > 0 && isHighSurrogate(a.charCodeAt(length - 1)) ? length - 1 : length
}

function commonTail(a: string, b: string, head: number): number {
  const max = Math.min(a.length, b.length) - head
  let length = 0
  while (length < max && a.charCodeAt(a.length - 1 - length) === b.charCodeAt(b.length - 1 - length)) length++
  return length > 0 && isLowSurrogate(a.charCodeAt(a.length - length)) ? length - 1 : length
}
