import { expect, it } from 'vitest'
import { z } from 'zod'
import { defineSaga } from './saga.ts'
import { each, type StepOptions } from './step.ts'
import { greet, start } from './testing/greeting.ts'
import { startWorkServer } from './testing/work-server.ts'

it('[N3] a step gets the input as its schema gives it, and one that does not fit fails for good', async () => {
  await using server = await startWorkServer()
  const input = z.object({ count: z.string().transform(Number), list: z.array(z.string()).default([]) })
  start(server, { sagas: [greet({ run: ({ input: given }) => given }, { input: input as never })] })
  expect((await server.give({ input: { count: '7' } })).body).toEqual({ result: { count: 7, list: [] } })
  const { body } = await server.give({ input: { list: ['a', 1] } })
  expect(body).toMatchObject({ class: 'permanent' })
  expect(body.error).toContain('input.count: ')
  expect(body.error).toContain('input.list.1: ')
})

it.each<[string, StepOptions<never>['run'], object]>([
  [
    'nothing',
    () => undefined,
    { error: expect.stringContaining('the result of "one" is undefined'), class: 'permanent' },
  ],
  ['a bigint', () => ({ n: 1n }), { error: expect.stringContaining('"one".n is a bigint'), class: 'permanent' }],
  [
    '64 KiB and more',
    () => 'x'.repeat(65_536),
    { error: expect.stringContaining('at most 65536 are kept'), class: 'permanent' },
  ],
  ['null', () => null, { result: null }],
  ['a promise of a value', async () => ({ ok: true }), { result: { ok: true } }],
])('[N5] a step that gives %s is told so', async (_what, run, body) => {
  await using server = await startWorkServer()
  start(server, { sagas: [greet({ run })] })
  expect((await server.give()).body).toEqual(body)
})

it('[N6] operations go with the end of the step, and the value of the edit is its result', async () => {
  await using server = await startWorkServer()
  start(server, {
    sagas: [
      greet({
        run: ({ edit, key }) =>
          edit((d) => {
            d.put('a', { type: 'text', content: key })
            d.patch('b', { fields: { n: 1 } })
            d.delete('c')
            d.startRun('a', 'main', { runId: 'r' })
            d.report('a', 'main', 'r', { status: 'done' })
            d.startStatus('a', { machine: 'file@1', name: 'f' })
            d.putEdge('a-b', { source: 'a', target: 'b' })
            d.deleteEdge('x')
            return { blocks: ['a'] }
          }),
      }),
    ],
  })
  expect((await server.give()).body).toEqual({
    result: { blocks: ['a'] },
    operations: [
      { op: 'put', block: 'a', type: 'text', content: 'key-1' },
      { op: 'patch', block: 'b', fields: { n: 1 } },
      { op: 'delete', block: 'c' },
      { op: 'startRun', block: 'a', index: 'main', runId: 'r' },
      { op: 'report', block: 'a', index: 'main', run: 'r', status: 'done' },
      { op: 'startStatus', block: 'a', machine: 'file@1', name: 'f' },
      { op: 'putEdge', edge: 'a-b', source: 'a', target: 'b' },
      { op: 'deleteEdge', edge: 'x' },
    ],
  })
})

it.each<[string, StepOptions<never>['run'], object]>([
  ['the id of the last operation', ({ edit }) => edit((d) => d.put('a', {})), { result: 'a' }],
  ['null for an edit without a value', ({ edit }) => void edit((d) => void d.put('a', {})), { result: null }],
  ['the value of the step itself', ({ edit }) => [edit((d) => d.put('a', {}))], { result: ['a'] }],
])('[N6] a step with an edit has as its result %s', async (_what, run, result) => {
  await using server = await startWorkServer()
  start(server, { sagas: [greet({ run })] })
  expect((await server.give()).body).toEqual({ ...result, operations: [{ op: 'put', block: 'a' }] })
})

it.each<[string, StepOptions<never>['run'], string]>([
  [
    'throws after an edit',
    ({ edit }) => {
      edit((d) => d.put('a'))
      throw new Error('no')
    },
    'no',
  ],
  ['edits in an async callback', ({ edit }) => edit(async (d) => d.put('a')), 'the callback of edit must not be async'],
  ['names no block', ({ edit }) => edit((d) => d.put(undefined as never)), 'd.put: the id must be a text'],
  ['writes a date', ({ edit }) => edit((d) => d.put('a', { data: { at: new Date() } })), '"a".data.at is a Date'],
])('[N6] a step that %s sends no operations', async (_what, run, message) => {
  await using server = await startWorkServer()
  start(server, { sagas: [greet({ run })] })
  const { path, body } = await server.give()
  expect(path).toMatch(/failed$/)
  expect(body.error).toContain(message)
  expect(body).not.toHaveProperty('operations')
})

const list = (items: unknown, keyOf?: (item: never) => string) =>
  defineSaga({
    name: 'greet',
    version: 1,
    subject: ({ board }) => ({ block: board, name: 'template' }),
    steps: [each('one', { items: () => items as never, run: ({ item }) => item, ...(keyOf && { keyOf }) })],
  })

it('[N7] items are planned with a key each, and a task with the block that shows it', async () => {
  await using server = await startWorkServer()
  start(server, { sagas: [list(['a', { id: 'b' }, { key: 'c' }, 4])] })
  expect((await server.give({ kind: 'plan' })).body).toEqual({
    items: [
      { key: 'a', value: 'a' },
      { key: 'b', value: { id: 'b' } },
      { key: 'c', value: { key: 'c' } },
      { key: '3', value: 4 },
    ],
  })
  expect((await server.give({ kind: 'plan', step: undefined, input: { board: 'x' } })).body).toEqual({
    subject: { block: 'x', name: 'template' },
  })
  expect((await server.give({ item: { key: 'b', value: { id: 'b' } } })).body).toEqual({ result: { id: 'b' } })
})

it.each<[string, unknown, string, ((item: never) => string)?]>([
  ['no list', 'abc', 'items of "one" must be a list, not string'],
  ['10,001 items', Array.from({ length: 10_001 }, (_, n) => n), 'has 10001 items, at most 10000'],
  ['two of one key', ['a', 'b', 'a'], 'items 0 and 2 of "one" have one key, "a": give keyOf'],
  ['an item that is no JSON', ['a', undefined], 'item 1 of "one" is undefined'],
  ['a key that is no text', [1], 'its key must be a text of 1 to 256 characters', () => 1 as never],
  ['more than a mebibyte', [['x'.repeat(1_048_576)]], 'bytes of JSON, and at most 1048576 are kept'],
])('[N7] a plan with %s fails for good', async (_what, items, message, keyOf) => {
  await using server = await startWorkServer()
  start(server, { sagas: [list(items, keyOf)] })
  const { body } = await server.give({ kind: 'plan' })
  expect(body.error).toContain(message)
  expect(body.class).toBe('permanent')
})

it('[N8] taking back knows the result and the key of the run, and names the blocks that may go', async () => {
  await using server = await startWorkServer()
  const known: unknown[] = []
  start(server, {
    sagas: [
      greet({
        compensate: ({ result, key, runKey, removeIfUntouched, edit }) => {
          known.push([result, key, runKey])
          removeIfUntouched(result?.blocks)
          removeIfUntouched('a')
          edit((d) => d.patch('board', { fields: { state: 'gone' } }))
        },
      }),
    ],
  })
  const undo = { kind: 'undo', key: 'undo-1', runKey: 'run-1' } as const
  expect((await server.give({ ...undo, result: { blocks: ['a', 'b'] } })).body).toEqual({
    removeIfUntouched: ['a', 'b'],
    operations: [{ op: 'patch', block: 'board', fields: { state: 'gone' } }],
  })
  expect((await server.give(undo)).body).toMatchObject({ removeIfUntouched: ['a'] })
  expect(known).toEqual([
    [{ blocks: ['a', 'b'] }, 'undo-1', 'run-1'],
    [undefined, 'undo-1', 'run-1'],
  ])
})

it('[N10] a run of an index is started, told and ended under the lease, and gives way to another run', async () => {
  await using server = await startWorkServer()
  const writes: unknown[] = []
  const entry = (id: string) => ({ index_name: 'main', run: { no: 2, id, source: 'workflow_execution' } })
  let standing = 'key-1-1'
  server.instead = ({ path, body }) => {
    if (!path.endsWith('/transactions')) return undefined
    const [operation] = body.operations as [Record<string, unknown>]
    writes.push(operation)
    const superseded = { error: { code: 'run_superseded', message: 'another run stands' } }
    if (operation.op === 'report' && standing !== operation.run) return { status: 409, body: superseded }
    return { status: 200, body: { blocks: { a: { content: 'one two', indexingList: [entry(standing)] } } } }
  }
  const run: StepOptions<never>['run'] = ({ withRun, input }) =>
    withRun('a', 'main', ({ content }) => {
      if (input === 'fail') throw new Error('no model')
      if (input === 'late') standing = 'theirs'
      return content.split(' ').length
    })
  start(server, { sagas: [greet({ run })] })
  const began = { op: 'startRun', block: 'a', index: 'main', runId: 'key-1-1' }
  const report = { op: 'report', block: 'a', index: 'main', run: 'key-1-1' }
  const known = entry('key-1-1').run
  expect((await server.give()).body).toEqual({ result: { outcome: 'done', run: known, chunks: 2 } })
  expect(writes.splice(0)).toEqual([began, { ...report, status: 'done', chunks: 2 }])
  expect((await server.give({ input: 'fail' })).body).toEqual({ error: 'no model', class: 'transient' })
  expect(writes.splice(0)).toEqual([began, { ...report, status: 'error', error: 'no model' }])
  expect((await server.give({ input: 'late' })).body).toEqual({ result: { outcome: 'superseded', run: known } })
  writes.splice(0)
  expect((await server.give()).body).toEqual({ result: { outcome: 'superseded', run: entry('theirs').run } })
  expect(writes).toEqual([began])
})
