import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const SIGNED = 'PUT https://b.example/k?X-Amz-Signature=0a1b2c&n=1 failed'
const CLEAN = 'PUT https://b.example/k?X-Amz-Signature=[secret]&n=1 failed'
const saga = sagaOf('upload', ['send'])

it('[H128] words of a worker have no secrets in its task, its journal and its document', async () => {
  await using scene = await TaskFixture.start()
  await scene.announce(saga)
  await scene.call('PUT', '/blocks/order', { type: 'order' })
  const { task } = (await scene.call('POST', '/tasks', { saga: 'upload' })).body
  const first = await scene.leaseOne(saga)
  await scene.tell(first, 'beat', { progress: 1, note: SIGNED })
  const seen = async () => (await scene.call('GET', `/v1/tasks/${task.id}`)).body.task.steps[0]
  expect((await seen()).progress).toMatchObject({ note: CLEAN })
  await scene.tell(first, 'failed', { error: SIGNED, class: 'transient' })
  expect((await seen()).error).toMatchObject({ message: CLEAN })
  await scene.call('POST', '/blocks/order/statuses/sync@1/crm/runs', { runId: 'r1' })
  const second = await scene.leaseOne(saga)
  const report = { op: 'reportStatus', block: 'order', machine: 'sync@1', name: 'crm', run: 'r1' }
  const stalled = { since: 1, why: SIGNED }
  await scene.tell(second, 'done', {
    result: SIGNED,
    operations: [
      { ...report, status: 'syncing', stalled },
      { ...report, status: 'syncing', detail: { id: 7, all: [{ url: SIGNED }] } },
      { ...report, status: 'failed', error: SIGNED, detail: { id: 7, all: [{ url: SIGNED }] } },
    ],
  })
  const { entry } = (await scene.call('GET', '/blocks/order/statuses/sync@1/crm')).body
  expect(entry).toMatchObject({ status: 'failed', error: CLEAN, detail: { id: 7, all: [{ url: CLEAN }] } })
  expect((await seen()).result).toBe(CLEAN)
  // The stream tells the journal from its begin, and ends with the task.
  const { text } = await scene.call('GET', `/tasks/${task.id}/events`, undefined, { accept: 'text/event-stream' })
  expect(text).toContain('[secret]')
  expect(text).not.toContain('0a1b2c')
})

it('[H128] a later step is given the result as it is, and a run its details', async () => {
  await using scene = await TaskFixture.start()
  const two = sagaOf('two', ['send', 'use'])
  await scene.announce(two)
  await scene.call('PUT', '/blocks/order', { type: 'order' })
  await scene.call('POST', '/blocks/order/statuses/sync@1/crm/runs', { runId: 'r1', detail: { url: SIGNED } })
  expect((await scene.call('GET', '/blocks/order/statuses/sync@1/crm')).body.entry.detail).toEqual({ url: SIGNED })
  await scene.call('POST', '/tasks', { saga: 'two' })
  await scene.tell(await scene.leaseOne(two), 'done', { result: { url: SIGNED } })
  expect((await scene.leaseOne(two)).results).toEqual({ send: { url: SIGNED } })
})

it('[H128] nor have those of a job that reports by itself', async () => {
  await using scene = await TaskFixture.start()
  await scene.call('PUT', '/blocks/note', { type: 'text' })
  const about = { block: 'note', index: 'main' }
  const operations = [
    { op: 'startRun', ...about, runId: 'r1' },
    { op: 'report', ...about, run: 'r1', status: 'error', error: SIGNED },
  ]
  expect((await scene.call('POST', '/transactions', { operations })).status).toBe(200)
  expect(JSON.stringify((await scene.call('GET', '/blocks/note')).body)).toContain(CLEAN)
})
