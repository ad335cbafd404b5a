import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { DAY, DAY_MS, SENTENCE } from './day.ts'
import { joineryBoard } from './joinery-board.ts'
import { lastWriterBoard } from './last-writer-board.ts'
import { LAG_MS } from './parties.ts'
import type { SmallBoard } from './small-board.ts'
import { lostWords, watchBoard } from './watched-board.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Plays the day on one board, with the sentence typed letter by letter between the read and the write of the rewriter. */
function play(board: SmallBoard) {
  const watched = watchBoard(board, () => SENTENCE)
  const memory = new Map<SmallBoard, () => void>()
  const statuses: (string | undefined)[] = []
  board.subscribe(() => {
    const { status } = watched.look()
    if (statuses.at(-1) !== status) statuses.push(status)
  })
  for (const { at, act } of DAY) setTimeout(() => act([board], memory), at)
  const start = board.text().length
  for (const [at, letter] of [...SENTENCE].entries()) {
    setTimeout(() => board.type([{ index: start + at, remove: 0, insert: letter }]), 1_200 + at * 90)
  }
  vi.advanceTimersByTime(DAY_MS)
  const { lost, stepsBack } = watched.look()
  board.close()
  return { text: board.text(), statuses, lost, stepsBack }
}

it('[E48] where the last writer wins, the day loses the sentence, and the status goes back', () => {
  const { text, statuses, lost, stepsBack } = play(lastWriterBoard())
  expect(text).toBe('Oak boards, planed and cut to length.')
  expect(lost).toEqual(['Leave', 'room', 'for', 'wood', 'that', 'moves.'])
  expect(statuses.filter((status) => status !== undefined)).toEqual([
    'processing',
    'done',
    'processing',
    'done',
    'processing',
    'done',
    'processing',
  ])
  expect(stepsBack).toBe(3)
})

it('[E48] on Joinery the same day keeps the sentence and the job’s words, and the status stays done', () => {
  const { text, statuses, lost, stepsBack } = play(joineryBoard())
  expect(text).toBe(`Oak boards, planed and cut to length.${SENTENCE}`)
  expect(lost).toEqual([])
  expect(statuses.filter((status) => status !== undefined)).toEqual(['processing', 'done'])
  expect(stepsBack).toBe(0)
})

it('[E48] everything has happened, and has arrived, before the end of the day, well within 15 seconds', () => {
  expect(Math.max(...DAY.map(({ at }) => at)) + LAG_MS).toBeLessThan(DAY_MS)
  expect(DAY_MS).toBeLessThan(15_000)
})

it('[E48] a lost word is one that is missing, not one that stands elsewhere or in another word', () => {
  expect(lostWords('a fine day', 'day fine, a')).toEqual([])
  expect(lostWords('fine fine', 'fine')).toEqual([])
  expect(lostWords('left right', 'right')).toEqual(['left'])
  expect(lostWords('  ', '')).toEqual([])
})
