import type { HistoryRecord } from '@joinery/client'
import { expect, it } from 'vitest'
import { deedOf, sessionsOf } from './sessions.ts'

const record = (lsn: number, atS: number, actor: string, ...touched: string[]): HistoryRecord => {
  return { lsn, at: atS * 1_000, actor, source: 'user_action', connection: 'c', touched, bytes: 1 }
}

it('[P4] sessions join what one writer wrote in one part, and part by pause, writer and part', () => {
  const sessions = sessionsOf([
    record(1, 0, 'ada', 'b/content'),
    record(2, 20, 'ada', 'b/content'),
    record(3, 60, 'ada', 'b/content'),
    record(4, 61, 'bob', 'b/content'),
    record(5, 62, 'ada', 'b/content'),
    record(6, 63, 'ada', 'c/content'),
    record(7, 64, 'ada', 'c/indexingList/main'),
    record(8, 65, 'ada', 'c/indexingList/main'),
    record(9, 66, 'ada', 'c'),
    record(10, 67, 'ada', 'c'),
  ])
  const spans = sessions.map(({ first, last }) => [first, last])
  expect(spans).toEqual([
    ...[1, 3, 4, 5, 6, 7, 9, 10].map((first) => [first, first === 1 ? 2 : first === 7 ? 8 : first]),
  ])
})

it('[P4] a step says what was done, in one clause', () => {
  const deeds = [['b/content'], ['b/indexingList/main'], ['b'], ['b/content', 'c/content'], ['edges/e'], []].map(
    (touched) => sessionsOf([record(1, 0, 'ada', ...touched)]).map((session) => deedOf(session, () => 'Plan')),
  )
  const [pruning] = sessionsOf([{ ...record(1, 0, 'joinery', 'b/indexingList/main'), source: 'server' }])
  expect(pruning && deedOf(pruning, () => 'Plan')).toBe('removed reports that had come too late')
  expect(deeds.flat()).toEqual([
    'wrote in “Plan”',
    'reported on an index of “Plan”',
    'made, replaced or deleted “Plan”',
    'changed 2 blocks',
    'changed an edge',
    'wrote',
  ])
})

it('[P4] steps in a root type of an application’s own are joined like those in a text, and are no new blocks', () => {
  const records = ['prosemirror', 'prosemirror', 'b'].map((path, at) => record(at + 1, at, 'ada', path))
  const isRoot = (name: string): boolean => name === 'prosemirror'
  const sessions = sessionsOf(records, isRoot)
  expect(sessions.map(({ first, last }) => [first, last])).toEqual([
    [1, 2],
    [3, 3],
  ])
  expect(sessions.map((session) => deedOf(session, () => 'Plan', isRoot))).toEqual([
    'edited “prosemirror”',
    'made, replaced or deleted “Plan”',
  ])
})

it('[P11] a step that sets fields is told as what a person does to a block', () => {
  const [step] = sessionsOf([record(1, 0, 'ada', 'b/fields')])
  expect(step && deedOf(step, () => 'Plan')).toBe('renamed, moved or changed a detail of “Plan”')
})
