import type { Steps } from '../token-search.ts'
import { alignSequences, comparisons, type SequenceStep } from './align.ts'
import { emptiedOf, isRichType, isSameSort, type RichType, type RichValue } from './rich-type.ts'

/** The differences of two types of one sort, at every depth. The types were read by one reader. */
export interface TypeDiff {
  readonly before: RichType
  readonly after: RichType
  readonly entries: readonly EntryDiff[]
  /** From the sequence before to the one after; empty where they are the same. */
  readonly steps: readonly SequenceStep[]
  /** Comparisons that are left for the differences inside. */
  readonly budget: Steps
}

/** A key whose value was set, replaced or removed, or was edited inside. */
export interface EntryDiff {
  readonly key: string
  readonly before: RichValue | undefined
  readonly after: RichValue | undefined
}

/** The differences of two types; undefined if they show the same. `budget` bounds the comparisons, those inside children too. */
export function diffTypes(before: RichType, after: RichType, budget: Steps = comparisons()): TypeDiff | undefined {
  if (before.key === after.key) return undefined
  const entries = [...new Set([...before.entries.keys(), ...after.entries.keys()])]
    .sort()
    .flatMap((key): EntryDiff[] => {
      const [was, is] = [before.entries.get(key), after.entries.get(key)]
      return was?.key === is?.key ? [] : [{ key, before: was, after: is }]
    })
  return { before, after, entries, steps: sequenceSteps(before, after, budget), budget }
}

/** The differences between two values that can be edited into each other; undefined for other values. */
export function innerDiff(
  before: RichValue | undefined,
  after: RichValue | undefined,
  budget?: Steps,
): TypeDiff | undefined {
  if (!isSameSort(before, after) || !isRichType(before) || !isRichType(after)) return undefined
  return diffTypes(before, after, budget)
}

/** The differences between nothing and a new type. */
export function fillOf(type: RichType): TypeDiff {
  const before = emptiedOf(type)
  const entries = [...type.entries].map(([key, after]): EntryDiff => ({ key, before: undefined, after }))
  return {
    before,
    after: type,
    entries,
    steps: type.pieces.map((piece) => ({ op: 'add', piece })),
    budget: comparisons(),
  }
}

function sequenceSteps(before: RichType, after: RichType, budget: Steps): SequenceStep[] {
  return hasSameContent(before, after) ? [] : alignSequences(before.pieces, after.pieces, budget)
}

/**
 * True if two sequences show the same. Copies of deleted content have other ids than it: "aa" may be the second letter of
 * before and a copy of the first, so that ids alone would make edits of nothing.
 */
function hasSameContent({ pieces: a }: RichType, { pieces: b }: RichType): boolean {
  let [i, j, atA, atB] = [0, 0, 0, 0]
  while (i < a.length && j < b.length) {
    const [x, y] = [a[i], b[j]]
    if (x === undefined || y === undefined || x.marks.key !== y.marks.key || x.value?.key !== y.value?.key) return false
    const length = Math.min(x.length - atA, y.length - atB)
    if (x.text?.slice(atA, atA + length) !== y.text?.slice(atB, atB + length)) return false
    atA += length
    atB += length
    if (atA === x.length) [i, atA] = [i + 1, 0]
    if (atB === y.length) [j, atB] = [j + 1, 0]
  }
  return i === a.length && j === b.length
}
