import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const saga = sagaOf('payment@1', ['sync'])
const RUNS = '/blocks/order/statuses/payment@1/deposit/runs'
const ada = { 'x-joinery-actor': 'Ada' }

async function fixtureWithOrder(): Promise<TaskFixture> {
  const fixture = await TaskFixture.start({ adapters: ['payment@1'] })
  await fixture.announce(saga, sagaOf('other', ['sync']))
  await fixture.call('PUT', '/blocks/order', { type: 'order' })
  return fixture
}
const tasksIn = async (fixture: TaskFixture) => (await fixture.call('GET', '/tasks')).body.tasks
const entryIn = async (fixture: TaskFixture) =>
  (await fixture.call('GET', '/blocks/order/statuses/payment@1/deposit')).body.entry
const report = (run: object, status: string, more: object = {}) => ({
  operations: [{ op: 'reportStatus', block: 'order', machine: 'payment@1', name: 'deposit', ...run, status, ...more }],
})

it('[H111] a run of a machine with an adapter starts its task once, which speaks for the provider', async () => {
  await using fixture = await fixtureWithOrder()
  expect((await fixture.call('POST', RUNS, { runId: 'r1', detail: { amount: 5 } }, ada)).status).toBe(201)
  const work = await fixture.leaseOne(saga)
  expect(work).toMatchObject({
    saga: 'payment@1',
    input: { block: 'order', name: 'deposit', run: { no: 1, id: 'r1', source: 'user_action' }, detail: { amount: 5 } },
  })
  // An edit that touches the same statuses asks for nothing more.
  await fixture.call('POST', '/blocks/order/statuses/payment@1/rest/runs', { runId: 'other' }, ada)
  await fixture.tell(work, 'done', report({ run: 'r1', started: { no: 1, source: 'user_action' } }, 'captured'))
  expect(await entryIn(fixture)).toMatchObject({ status: 'captured', source: 'provider', run: { id: 'r1' } })
  await expect.poll(async () => (await tasksIn(fixture)).length).toBe(2)
})

it('[H111] a report goes to the run of its number that stands, and one on a resource that is gone is left out', async () => {
  await using fixture = await fixtureWithOrder()
  await fixture.call('POST', RUNS, { runId: 'r1' }, ada)
  const work = await fixture.leaseOne(saga)
  // The other tab's run of the same number stands.
  const run = { run: 'of-another-tab', started: { no: 1, source: 'user_action' } }
  expect((await fixture.tell(work, 'done', report(run, 'processing'))).status).toBe(204)
  expect(await entryIn(fixture)).toMatchObject({ status: 'processing', run: { id: 'r1' } })
  await fixture.call('POST', RUNS.replace('deposit', 'rest'), { runId: 'r2' }, ada)
  const second = await fixture.leaseOne(saga)
  await fixture.call('DELETE', '/blocks/order')
  expect((await fixture.tell(second, 'done', report(run, 'captured'))).status).toBe(204)
  await expect.poll(async () => (await tasksIn(fixture))[0].state).toBe('done')
})

it('[H111] a late report on an earlier run does not show, and no other saga speaks for the provider', async () => {
  await using fixture = await fixtureWithOrder()
  await fixture.call('POST', RUNS, { runId: 'r1' }, ada)
  const first = await fixture.leaseOne(saga)
  await fixture.call('POST', RUNS, { runId: 'r2' }, ada)
  const second = await fixture.leaseOne(saga)
  await fixture.tell(second, 'done', report({ run: 'r2', started: { no: 2, source: 'user_action' } }, 'authorized'))
  await fixture.tell(first, 'done', report({ run: 'r1', started: { no: 1, source: 'user_action' } }, 'captured'))
  expect(await entryIn(fixture)).toMatchObject({ status: 'authorized', run: { id: 'r2', no: 2 } })
  const other = sagaOf('other', ['sync'])
  await fixture.call('POST', '/tasks', { saga: 'other' })
  const forged = await fixture.leaseOne(other)
  expect((await fixture.tell(forged, 'done', report({ run: 'r2' }, 'captured'))).status).toBeGreaterThanOrEqual(400)
  expect(await entryIn(fixture)).toMatchObject({ status: 'authorized' })
})

it('[H111] a batch of an adapter starts the runs of a thousand resources in one write, and no other saga that many', async () => {
  await using fixture = await TaskFixture.start({ adapters: ['payment@1'] })
  const [batch, other] = [sagaOf('payment@1.batch', ['begin']), sagaOf('other', ['begin'])]
  await fixture.announce(batch, other)
  await fixture.call('PUT', '/blocks/order', { type: 'order' })
  const operations = Array.from({ length: 1_000 }, (_, n) => {
    return { op: 'startStatus', block: 'order', machine: 'payment@1', name: `p${n}`, runId: `r${n}` }
  })
  for (const [saga, expected] of [
    [other, 422],
    [batch, 204],
  ] as const) {
    await fixture.call('POST', '/tasks', { saga: saga.name })
    const work = await fixture.leaseOne(saga)
    expect((await fixture.tell(work, 'done', { operations })).status, saga.name).toBe(expected)
  }
  const { entry } = (await fixture.call('GET', '/blocks/order/statuses/payment@1/p999')).body
  expect(entry).toMatchObject({ run: { id: 'r999' } })
})
