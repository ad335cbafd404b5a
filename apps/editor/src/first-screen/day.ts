import type { SmallBoard } from './small-board.ts'

/** The sentence that is typed for visitors who only watch. */
export const SENTENCE = ' Leave room for wood that moves.'

export interface Happening {
  /** When it happens, ms after the start. */
  readonly at: number
  /** Said under the boards when it happens. */
  readonly words?: string
  readonly act: (boards: readonly SmallBoard[], memory: Map<SmallBoard, () => void>) => void
}

/** The rewriter's new text for a text that it read. */
export function rewritten(text: string): string {
  return text.includes('cut to length') ? text.replace('cut to length', 'planed and cut to length') : `Revised: ${text}`
}

const report = (by: 'indexer' | 'poller', status: 'processing' | 'done') => (boards: readonly SmallBoard[]) => {
  for (const board of boards) board.report(by, status)
}

/** Time until everything has happened and has reached every replica, ms: half of what a visitor waits at most. */
export const DAY_MS = 9_000

/** The events of both boards, the same on each and at the same times. Someone types between 1 and 5 s. */
export const DAY: readonly Happening[] = [
  {
    at: 500,
    words: 'A rewriting job reads the text, and asks a slow model.',
    act: (boards, memory) => {
      for (const board of boards) memory.set(board, board.beginRewrite(rewritten))
    },
  },
  {
    at: 900,
    words: 'You start an index.',
    act: (boards) => {
      for (const board of boards) board.startIndex()
    },
  },
  { at: 1_300, act: report('indexer', 'processing') },
  { at: 2_600, words: 'The index is done.', act: report('indexer', 'done') },
  { at: 3_400, words: 'A poller reports what it saw two seconds ago.', act: report('poller', 'processing') },
  { at: 4_200, act: report('indexer', 'done') },
  { at: 5_000, act: report('poller', 'processing') },
  { at: 5_800, act: report('indexer', 'done') },
  {
    at: 6_600,
    words: 'The rewriting job writes its new text.',
    act: (_boards, memory) => {
      for (const write of memory.values()) write()
    },
  },
  { at: 7_400, words: 'The poller reports once more, and late.', act: report('poller', 'processing') },
]
