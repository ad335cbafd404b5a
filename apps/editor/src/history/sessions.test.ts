import type { HistoryRecord } from '@joinery/client'
import { expect, it } from 'vitest'
import { lastTouches } from './gone-titles.ts'
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
  const told = (...fields: string[]) =>
    sessionsOf([{ ...record(1, 0, 'ada', 'b/fields'), fields }]).map((step) => deedOf(step, () => 'Plan'))[0]
  expect(told()).toBe('renamed, moved or changed a detail of “Plan”')
  expect(told('position')).toBe('moved “Plan”')
  expect(told('title', 'owner')).toBe('renamed and changed “owner” of “Plan”')
  expect(told('title', 'place', 'size')).toBe('renamed, moved in the list and resized “Plan”')
  expect(told('comment:1', 'comment:2')).toMatch(/“Plan”$/)
  expect(told('constructor')).toBe('changed “constructor” of “Plan”')
})

it('[P4, P11] moves are one step, and a rename between them begins another', () => {
  const moves = ['position', 'position', 'title', 'position'].map((field, at) => ({
    ...record(at + 1, at, 'ada', 'b/fields'),
    fields: [field],
  }))
  expect(sessionsOf(moves).map(({ first, last }) => [first, last])).toEqual([
    [1, 2],
    [3, 3],
    [4, 4],
  ])
})

it('[P11] a step tells a block or an edge that was made from one that was deleted, and a run from a person', () => {
  const told = (writes: boolean, source: string, title: string | undefined, ...touched: string[]) =>
    sessionsOf([{ ...record(1, 0, 'ada', ...touched), writes, source }]).map((step) => deedOf(step, () => title))[0]
  expect(told(true, 'user_action', 'Plan', 'b', 'b/fields')).toBe('made “Plan”')
  expect(told(true, 'user_action', undefined, 'b')).toBe('made a block that is gone')
  expect(told(false, 'user_action', undefined, 'b', 'edges/e')).toBe('deleted a block')
  expect(told(false, 'user_action', 'Plan', 'b')).toBe('deleted “Plan”')
  expect(told(false, 'user_action', undefined, 'b', 'c')).toBe('deleted 2 blocks')
  expect(told(true, 'user_action', 'Plan', 'b', 'c/fields')).toBe('changed 2 blocks')
  expect(told(true, 'user_action', undefined, 'edges/e')).toBe('connected two blocks')
  expect(told(false, 'user_action', undefined, 'edges/e')).toBe('cut an edge')
  expect(told(true, 'workflow_execution', 'Plan', 'b/content')).toBe('wrote the text of “Plan”')
})

it('[P13] a block that is gone is told by the title that it had', () => {
  const told = (writes: boolean, ...touched: string[]) =>
    sessionsOf([{ ...record(1, 0, 'ada', ...touched), writes }]).map((step) =>
      deedOf(
        step,
        () => undefined,
        () => false,
        () => 'Plan',
      ),
    )[0]
  expect(told(false, 'b', 'edges/e')).toBe('deleted “Plan”')
  expect(told(true, 'b', 'b/fields')).toBe('made “Plan”, deleted since')
  expect(told(true, 'b/content')).toBe('wrote in “Plan”, deleted since')
})

it('[P13] the title of a block that is gone is looked for before the step that deleted it, once for each block', () => {
  const steps = sessionsOf([
    { ...record(1, 0, 'ada', 'b'), writes: true },
    { ...record(2, 1, 'ada', 'b/content'), writes: true },
    { ...record(3, 2, 'ada', 'b', 'edges/e'), writes: false },
    { ...record(4, 3, 'ada', 'c'), writes: true },
    { ...record(5, 4, 'ada', 'd'), writes: true },
    // A restore took it away, among others.
    { ...record(6, 5, 'ada', 'd', 'f', 'c/content'), writes: true },
    { ...record(7, 6, 'ada', 'g', 'h'), writes: false },
  ])
  expect(lastTouches(steps, (id) => id !== 'c')).toEqual([
    { id: 'b', points: [2] },
    { id: 'd', points: [6, 5] },
  ])
})
