import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const NAMES = ['payment@1', 'payment@1.observe', 'joinery.upload']
const OWN = NAMES.map((name) => sagaOf(name, ['one']))
const FORGED = { block: 'order', name: 'deposit', externalId: 'pi_of_somebody_else', observed: { status: 'captured' } }

async function fixture(): Promise<TaskFixture> {
  const ownWork = { token: 'own', sagas: ['payment@1', 'joinery.upload'] }
  const worker = { authorization: 'Bearer own' }
  const started = await TaskFixture.start({ adapters: ['payment@1'], ownWork, worker })
  await started.announce(...OWN, sagaOf('payment@1.batch', ['one']), sagaOf('payment@10', ['one']))
  return started
}

it('[H127] nobody starts a saga of an adapter or of the server by a request', async () => {
  await using scene = await fixture()
  for (const saga of NAMES) {
    const { status, body } = await scene.call('POST', '/tasks', { saga, input: FORGED })
    expect({ saga, status, code: body.error.code }).toEqual({ saga, status: 422, code: 'unknown_saga' })
    expect(body.error.message).toContain('started by the server alone')
  }
  for (const saga of ['payment@1.batch', 'payment@10']) {
    expect((await scene.call('POST', '/tasks', { saga })).status, saga).toBe(202)
  }
})

it('[H127] nor by an edit of a document', async () => {
  await using scene = await fixture()
  await scene.call('PUT', '/blocks/order', { type: 'order' })
  for (const saga of NAMES) {
    const run = { runId: `of-${saga}`, detail: { saga, input: FORGED } }
    const name = saga.replaceAll(/[^a-z]/g, '-')
    const path = `/blocks/order/statuses/task@1/${name}`
    expect((await scene.call('POST', `${path}/runs`, run, { 'x-joinery-actor': 'Ada' })).status).toBe(201)
    await expect
      .poll(async () => (await scene.call('GET', path)).body.entry)
      .toMatchObject({ status: 'failed', error: expect.stringContaining('started by the server alone') })
  }
  expect((await scene.call('GET', '/tasks')).body.tasks).toEqual([])
})
