import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const saga = sagaOf('make', ['first', 'second'], {
  inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
})
const input = { n: 1 }

async function announced(limits: Parameters<typeof TaskFixture.start>[0] = {}): Promise<TaskFixture> {
  const fixture = await TaskFixture.start(limits)
  await fixture.announce(saga)
  return fixture
}
const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

it.each([
  ['a saga that nobody has announced', { saga: 'none', input }, 422, 'unknown_saga', /none/],
  ['a version that nobody has announced', { saga: 'make', version: 9, input }, 422, 'unknown_saga', /9/],
  ['an input that fails the schema', { saga: 'make', input: { n: 'one' } }, 422, 'invalid', /n/],
  ['no input where one is required', { saga: 'make' }, 422, 'invalid', /input/],
  [
    'an input above its bound',
    { saga: 'make', input: { n: 1, text: 'x'.repeat(300_000) } },
    413,
    'too_large',
    /262,?144|256/,
  ],
  ['a body above its bound', { saga: 'make', input: { n: 1, text: 'x'.repeat(1_100_000) } }, 413, 'too_large', /./],
  ['no saga', { input }, 422, 'invalid', /saga/],
  ['a saga without a name', { saga: '', input }, 422, 'invalid', /saga/],
  ['a property that there is not', { saga: 'make', input, steps: [] }, 422, 'invalid', /steps/],
  ['a subject without a block', { saga: 'make', input, subject: { name: 'n' } }, 422, 'invalid', /block/],
  ['a forbidden key at depth', '{"saga":"make","input":{"n":1,"a":[{"__proto__":1}]}}', 400, 'malformed', /./],
  ['text that is not well-formed', '{"saga":"make","input":{"n":1,"a":"\\ud800"}}', 422, 'invalid', /Unicode/],
  ['a number beyond a double', '{"saga":"make","input":{"n":1e999}}', 422, 'invalid', /double/],
  ['nesting without end', `{"saga":"make","input":${nested(2_000)}}`, 422, 'invalid', /nested/],
  ['what is no JSON', '{"saga":', 400, 'malformed', /./],
])('[H99] a start with %s is refused, and there is no task', async (_, body, status, code, message) => {
  await using fixture = await announced()
  const answer = await fixture.call('POST', '/tasks', body)
  expect([answer.status, answer.body.error.code, answer.body.error.message]).toEqual([
    status,
    code,
    expect.stringMatching(message),
  ])
  expect((await fixture.call('GET', '/tasks')).body.error.code).toBe('unknown_workspace')
})

it.each([
  ['a key of 129 characters', { 'idempotency-key': 'k'.repeat(129) }],
  ['a key of 1,025 characters', { 'idempotency-key': 'k'.repeat(1_025) }],
  ['a key with a space', { 'idempotency-key': 'a b' }],
  ['a key of the server', { 'idempotency-key': 'joinery:done:1' }],
  ['a durability that there is not', { 'x-joinery-durability': 'never' }],
])('[H99] a start with %s is refused', async (_, headers) => {
  await using fixture = await announced()
  const { status, body } = await fixture.call('POST', '/tasks', { saga: 'make', input }, headers)
  expect([status, body.error.code]).toEqual([422, 'invalid'])
})

it('[H99] no more tasks are open than may be, in a workspace and in all: too_many_tasks says so', async () => {
  await using fixture = await announced({ limits: { tasksOpenPerWorkspaceMax: 2, tasksOpenMax: 3 } })
  const started = []
  for (const workspace of ['w', 'w', 'w', 'v', 'v']) {
    const { status, body, headers } = await fixture.call('POST', `/v1/workspaces/${workspace}/tasks`, {
      saga: 'make',
      input,
    })
    started.push([status, body.error?.code, headers.get('retry-after') !== null])
  }
  const accepted = [202, undefined, true]
  const refused = [429, 'too_many_tasks', true]
  expect(started).toEqual([accepted, accepted, refused, accepted, refused])
})

it.each([
  ['an id that is garbage', 'tsk_garbage'],
  ['an id with other characters', 'ü%20"'],
  ['the id of another workspace', `tsk_${Buffer.from('v').toString('base64url')}.0000000000123456789012345678ab`],
  ['an id of another task', `tsk_${Buffer.from('w').toString('base64url')}.00000000012345678901234567890`],
])('[H99] every request about %s is unknown_task', async (_, id) => {
  await using fixture = await announced()
  await fixture.call('PUT', '/blocks/b', { type: 't' })
  const path = `/tasks/${encodeURIComponent(id)}`
  for (const [method, rest, body] of [
    ['GET', ''],
    ['GET', '/events'],
    ['POST', '/cancel'],
    ['POST', '/retry'],
    ['POST', '/terminate'],
    ['POST', '/skip', { step: 'first' }],
    ['POST', '/signals/s', {}],
  ] as const) {
    const answer = await fixture.call(method, `${path}${rest}`, body)
    expect([rest, answer.status, answer.body.error.code]).toEqual([rest, 404, 'unknown_task'])
  }
})

it.each([
  ['a result above its bound', 'done', { result: 'x'.repeat(70_000) }, 413, 'too_large'],
  ['operations that are no list', 'done', { operations: {} }, 422, 'invalid'],
  [
    'more operations than may be',
    'done',
    { operations: Array.from({ length: 1_001 }, (_, n) => ({ op: 'delete', block: `${n}` })) },
    422,
    'invalid',
  ],
  ['a removal of what is no id', 'done', { removeIfUntouched: [1] }, 422, 'invalid'],
  ['a property that there is not', 'done', { value: 1 }, 422, 'invalid'],
  ['a result with a forbidden key', 'done', '{"result":{"__proto__":1}}', 400, 'malformed'],
  ['a class that there is not', 'failed', { error: 'x', class: 'odd' }, 422, 'invalid'],
  ['an error of 5,000 characters', 'failed', { error: 'x'.repeat(5_000), class: 'transient' }, 422, 'invalid'],
  ['a progress below zero', 'beat', { progress: -1 }, 422, 'invalid'],
  ['a progress that is no number', 'beat', { progress: 'all' }, 422, 'invalid'],
  ['details above their bound', 'beat', { details: 'x'.repeat(20_000) }, 413, 'too_large'],
] as const)('[H99] %s is refused', async (_, what, body, status, code) => {
  await using fixture = await announced()
  await fixture.call('POST', '/tasks', { saga: 'make', input })
  const work = await fixture.leaseOne(saga)
  const answer = await fixture.tell(work, what, body as object)
  expect([answer.status, answer.body.error.code]).toEqual([status, code])
  expect((await fixture.call('GET', '')).body.error.code).toBe('unknown_workspace')
})

it('[H99] a worker that lies about its progress is shown bounded, and changes nothing else', async () => {
  await using fixture = await announced()
  const { task } = (await fixture.call('POST', '/tasks', { saga: 'make', input })).body
  const work = await fixture.leaseOne(saga)
  await fixture.tell(work, 'beat', { progress: 999, total: 1, note: 'n'.repeat(4_000), stalledMs: 1e12 })
  const [step] = (await fixture.call('GET', task.links.self)).body.task.steps
  expect([step.state, step.progress.note.length <= 200]).toEqual(['running', true])
})

it.each([
  ['no worker', { serves: [saga] }],
  ['no sagas', { worker: 'w', serves: [] }],
  ['a saga without steps', { worker: 'w', serves: [{ ...saga, steps: [] }] }],
  ['a step of an odd kind', { worker: 'w', serves: [{ ...saga, steps: [{ name: 'a', kind: 'loop' }] }] }],
  ['two steps of one name', { worker: 'w', serves: [sagaOf('twice', ['a', 'a'])] }],
  ['another digest for a version', { worker: 'w', serves: [{ ...saga, digest: 'other' }] }],
  ['a wait of an hour', { worker: 'w', serves: [saga], waitMs: 3_600_000 }],
  ['no leases', { worker: 'w', serves: [saga], max: 0 }],
  [
    '101 steps',
    {
      worker: 'w',
      serves: [
        sagaOf(
          'long',
          Array.from({ length: 101 }, (_, n) => `s${n}`),
        ),
      ],
    },
  ],
])('[H99] a worker that asks with %s is refused', async (_, body) => {
  await using fixture = await announced()
  await fixture.call('POST', '/tasks', { saga: 'make', input })
  const { status, body: answer } = await fixture.call('POST', '/v1/work/leases', body)
  expect([422, 413]).toContain(status)
  expect(['invalid', 'too_large']).toContain(answer.error.code)
})
