import { type IndexingEntry, type MachineClaim, TASK } from '@joinery/blocks'
import { expect, it } from 'vitest'
import { indexWork, resourceWork } from './running-work.ts'

const run = { no: 1, id: 'r', source: 'workflow_execution' } as const
const entry = {
  index_name: 'main',
  run,
  status: 'processing',
  source: 'workflow_execution',
  actor: 'indexer',
  at: 1,
} as IndexingEntry
const task = {
  machine: 'task@1',
  name: 'board',
  run,
  status: 'running',
  source: 'resources',
  actor: 'joinery',
  at: 1,
} as unknown as MachineClaim
const machine = TASK as unknown as Parameters<typeof resourceWork>[1]

it('[E72] a running index tells who builds it, its step and how far it is', () => {
  const steps = { 'b/main': { run: 'r', done: 3, total: 10, note: 'chunks' } }
  expect(indexWork('b', entry, steps)).toMatchObject({
    actor: 'indexer',
    isPerson: false,
    what: 'Index main, chunks',
    amount: '3 of 10',
    share: 0.3,
    why: undefined,
  })
  expect(indexWork('b', { ...entry, progress: 0.5 }, {})).toMatchObject({ what: 'Index main', amount: '50 %' })
  // A step of an earlier run says nothing about this one.
  expect(indexWork('b', entry, { 'b/main': { run: 'old', done: 9 } })).toMatchObject({ amount: '', share: undefined })
  expect(indexWork('b', { ...entry, status: 'done' }, steps)).toBeUndefined()
})

it('[E72] an index that a person asked for waits for a worker until one says a step', () => {
  const asked = { ...entry, source: 'user_action', actor: 'ann' } as const
  expect(indexWork('b', asked, {})).toMatchObject({ actor: 'ann', isPerson: true, why: 'waits for a worker' })
  expect(indexWork('b', asked, { 'b/main': { run: 'r', done: 0 } })?.why).toBeUndefined()
})

it('[E72] a task tells its step and why it waits, and is gone at its end', () => {
  const detail = { saga: 'publish', step: 'upload' }
  expect(resourceWork({ ...task, detail, progress: 1, total: 4 } as MachineClaim, machine)).toMatchObject({
    actor: 'publish',
    isPerson: false,
    what: 'upload',
    amount: '1 of 4',
    share: 0.25,
  })
  const stalled = { since: 1, why: 'no worker has this step' }
  expect(resourceWork({ ...task, stalled } as MachineClaim, machine)?.why).toBe('no worker has this step')
  expect(resourceWork({ ...task, status: 'done' } as MachineClaim, machine)).toBeUndefined()
})
