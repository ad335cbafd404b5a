import { expect, it } from 'vitest'
import { sagaOf, TaskFixture } from '../testing/task-fixture.ts'

const saga = sagaOf('make', ['create', 'fill'])
const ada = { 'x-joinery-actor': 'Ada' }
const subject = { block: 'board', name: 'template' }

async function start(fixture: TaskFixture, more: object = {}): Promise<{ id: string; self: string }> {
  await fixture.announce(saga)
  const { body } = await fixture.call('POST', '/tasks', { saga: 'make', ...more })
  return { id: body.task.id, self: body.task.links.self }
}
const put = (block: string, more: object = {}) => ({ op: 'put', block, type: 'text', content: `of ${block}`, ...more })
const statusOf = async (fixture: TaskFixture) => {
  const { body } = await fixture.call('GET', '/blocks/board/statuses/task@1/template')
  return body
}

it('[H100] the operations of a step are made with its end in one record of the server, or the step fails and nothing is written', async () => {
  await using fixture = await TaskFixture.start()
  const { id } = await start(fixture)
  const operations = [
    put('a'),
    put('b', { fields: { count: 1 } }),
    { op: 'putEdge', edge: 'e', source: 'a', target: 'b' },
    { op: 'startRun', block: 'a', index: 'main', runId: 'r1' },
  ]
  const work = await fixture.leaseOne(saga)
  expect((await fixture.tell(work, 'done', { operations, result: 'made' })).status).toBe(204)
  // The answer was lost, and comes again.
  expect((await fixture.tell(work, 'done', { operations, result: 'made' })).status).toBe(204)
  const { records } = (await fixture.call('GET', '/history')).body
  expect(records).toMatchObject([{ lsn: 1, actor: 'joinery', source: 'resources', connection: `task:${id}` }])
  expect((await fixture.call('GET', '/blocks/b')).body).toMatchObject({
    content: 'of b',
    fields: { count: 1 },
    updatedBy: { actor: 'joinery', source: 'resources' },
  })
  expect((await fixture.call('GET', '/edges/e')).status).toBe(200)
})

it.each([
  [
    'a block that is not there',
    [put('c'), { op: 'patch', block: 'nowhere', content: 'x' }],
    /operation 1: there is no block "nowhere"/,
  ],
  ['a block that is there', [put('c'), put('old', { onlyIfAbsent: true })], /operation 1: .*"old"/],
  ['a property that no operation has', [put('c', { surprise: 1 })], /operations\.0: .*surprise/],
  ['an operation that there is not', [{ op: 'explode' }], /operations\.0/],
  [
    'a machine that there is not',
    [put('c'), { op: 'startStatus', block: 'c', machine: 'none@1', name: 'n' }],
    /no machine "none@1"/,
  ],
] as const)(
  '[H100] operations with %s fail the step for good, and nothing is written',
  async (_, operations, message) => {
    await using fixture = await TaskFixture.start()
    await fixture.call('PUT', '/blocks/old', { type: 'text' })
    const { self } = await start(fixture)
    const { status, body } = await fixture.tell(await fixture.leaseOne(saga), 'done', { operations })
    expect([status, body.error.code, body.error.message]).toEqual([422, 'invalid', expect.stringMatching(message)])
    expect((await fixture.call('GET', '')).body.lsn).toBe(1)
    expect((await fixture.call('GET', self)).body.task).toMatchObject({
      state: 'failed',
      error: { class: 'permanent', step: 'create' },
    })
  },
)

it('[H101] a task shows as the status of its block, with what it waits for as the flag `stalled`, and its result with the last step', async () => {
  await using fixture = await TaskFixture.start()
  await fixture.call('PUT', '/blocks/board', { type: 'board' })
  const { id } = await start(fixture, { subject })
  await expect
    .poll(() => statusOf(fixture))
    .toMatchObject({
      status: 'queued',
      entry: { status: 'queued', source: 'resources', task: id, detail: { saga: 'make', version: 1 }, run: { id } },
    })
  const work = await fixture.leaseOne(saga)
  await expect
    .poll(() => statusOf(fixture))
    .toMatchObject({ entry: { status: 'running', progress: 0, total: 2, attempt: 1 } })
  await fixture.tell(work, 'failed', { error: 'away', class: 'transient', retryAfterMs: 1_000 })
  await expect
    .poll(() => statusOf(fixture))
    .toMatchObject({
      status: 'stalled',
      entry: { status: 'running', stalled: { why: expect.stringContaining('away') }, detail: { waiting: 'retry' } },
    })
  const before = (await fixture.call('GET', '')).body.lsn
  const again = await fixture.leaseOne(saga)
  await fixture.tell(again, 'done', { operations: [put('a')] })
  const last = await fixture.leaseOne(saga)
  await fixture.tell(last, 'done')
  expect(await statusOf(fixture)).toMatchObject({ status: 'done', entry: { progress: 2, total: 2 } })
  // The last step's end and the status are one record.
  const { records } = (await fixture.call('GET', `/history?after=${before}`)).body
  expect(records.at(-1)).toMatchObject({ connection: `task:${id}`, touched: ['board/statuses'] })
  expect((await statusOf(fixture)).entry).not.toHaveProperty('stalled')
})

it('[H101] a status that another task or person holds is left alone', async () => {
  await using fixture = await TaskFixture.start()
  await fixture.call('PUT', '/blocks/board', { type: 'board' })
  const first = await start(fixture, { subject })
  await expect.poll(async () => (await statusOf(fixture)).entry?.task).toBe(first.id)
  const second = await start(fixture, { subject })
  await fixture.call('POST', `${second.self}/terminate`)
  expect((await statusOf(fixture)).entry.task).toBe(first.id)
  await fixture.work(first.id, saga)
  await expect.poll(async () => (await statusOf(fixture)).status).toBe('done')
  const third = await start(fixture, { subject })
  await expect.poll(async () => (await statusOf(fixture)).entry.task).toBe(third.id)
  expect((await statusOf(fixture)).entry.run.no).toBe(2)
})

/** Makes the blocks in the first step, and lets the second fail. */
async function makeAndFail(fixture: TaskFixture, between: () => Promise<unknown>) {
  const { id } = await start(fixture)
  const blocks = ['a', 'b', 'c']
  const edges = [
    { op: 'putEdge', edge: 'ab', source: 'a', target: 'b' },
    { op: 'putEdge', edge: 'bc', source: 'b', target: 'c' },
  ]
  await fixture.tell(await fixture.leaseOne(saga), 'done', {
    operations: [...blocks.map((block) => put(block)), ...edges],
  })
  await between()
  return fixture.work(id, saga, ({ kind, step }) =>
    kind === 'undo' ? { removeIfUntouched: blocks } : step === 'create' ? {} : { error: 'no' },
  )
}
const listed = async (fixture: TaskFixture) => {
  const { blocks } = (await fixture.call('GET', '/blocks')).body
  const { edges } = (await fixture.call('GET', '/edges')).body
  return [...blocks, ...edges].map(({ id }: { id: string }) => id)
}

it('[H102] what a task has made is taken back, with its edges, if nobody has changed it', async () => {
  await using fixture = await TaskFixture.start()
  const ended = await makeAndFail(fixture, () => Promise.resolve())
  expect(ended.body.task).toMatchObject({ state: 'compensated', kept: [] })
  expect(await listed(fixture)).toEqual([])
})

it.each([
  ['its content', 'PATCH', '/blocks/b', { content: 'of b, and hers' }],
  ['a field', 'PATCH', '/blocks/b', { fields: { note: 'hers' } }],
  ['its data', 'PATCH', '/blocks/b', { data: { x: 1 } }],
  ['its type', 'PATCH', '/blocks/b', { type: 'heading' }],
  ['an edge to it', 'PUT', '/edges/hers', { source: 'b', target: 'b' }],
  ['an edge of the task', 'PUT', '/edges/ab', { source: 'a', target: 'b', data: { hers: true } }],
] as const)(
  '[H102, T10] a block of which somebody has changed %s stays and is named',
  async (what, method, path, body) => {
    await using fixture = await TaskFixture.start()
    const ended = await makeAndFail(fixture, () => fixture.call(method, path, body, ada))
    const version = (await fixture.call('GET', '/history?actor=Ada')).body.records[0].lsn
    const named = what === 'an edge of the task' ? ['a', 'b'] : ['b']
    expect(ended.body.task).toMatchObject({
      state: 'compensated_partly',
      kept: named.map((block) => ({ block, version, by: 'Ada' })),
    })
    expect(await listed(fixture)).toEqual(expect.arrayContaining(named))
    expect(await listed(fixture)).not.toContain('c')
  },
)

it('[H102] statuses and indexes of a block do not keep it, and a block that somebody has deleted is no fault', async () => {
  await using fixture = await TaskFixture.start()
  const ended = await makeAndFail(fixture, async () => {
    await fixture.call('POST', '/blocks/a/indexes/main/runs', { runId: 'r' }, ada)
    await fixture.call('POST', '/blocks/b/statuses/file@1/f/runs', { runId: 'r' }, ada)
    await fixture.call('DELETE', '/blocks/c', undefined, ada)
  })
  expect(ended.body.task).toMatchObject({ state: 'compensated', kept: [] })
  expect(await listed(fixture)).toEqual([])
})

it('[H103] a change of somebody else is remembered when the task writes to the block after it', async () => {
  await using fixture = await TaskFixture.start()
  const third = sagaOf('three', ['create', 'fill', 'fail'])
  await fixture.announce(third)
  const { task } = (await fixture.call('POST', '/tasks', { saga: 'three' })).body
  await fixture.tell(await fixture.leaseOne(third), 'done', { operations: [put('a'), put('b')] })
  await fixture.call('PATCH', '/blocks/a', { content: 'hers' }, ada)
  // The step writes over it: the stamp is the task's again.
  await fixture.tell(await fixture.leaseOne(third), 'done', { operations: [put('a'), put('b')] })
  const ended = await fixture.work(task.id, third, ({ kind, step }) =>
    kind === 'undo' ? (step === 'create' ? { removeIfUntouched: ['a', 'b'] } : {}) : { error: 'no' },
  )
  expect(ended.body.task).toMatchObject({ state: 'compensated_partly', kept: [{ block: 'a', by: 'Ada' }] })
  expect(await listed(fixture)).toEqual(['a'])
})

it('[H103] the same holds where the task writes under its lease', async () => {
  await using fixture = await TaskFixture.start()
  const { id } = await start(fixture)
  await fixture.tell(await fixture.leaseOne(saga), 'done', { operations: [put('a'), put('b')] })
  await fixture.call('PATCH', '/blocks/a', { content: 'hers' }, ada)
  const work = await fixture.leaseOne(saga)
  const fenced = { 'x-joinery-lease': work.token, 'x-joinery-actor': 'worker' }
  for (const block of ['a', 'b']) {
    expect((await fixture.call('PATCH', `/blocks/${block}`, { content: 'the task’s again' }, fenced)).status).toBe(200)
  }
  await fixture.tell(work, 'failed', { error: 'no', class: 'permanent' })
  const ended = await fixture.work(id, saga, ({ step }) => (step === 'create' ? { removeIfUntouched: ['a', 'b'] } : {}))
  expect(ended.body.task).toMatchObject({ state: 'compensated_partly', kept: [{ block: 'a', by: 'Ada' }] })
  expect(await listed(fixture)).toEqual(['a'])
})

it('[H104] while the workspace is deleted its tasks wait, and they go on once that is taken back', async () => {
  await using fixture = await TaskFixture.start()
  await fixture.call('PUT', '/blocks/board', { type: 'board' })
  const { id, self } = await start(fixture, { subject })
  await fixture.call('DELETE', '')
  expect(await fixture.lease([saga])).toEqual([])
  expect((await fixture.call('GET', self)).body.error.code).toBe('workspace_deleted')
  expect((await fixture.call('POST', '/tasks', { saga: 'make' })).body.error.code).toBe('workspace_deleted')
  await fixture.call('POST', '/undelete')
  expect((await fixture.work(id, saga)).body.task.state).toBe('done')
  await expect.poll(async () => (await statusOf(fixture)).status).toBe('done')
})

it('[H123, S411] the edits of tasks are paid for by the tasks of their workspace', async () => {
  await using fixture = await TaskFixture.start()
  const { costs } = fixture.api.server
  const paid = new Set<string>()
  const { book } = costs
  costs.book = (payer, ...more) => {
    paid.add(`${payer.principal} in ${payer.workspace}`)
    return book.call(costs, payer, ...more)
  }
  await start(fixture, { subject })
  await fixture.tell(await fixture.leaseOne(saga), 'done', { operations: [put('a')] })
  expect(paid).toContain('!tasks/w in w')
})
