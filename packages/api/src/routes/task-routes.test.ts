import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const hello = sagaOf('hello', ['greet', 'part'])

/** A fixture whose server knows the saga. */
async function started(...serves: Parameters<TaskFixture['lease']>[0]): Promise<TaskFixture> {
  const fixture = await TaskFixture.start()
  await fixture.lease(serves.length === 0 ? [hello] : serves)
  return fixture
}

it('[H90] a task is started with 202, Location, Retry-After and its journal’s LSN, and read until it is done', async () => {
  await using fixture = await started()
  const answer = await fixture.call('POST', '/tasks', { saga: 'hello', input: { name: 'Ada' } })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([202, '1'])
  const { task } = answer.body
  expect(answer.headers.get('location')).toBe(`/v1/workspaces/w/tasks/${task.id}`)
  expect(answer.headers.get('x-joinery-lsn')).toBe(String(task.lsn))
  expect(task).toMatchObject({
    saga: 'hello',
    version: 1,
    state: 'queued',
    steps: [
      { name: 'greet', kind: 'step', state: 'pending', done: 0, total: 1, attempt: 0 },
      { name: 'part', kind: 'step', state: 'pending', done: 0, total: 1, attempt: 0 },
    ],
    input: { name: 'Ada' },
    by: 'anonymous',
    links: {
      self: `/v1/workspaces/w/tasks/${task.id}`,
      events: `/v1/workspaces/w/tasks/${task.id}/events`,
      cancel: `/v1/workspaces/w/tasks/${task.id}/cancel`,
    },
  })
  const open = await fixture.call('GET', task.links.self)
  expect([open.status, open.headers.get('retry-after'), open.body.task.id]).toEqual([200, '1', task.id])
  const done = await fixture.work(task.id, hello, ({ step, input }) => ({ result: [step, input] }))
  expect(done.headers.get('retry-after')).toBeNull()
  expect(done.body.task).toMatchObject({
    state: 'done',
    results: { greet: ['greet', { name: 'Ada' }], part: ['part', { name: 'Ada' }] },
    steps: [
      { state: 'done', done: 1 },
      { state: 'done', done: 1 },
    ],
  })
  expect((await fixture.call('GET', '/tasks?state=done,failed&saga=hello')).body).toMatchObject({
    tasks: [{ id: task.id, state: 'done' }],
    next: null,
  })
})

it('[H90] a repeat under the key is answered with the same task, another body under it is key_reused, and keys of the server are refused', async () => {
  await using fixture = await started()
  const key = { 'idempotency-key': 'inst-42' }
  const first = await fixture.call('POST', '/tasks', { saga: 'hello', input: 1 }, key)
  const [one, two] = await Promise.all(
    [1, 2].map(() => fixture.call('POST', '/tasks', { saga: 'hello', input: 1 }, key)),
  )
  expect([one?.status, one?.body.task.id, two?.body.task.id]).toEqual([202, first.body.task.id, first.body.task.id])
  const other = await fixture.call('POST', '/tasks', { saga: 'hello', input: 2 }, key)
  expect([other.status, other.body.error.code]).toEqual([422, 'key_reused'])
  const reserved = { 'idempotency-key': 'joinery:x' }
  for (const [path, body] of [
    ['/tasks', { saga: 'hello' }],
    ['/transactions', { operations: [{ op: 'put', block: 'b', type: 't' }] }],
  ] as const) {
    const refused = await fixture.call('POST', path, body, reserved)
    expect([refused.status, refused.body.error.code]).toEqual([422, 'invalid'])
  }
})

it('[H91] a task has its journal’s LSN as ETag, and a request that prefers to wait is answered once something changes', async () => {
  await using fixture = await started()
  const { task } = (await fixture.call('POST', '/tasks', { saga: 'hello' })).body
  const etag = `"${task.lsn}"`
  const known = { 'if-none-match': etag }
  const same = await fixture.call('GET', task.links.self, undefined, known)
  expect([same.status, same.headers.get('etag'), same.headers.get('preference-applied')]).toEqual([304, etag, null])
  const none = await fixture.call('GET', task.links.self, undefined, { ...known, prefer: 'respond-async, wait=0' })
  expect([none.status, none.headers.get('preference-applied')]).toEqual([304, 'wait=0'])
  const waiting = fixture.call('GET', task.links.self, undefined, { ...known, prefer: 'wait=20' })
  const work = await fixture.leaseOne(hello)
  const changed = await waiting
  expect([changed.status, changed.headers.get('preference-applied')]).toEqual([200, 'wait=20'])
  expect(changed.body.task.lsn).toBeGreaterThan(task.lsn)
  expect(changed.body.task.steps[0]).toMatchObject({ state: 'running', attempt: 1, workers: ['w1'] })
  // Another version than the caller's is answered at once, and so is a task that has ended.
  expect((await fixture.call('GET', task.links.self, undefined, { ...known, prefer: 'wait=20' })).status).toBe(200)
  await fixture.tell(work, 'done')
  const done = await fixture.work(task.id, hello)
  const ended = await fixture.call('GET', task.links.self, undefined, {
    'if-none-match': String(done.headers.get('etag')),
    prefer: 'wait=20',
  })
  expect(ended.status).toBe(304)
})

interface SentEvent {
  readonly id: number
  readonly event: string
  readonly data: { lsn: number; type: string; task: { state: string; lsn: number; links: object } }
}

/** The events of a stream that has ended. */
async function eventsOf(
  fixture: TaskFixture,
  path: string,
  headers: Record<string, string> = {},
): Promise<SentEvent[]> {
  const response = await fetch(`${fixture.api.server.url}${path}`, { headers })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  return (await response.text()).split('\n\n').flatMap((frame) => {
    const lines = new Map(
      frame.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    const event = lines.get('event')
    return event === undefined
      ? []
      : [{ id: Number(lines.get('id')), event, data: JSON.parse(lines.get('data') ?? '') }]
  })
}

it('[H92] the events of a task come each once with its LSN, from any LSN on, and end with `end`', async () => {
  await using fixture = await started()
  const { task } = (await fixture.call('POST', '/tasks', { saga: 'hello' })).body
  const live = eventsOf(fixture, task.links.events)
  await fixture.work(task.id, hello)
  const sent = await live
  expect(sent.map(({ event }) => event)).toEqual([
    'task.started',
    'step.leased',
    'step.done',
    'step.leased',
    'step.done',
    'task.ended',
    'end',
  ])
  const ids = sent.slice(0, -1).map(({ id }) => id)
  expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
  expect(sent[0]?.data).toMatchObject({ lsn: task.lsn, type: 'task.started', task: { links: task.links } })
  expect(sent.at(-1)?.data.task.state).toBe('done')
  // From the log, and from the middle of it.
  const past = await eventsOf(fixture, task.links.events)
  expect(past.map(({ id, event }) => [id, event])).toEqual(sent.map(({ id, event }) => [id, event]))
  const rest = await eventsOf(fixture, task.links.events, { 'last-event-id': String(ids[2]) })
  expect(rest.map(({ event }) => event)).toEqual(['step.leased', 'step.done', 'task.ended', 'end'])
  expect((await eventsOf(fixture, `${task.links.events}?after=${ids.at(-1)}`)).map(({ event }) => event)).toEqual([
    'end',
  ])
})

it('[H93] tasks are listed in pages, by state and saga', async () => {
  const other = sagaOf('other', ['only'])
  await using fixture = await started(hello, other)
  const ids: string[] = []
  for (const saga of ['hello', 'other', 'hello']) {
    ids.push((await fixture.call('POST', '/tasks', { saga, input: { secret: 1 } })).body.task.id)
  }
  const seen: string[] = []
  for (let path = '/tasks?limit=2'; path !== ''; ) {
    const { tasks, next } = (await fixture.call('GET', path)).body
    for (const task of tasks) {
      seen.push(task.id)
      expect(task).not.toHaveProperty('input')
    }
    path = next === null ? '' : `/tasks?limit=2&after=${encodeURIComponent(next)}`
  }
  expect(seen.toSorted()).toEqual(ids.toSorted())
  expect((await fixture.call('GET', '/tasks?saga=other')).body.tasks).toHaveLength(1)
  expect((await fixture.call('GET', '/tasks?state=done')).body).toMatchObject({ tasks: [], next: null })
  expect((await fixture.call('GET', '/tasks?state=stuck')).status).toBe(422)
  expect((await fixture.call('GET', '/v1/workspaces/nowhere/tasks')).body.error.code).toBe('unknown_workspace')
})
