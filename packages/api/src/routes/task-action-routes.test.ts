import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const hello = sagaOf('hello', ['greet', 'part'])

async function startedTask(
  fixture: TaskFixture,
  saga = hello,
  input: unknown = null,
): Promise<{ id: string; path: string }> {
  await fixture.lease([saga])
  const { body } = await fixture.call('POST', '/tasks', { saga: saga.name, input })
  return { id: body.task.id, path: body.task.links.self }
}

it('[H94] a canceled task takes back what it has done; to cancel it again changes nothing, and an ended one is not_cancelable', async () => {
  await using fixture = await TaskFixture.start()
  const { id, path } = await startedTask(fixture)
  await fixture.tell(await fixture.leaseOne(hello), 'done', { result: 'hi' })
  const canceled = await fixture.call('POST', `${path}/cancel`)
  expect([canceled.status, canceled.body.task.state, canceled.body.task.isCanceling]).toEqual([
    202,
    'compensating',
    true,
  ])
  expect((await fixture.call('POST', `${path}/cancel`, {})).status).toBe(202)
  const undone: unknown[] = []
  const ended = await fixture.work(id, hello, ({ kind, step, result }) => {
    undone.push([kind, step, result])
    return {}
  })
  expect(undone).toEqual([['undo', 'greet', 'hi']])
  expect(ended.body.task).toMatchObject({ state: 'canceled', steps: [{ state: 'compensated' }, { state: 'pending' }] })
  const again = await fixture.call('POST', `${path}/cancel`)
  expect([again.status, again.body.error.code]).toEqual([409, 'not_cancelable'])
})

it('[H94] a task that failed goes on with the step that failed, and one that did not is not_retryable', async () => {
  await using fixture = await TaskFixture.start()
  const saga = sagaOf('wait', [
    { name: 'first', kind: 'step' },
    { name: 'second', kind: 'step', onFailure: 'wait' },
  ])
  const { id, path } = await startedTask(fixture, saga)
  await fixture.tell(await fixture.leaseOne(saga), 'done', { result: 1 })
  const none = await fixture.call('POST', `${path}/retry`)
  expect([none.status, none.body.error.code]).toEqual([409, 'not_retryable'])
  const work = await fixture.leaseOne(saga)
  await fixture.tell(work, 'failed', { error: 'the key is missing', class: 'permanent' })
  const held = await fixture.call('GET', path)
  expect(held.body.task).toMatchObject({
    waiting: { code: 'operator' },
    steps: [{ state: 'done' }, { state: 'failed' }],
  })
  expect((await fixture.call('POST', `${path}/retry`)).status).toBe(202)
  const again = await fixture.leaseOne(saga)
  expect([again.step, again.results, again.key]).toEqual(['second', { first: 1 }, work.key])
  await fixture.tell(again, 'failed', { error: 'still', class: 'permanent' })
  const skipped = await fixture.call('POST', `${path}/skip`, { step: 'second', result: 2 })
  expect(skipped.status).toBe(202)
  expect((await fixture.work(id, saga)).body.task).toMatchObject({ state: 'done', results: { first: 1, second: 2 } })
  expect((await fixture.call('POST', `${path}/skip`, { step: 'nothing' })).body.error.code).toBe('invalid')
})

it('[H94] a terminated task ends at once and takes nothing back', async () => {
  await using fixture = await TaskFixture.start()
  const { path } = await startedTask(fixture)
  const work = await fixture.leaseOne(hello)
  const { status, body } = await fixture.call('POST', `${path}/terminate`)
  expect([status, body.task.state, body.task.error.message]).toEqual([
    202,
    'canceled',
    expect.stringContaining('nothing was taken back'),
  ])
  expect((await fixture.tell(work, 'done')).body.error.code).toBe('lease_lost')
  expect(await fixture.lease([hello])).toEqual([])
  expect((await fixture.call('POST', `${path}/terminate`)).body.error.code).toBe('not_cancelable')
})

it('[H95] a signal is kept until a step waits for it, and one of an id counts once', async () => {
  await using fixture = await TaskFixture.start()
  const saga = sagaOf('signals', ['ask', { name: 'approved', kind: 'signal' }, 'use'])
  const { id, path } = await startedTask(fixture, saga)
  const sent = { id: 'once', payload: { by: 'Ada' } }
  expect((await fixture.call('POST', `${path}/signals/approved`, sent)).status).toBe(202)
  expect(
    (await fixture.call('POST', `${path}/signals/approved`, { payload: 2 }, { 'idempotency-key': 'once' })).status,
  ).toBe(202)
  const results: unknown[] = []
  const done = await fixture.work(id, saga, (work) => {
    results.push(work.results)
    return { result: work.step }
  })
  expect(results.at(-1)).toEqual({ ask: 'ask', approved: { by: 'Ada' } })
  expect(done.body.task.state).toBe('done')
  const late = await fixture.call('POST', `${path}/signals/approved`, { payload: 3 })
  expect([late.status, late.body.error.code]).toEqual([409, 'already_done'])
})
