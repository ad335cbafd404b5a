import { diffText, STEPS_MAX } from '../text-diff.ts'
import type { Steps } from '../token-search.ts'
import { IdSet } from './id-set.ts'
import { isRichType, isSameSort, type RichPiece, slicePiece } from './rich-type.ts'

/** One step on the way from a sequence to another. All positions of both sequences are in a step, in order. */
export type SequenceStep =
  /** Content that both have. Marks may differ, and types of one sort may differ inside. Both sides are equally long. */
  | { readonly op: 'keep'; readonly before: RichPiece; readonly after: RichPiece }
  | { readonly op: 'remove'; readonly piece: RichPiece }
  | { readonly op: 'add'; readonly piece: RichPiece }

/** A new budget of comparisons for the differences of one document. */
export function comparisons(): Steps {
  return { left: STEPS_MAX }
}

/**
 * Finds the steps from one sequence to another of the same history. Positions with the same Yjs id are the same: they never change
 * their order. Content between two of these is compared as such, so that a copy of deleted content counts as that content.
 */
export function alignSequences(
  before: readonly RichPiece[],
  after: readonly RichPiece[],
  steps: Steps = comparisons(),
): SequenceStep[] {
  const [idsBefore, idsAfter] = [new IdSet(before), new IdSet(after)]
  const [old, next] = [new PieceQueue(before), new PieceQueue(after)]
  const found: SequenceStep[] = []
  let [gone, added]: [RichPiece[], RichPiece[]] = [[], []]
  const closeGap = (): void => {
    for (const step of alignByContent(gone, added, steps)) found.push(step)
    gone = []
    added = []
  }
  for (let [a, b] = [old.head, next.head]; a !== undefined || b !== undefined; [a, b] = [old.head, next.head]) {
    const seenA = a === undefined ? NOTHING : idsAfter.look(a)
    const seenB = b === undefined ? NOTHING : idsBefore.look(b)
    if (a !== undefined && (b === undefined || !seenA.isIn)) gone.push(old.take(seenA.length))
    else if (b !== undefined && (a === undefined || !seenB.isIn)) added.push(next.take(seenB.length))
    else if (a !== undefined && b !== undefined) {
      const length = Math.min(seenA.length, seenB.length)
      const [was, is] = [slicePiece(a, 0, length), slicePiece(b, 0, length)]
      if (isSameContent(was, is)) {
        closeGap()
        found.push({ op: 'keep', before: old.take(length), after: next.take(length) })
      } else {
        // Another history has used these ids: only the contents tell.
        gone.push(old.take(length))
        added.push(next.take(length))
      }
    }
  }
  closeGap()
  return found
}

const NOTHING = { isIn: false, length: 0 }

function isSameContent(a: RichPiece, b: RichPiece): boolean {
  if (a.client !== b.client || a.clock !== b.clock || a.text !== b.text) return false
  return a.value?.key === b.value?.key || isSameSort(a.value, b.value)
}

/** Pieces that are taken from the front, whole or in parts. */
class PieceQueue {
  readonly #pieces: readonly RichPiece[]
  #index = 0
  #taken = 0

  constructor(pieces: readonly RichPiece[]) {
    this.#pieces = pieces
  }

  /** The rest of the first piece. */
  get head(): RichPiece | undefined {
    const piece = this.#pieces[this.#index]
    return piece && slicePiece(piece, this.#taken, piece.length - this.#taken)
  }

  take(length: number): RichPiece {
    const piece = this.#pieces[this.#index] as RichPiece
    const part = slicePiece(piece, this.#taken, Math.min(length, piece.length - this.#taken))
    this.#taken += part.length
    if (this.#taken >= piece.length) {
      this.#index++
      this.#taken = 0
    }
    return part
  }

  /** Takes `length` positions, in as many parts as there are pieces. */
  *takeAll(length: number): Generator<RichPiece> {
    for (let left = length; left > 0; ) {
      const part = this.take(left)
      left -= part.length
      yield part
    }
  }
}

/** First of the characters that stand for values in a comparison. They are of the private use area, so that each is a word of its own. */
const STAND_IN = 0xe000
const STAND_INS = 0xf900 - STAND_IN

/** Aligns what has no ids in common: by the diff of texts, in which each value is one sign. */
function alignByContent(before: readonly RichPiece[], after: readonly RichPiece[], steps: Steps): SequenceStep[] {
  if (before.length === 0) return after.map((piece) => ({ op: 'add', piece }))
  if (after.length === 0) return before.map((piece) => ({ op: 'remove', piece }))
  const ranks = new Map<number, number>()
  const signsOf = (pieces: readonly RichPiece[]): string =>
    pieces.map(({ text, value }) => text ?? signOf(value?.key ?? -1, ranks)).join('')
  const [oldSigns, newSigns] = [signsOf(before), signsOf(after)]
  const [old, next] = [new PieceQueue(before), new PieceQueue(after)]
  const found: SequenceStep[] = []
  let at = 0
  const keep = (length: number): void => {
    for (let left = length; left > 0; ) {
      const [a, b] = [old.head as RichPiece, next.head as RichPiece]
      const part = Math.min(left, a.length, b.length)
      found.push(...pair(old.take(part), next.take(part)))
      left -= part
    }
  }
  for (const { index, remove, insert } of diffText(oldSigns, newSigns, steps)) {
    keep(index - at)
    for (const step of pairSorts([...old.takeAll(remove)], [...next.takeAll(insert.length)])) found.push(step)
    at = index + remove
  }
  keep(oldSigns.length - at)
  return found
}

function signOf(key: number, ranks: Map<number, number>): string {
  const rank = ranks.get(key) ?? ranks.size
  ranks.set(key, rank)
  return String.fromCharCode(STAND_IN + (rank % STAND_INS))
}

/** Two positions of the same sign. A character of the private use area may look like a value, and values beyond 6,400 like others. */
function pair(before: RichPiece, after: RichPiece): SequenceStep[] {
  if (before.text === after.text && before.value?.key === after.value?.key) return [{ op: 'keep', before, after }]
  return pairSorts([before], [after])
}

/** Keeps a type that has become another one of its sort: it is edited inside, so that concurrent edits in it stay. */
function pairSorts(before: readonly RichPiece[], after: readonly RichPiece[]): SequenceStep[] {
  const found: SequenceStep[] = []
  let from = 0
  for (const piece of after) {
    const match = isRichType(piece.value) ? findSort(before, from, piece) : -1
    if (match < 0) found.push({ op: 'add', piece })
    else {
      for (; from < match; from++) found.push({ op: 'remove', piece: before[from] as RichPiece })
      found.push({ op: 'keep', before: before[from++] as RichPiece, after: piece })
    }
  }
  for (; from < before.length; from++) found.push({ op: 'remove', piece: before[from] as RichPiece })
  return found
}

/** How far a type of the same sort is looked for: the search takes this long for each type. */
const SORTS_MAX = 1_000

function findSort(pieces: readonly RichPiece[], from: number, { value }: RichPiece): number {
  const end = Math.min(pieces.length, from + SORTS_MAX)
  for (let index = from; index < end; index++) if (isSameSort(pieces[index]?.value, value)) return index
  return -1
}
