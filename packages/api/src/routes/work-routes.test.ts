import { createAuthenticator, signToken } from '@joinery/server'
import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const hello = sagaOf('hello', ['greet', 'part'])
const SECRET = 'a secret of more than thirty-two bytes'
const AUTHENTICATOR = createAuthenticator({ secret: SECRET })

async function bearer(claims: Partial<Parameters<typeof signToken>[1]> = {}): Promise<Record<string, string>> {
  const exp = Math.floor(Date.now() / 1000) + 3_600
  const all = { sub: 'ada', workspaces: ['w'], access: 'write' as const, sources: ['user_action'], exp, ...claims }
  return { authorization: `Bearer ${await signToken(SECRET, all)}` }
}

async function start(fixture: TaskFixture, saga = hello, headers: Record<string, string> = {}) {
  await fixture.lease([saga])
  const { body } = await fixture.call('POST', '/tasks', { saga: saga.name }, headers)
  return body.task as { id: string; links: { self: string } }
}

it('[H96] a worker takes a step, tells how far it is, and ends it; the same answer again is answered alike, another is already_done', async () => {
  await using fixture = await TaskFixture.start()
  const task = await start(fixture)
  const work = await fixture.leaseOne(hello)
  expect(work).toMatchObject({
    ...{ task: task.id, workspace: 'w', saga: 'hello', version: 1, kind: 'run', step: 'greet', attempt: 1 },
    ...{ input: null, results: {}, leaseMs: 30_000 },
  })
  const beat = await fixture.tell(work, 'beat', { progress: 3, total: 10, note: 'three' })
  expect([beat.status, beat.body]).toEqual([200, { answer: 'go' }])
  expect((await fixture.call('GET', task.links.self)).body.task.steps[0].progress).toEqual({
    progress: 3,
    total: 10,
    note: 'three',
  })
  const ends = [{ result: 1 }, { result: 1 }, { result: 2 }]
  const told = []
  for (const end of ends) told.push(await fixture.tell(work, 'done', end))
  expect(told.map(({ status, body }) => [status, body?.error.code])).toEqual([
    [204, undefined],
    [204, undefined],
    [409, 'already_done'],
  ])
  expect((await fixture.call('GET', task.links.self)).body.task.steps[0]).toMatchObject({ state: 'done', result: 1 })
  const next = await fixture.leaseOne(hello)
  expect((await fixture.tell(next, 'release')).status).toBe(204)
  expect((await fixture.tell(next, 'done')).body.error.code).toBe('lease_lost')
  expect((await fixture.leaseOne(hello)).step).toBe('part')
})

it('[H96] a token that is mangled, of nobody, or of an attempt that has ended is lease_lost', async () => {
  await using fixture = await TaskFixture.start()
  await start(fixture)
  const work = await fixture.leaseOne(hello)
  for (const token of ['nonsense', `${work.token}x`, work.token.replace(/.$/, '_'), 'l1.a.b', 'ü %2f']) {
    for (const what of ['beat', 'done', 'release'] as const) {
      const { status, body } = await fixture.tell({ token }, what)
      expect([token, status, body.error.code]).toEqual([token, 409, 'lease_lost'])
    }
  }
  expect((await fixture.tell(work, 'done')).status).toBe(204)
})

it('[H97] only a token with `work` takes steps, of its sagas and workspaces, and it must be able to write', async () => {
  const worker = await bearer({ sub: 'worker', workspaces: ['*'], work: ['hello', 'other'] })
  await using fixture = await TaskFixture.start({ authenticator: AUTHENTICATOR, worker })
  const ada = await bearer()
  const task = await start(fixture, hello, ada)
  const ask = async (claims: object) => {
    const asked = { worker: 'w', serves: [hello], max: 1 }
    const { status, body } = await fixture.call('POST', '/v1/work/leases', asked, await bearer(claims))
    return [status, body.error?.code ?? body.leases.length]
  }
  expect(await ask({})).toEqual([403, 'forbidden'])
  expect(await ask({ work: ['another'] })).toEqual([403, 'forbidden'])
  expect(await ask({ work: ['hello'], access: 'read' })).toEqual([403, 'read_only'])
  // The token opens another workspace: it may work, and gets nothing of this one.
  expect(await ask({ work: ['hello'], workspaces: ['v'] })).toEqual([200, 0])
  const [work] = await fixture.lease([hello])
  expect(work?.task).toBe(task.id)
  const { token } = work as { token: string }
  const path = `/v1/work/leases/${token}/done`
  expect((await fixture.call('POST', path, {}, ada)).body.error.code).toBe('forbidden')
  expect((await fixture.call('POST', path, {}, worker)).status).toBe(204)
  expect(await ask({ work: ['*'] })).toEqual([200, 1])
})

it('[H97] who may write starts and cancels, who may read sees, and nobody learns of tasks elsewhere', async () => {
  const worker = await bearer({ sub: 'worker', workspaces: ['*'], work: ['*'] })
  await using fixture = await TaskFixture.start({ authenticator: AUTHENTICATOR, worker })
  const task = await start(fixture, hello, await bearer())
  const reader = await bearer({ access: 'read' })
  expect((await fixture.call('GET', task.links.self, undefined, reader)).status).toBe(200)
  expect((await fixture.call('GET', `/v1/tasks/${task.id}`, undefined, reader)).status).toBe(200)
  for (const [path, body] of [
    ['/tasks', { saga: 'hello' }],
    [`${task.links.self}/cancel`],
    [`${task.links.self}/signals/s`, {}],
  ] as const) {
    expect((await fixture.call('POST', path, body, reader)).body.error.code).toBe('read_only')
  }
  const stranger = await bearer({ sub: 'eve', workspaces: ['v'] })
  const unknown = `${task.id.slice(0, -3)}abc`
  const told = []
  for (const id of [task.id, unknown, 'tsk_garbage', 'x'.repeat(1_500)]) {
    const { status, body } = await fixture.call('GET', `/v1/tasks/${id}`, undefined, stranger)
    told.push([status, body.error.code, body.error.message.replaceAll(id.slice(0, 100), 'ID')])
  }
  expect(new Set(told.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(told[0]).toEqual([404, 'unknown_task', expect.any(String)])
  // The id of another workspace's task is unknown in this one, too.
  for (const rest of ['', '/events', '/cancel']) {
    const method = rest === '/cancel' ? 'POST' : 'GET'
    const answer = await fixture.call(method, `/v1/workspaces/v/tasks/${task.id}${rest}`, undefined, stranger)
    expect([answer.status, answer.body.error.code]).toEqual([404, 'unknown_task'])
  }
  const terminate = `${task.links.self}/terminate`
  expect((await fixture.call('POST', terminate, undefined, await bearer())).body.error.code).toBe('forbidden')
  expect((await fixture.call('POST', terminate, undefined, await bearer({ operator: true }))).status).toBe(202)
})

it('[H98] writes under the token of an attempt are made while its lease stands, and not one after', async () => {
  await using fixture = await TaskFixture.start()
  const task = await start(fixture)
  const work = await fixture.leaseOne(hello)
  const fenced = { 'x-joinery-lease': work.token }
  const put = (block: string, headers: Record<string, string>) =>
    fixture.call('PUT', `/blocks/${block}`, { type: 'text', content: block }, headers)
  expect((await put('a', { ...fenced, 'idempotency-key': 'k1' })).status).toBe(201)
  // Under the lease of another workspace nothing is written.
  const elsewhere = await fixture.call('PUT', '/v1/workspaces/v/blocks/a', { type: 't' }, fenced)
  expect([elsewhere.status, elsewhere.body.error.code]).toEqual([409, 'lease_lost'])
  await fixture.call('POST', `${task.links.self}/terminate`)
  const { lsn } = (await fixture.call('GET', '')).body
  const operations = [{ op: 'put', block: 'c', type: 't' }]
  const refused = [
    await put('b', fenced),
    await fixture.call('PATCH', '/blocks/a', { content: 'late' }, fenced),
    await fixture.call('DELETE', '/blocks/a', undefined, fenced),
    await fixture.call('POST', '/transactions', { operations }, fenced),
    await fixture.call('PUT', '/edges/e', { source: 'a', target: 'a' }, fenced),
    await fixture.call('POST', '/restore', { lsn: 0 }, fenced),
    await fixture.call('DELETE', '', undefined, fenced),
  ]
  expect(refused.map(({ status, body }) => [status, body.error.code])).toEqual(refused.map(() => [409, 'lease_lost']))
  expect((await fixture.call('GET', '')).body.lsn).toBe(lsn)
  // The repeat of a write that was made is answered as the first time.
  expect((await put('a', { ...fenced, 'idempotency-key': 'k1' })).status).toBe(201)
})

it('[H140] in development mode the steps of an adapter are run by the server’s own worker alone, and all others by anybody', async () => {
  const token = 'own-worker.secret'
  await using fixture = await TaskFixture.start({
    adapters: ['payment@1'],
    ownWork: { token, sagas: ['payment@1'] },
    worker: { authorization: `Bearer ${token}` },
  })
  const payment = sagaOf('payment@1', ['sync'])
  await fixture.announce(payment)
  await fixture.call('PUT', '/blocks/order', { type: 'order' })
  await fixture.call('POST', '/blocks/order/statuses/payment@1/deposit/runs', {}, { 'x-joinery-actor': 'Ada' })
  const ask = async (name: string, headers: Record<string, string>) => {
    const asked = { worker: 'w2', serves: [sagaOf(name, ['sync'])], max: 1 }
    const { status, body } = await fixture.call('POST', '/v1/work/leases', asked, headers)
    return [status, body.error?.code ?? body.leases.length]
  }
  const others: Record<string, string>[] = [{}, { authorization: `Bearer ${token}x` }, { 'x-joinery-actor': 'worker' }]
  for (const headers of others) {
    expect(await ask('payment@1', headers)).toEqual([403, 'forbidden'])
    expect(await ask('payment@1.observe', headers)).toEqual([403, 'forbidden'])
    expect(await ask('payment@10', headers)).toEqual([200, 0])
  }
  expect((await fixture.leaseOne(payment)).step).toBe('sync')
})
