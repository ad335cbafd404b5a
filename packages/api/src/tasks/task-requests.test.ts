import { TASK } from '@joinery/blocks'
import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const saga = sagaOf('make', ['first', 'second'])
const RUNS = '/blocks/board/statuses/task@1/template/runs'
const ada = { 'x-joinery-actor': 'Ada' }

async function fixtureWithBoard(): Promise<TaskFixture> {
  const fixture = await TaskFixture.start()
  await fixture.announce(saga)
  await fixture.call('PUT', '/blocks/board', { type: 'board' })
  return fixture
}
const tasksIn = async (fixture: TaskFixture) => (await fixture.call('GET', '/tasks')).body.tasks
const entryIn = async (fixture: TaskFixture) =>
  (await fixture.call('GET', '/blocks/board/statuses/task@1/template')).body.entry
const ask = (fixture: TaskFixture, runId: string, detail: object = { saga: 'make', input: { n: 1 } }) =>
  fixture.call('POST', RUNS, { runId, detail }, ada)

it('[H105] a new run of task@1 with a saga starts one task, which reports on that run', async () => {
  await using fixture = await fixtureWithBoard()
  expect((await ask(fixture, 'mine')).status).toBe(201)
  await expect
    .poll(() => tasksIn(fixture))
    .toMatchObject([{ saga: 'make', by: 'Ada', subject: { block: 'board', name: 'template' } }])
  const [{ id }] = await tasksIn(fixture)
  expect((await fixture.call('GET', `/v1/tasks/${id}`)).body.task.input).toEqual({ n: 1 })
  await fixture.work(id, saga)
  await expect.poll(() => entryIn(fixture)).toMatchObject({ status: 'done', task: id, run: { no: 1, id: 'mine' } })
  // "Try again": a new run, and so a new task.
  await ask(fixture, 'again')
  await expect.poll(async () => (await tasksIn(fixture)).length).toBe(2)
  const [newest] = (await fixture.call('GET', '/tasks?state=queued')).body.tasks
  await fixture.work(newest.id, saga)
  await expect
    .poll(() => entryIn(fixture))
    .toMatchObject({ status: 'done', task: newest.id, run: { no: 2, id: 'again' } })
})

it('[H105] other edits of statuses, and runs without a saga, ask for nothing', async () => {
  await using fixture = await fixtureWithBoard()
  await ask(fixture, 'none', {})
  await fixture.call('POST', '/blocks/board/statuses/file@1/f/runs', { runId: 'f', detail: { saga: 'make' } }, ada)
  await fixture.call('PATCH', '/blocks/board', { content: 'saga' })
  await ask(fixture, 'one')
  await expect.poll(async () => (await tasksIn(fixture)).length).toBe(1)
  const [{ id }] = await tasksIn(fixture)
  // Somebody else's edits of the same block while the run stands.
  await fixture.call('POST', '/blocks/board/statuses/task@1/other/runs', { runId: 'x' }, ada)
  await fixture.work(id, saga)
  expect(await tasksIn(fixture)).toHaveLength(1)
})

it('[H105] no second task is started while one of the same subject is open, and that one reports on the new run', async () => {
  await using fixture = await fixtureWithBoard()
  await ask(fixture, 'one')
  await expect.poll(async () => (await entryIn(fixture))?.task).toBeDefined()
  await ask(fixture, 'two')
  const [{ id }] = await tasksIn(fixture)
  await expect.poll(() => entryIn(fixture)).toMatchObject({ run: { id: 'two' }, task: id })
  await fixture.work(id, saga)
  await expect.poll(() => entryIn(fixture)).toMatchObject({ run: { id: 'two' }, status: 'done', task: id })
  expect(await tasksIn(fixture)).toHaveLength(1)
})

it.each([
  ['a saga that nobody serves', { saga: 'nobody' }, /nobody/],
  ['an input of more than its bound', { saga: 'bounded', input: 5 }, /input/],
])('[H105] a request with %s shows as a failed run', async (_, detail, message) => {
  await using fixture = await fixtureWithBoard()
  await fixture.announce(sagaOf('bounded', ['one'], { inputSchema: { type: 'string' } }))
  await ask(fixture, 'wrong', detail)
  await expect
    .poll(() => entryIn(fixture))
    .toMatchObject({
      status: 'failed',
      run: { id: 'wrong' },
      source: 'resources',
      error: expect.stringMatching(message),
    })
  expect((await fixture.call('GET', '/tasks')).body.tasks).toEqual([])
})

it('[H106] a report of a person with `cancel` on the run of a task cancels it', async () => {
  await using fixture = await fixtureWithBoard()
  await ask(fixture, 'mine')
  await expect.poll(async () => (await entryIn(fixture))?.task).toBeDefined()
  const work = await fixture.leaseOne(saga)
  await fixture.tell(work, 'done')
  const { task } = await entryIn(fixture)
  const report = { status: TASK.table.starts[1], task, detail: { cancel: true } }
  expect((await fixture.call('POST', `${RUNS}/mine/reports`, report, ada)).status).toBeLessThan(300)
  await expect.poll(async () => (await fixture.call('GET', `/v1/tasks/${task}`)).body.task.isCanceling).toBe(true)
  await fixture.work(task, saga)
  await expect.poll(() => entryIn(fixture)).toMatchObject({ status: 'canceled', run: { id: 'mine' } })
})

it('[H106] it cancels no task of another subject', async () => {
  await using fixture = await fixtureWithBoard()
  const { id } = (await fixture.call('POST', '/tasks', { saga: 'make', subject: { block: 'board', name: 'other' } }))
    .body.task
  await ask(fixture, 'mine')
  await expect.poll(async () => (await entryIn(fixture))?.task).toBeDefined()
  const report = { status: TASK.table.starts[1], task: id, detail: { cancel: true } }
  await fixture.call('POST', `${RUNS}/mine/reports`, report, ada)
  const own = (await tasksIn(fixture)).find((task: { id: string }) => task.id !== id)
  await fixture.work(own.id, saga, ({ task }) => ({ result: task }))
  expect((await fixture.call('GET', `/v1/tasks/${id}`)).body.task.isCanceling).toBe(false)
})
