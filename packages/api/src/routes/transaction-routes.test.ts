import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

it('[H9] a transaction makes all operations under one LSN', async () => {
  await using api = await ApiFixture.start()
  const operations = [
    { op: 'put', block: 'a', type: 'text', content: 'A' },
    { op: 'startRun', block: 'a', index: 'main', runId: 'r' },
    { op: 'report', block: 'a', index: 'main', run: 'r', status: 'done', chunks: 2 },
    { op: 'put', block: 'b', type: 'text', onlyIfAbsent: true },
    { op: 'delete', block: 'b' },
    { op: 'put', block: 'c', type: 'text' },
  ]
  const { status, body } = await api.call('POST', '/transactions', { operations }, { 'idempotency-key': 't' })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    lsn: 1,
    blocks: {
      a: { content: 'A', version: 1, indexingList: [{ status: 'done', chunks: 2 }] },
      b: null,
      c: { version: 1 },
    },
  })
  expect((await api.call('POST', '/transactions', { operations }, { 'idempotency-key': 't' })).body).toEqual(body)
})

it('[H9] of the contents that a transaction gives one block the last is written, and nothing of the others', async () => {
  await using api = await ApiFixture.start()
  const text = (n: number): string => `${n} word `.repeat(50)
  const operations = [
    { op: 'put', block: 'b', type: 'text', content: text(0) },
    { op: 'put', block: 'a', type: 'text', content: text(0) },
    { op: 'delete', block: 'a' },
    { op: 'put', block: 'a', type: 'text' },
    ...Array.from({ length: 50 }, (_, n) => ({ op: 'patch', block: 'a', content: text(n), fields: { n } })),
    { op: 'patch', block: 'a', data: { last: true } },
  ]
  const { body } = await api.call('POST', '/transactions', { operations })
  expect(body.blocks.a).toMatchObject({ content: text(49), fields: { n: 49 }, data: { last: true } })
  expect(body.blocks.b.content).toBe(text(0))
  const [record] = (await api.call('GET', '/history')).body.records
  // Fifty edits in fifty places each would be many times that.
  expect(record.bytes).toBeLessThan(3_000)
})

it.each([
  ['an error of what is done', { status: 'done', error: 'none' }],
  ['a total of no progress', { status: 'processing', total: 3 }],
])('[H9] a report of %s is refused in a transaction as it is alone', async (_what, told) => {
  await using api = await ApiFixture.start()
  const operations = [
    { op: 'put', block: 'a', type: 'text' },
    { op: 'startRun', block: 'a', index: 'main', runId: 'r' },
    { op: 'report', block: 'a', index: 'main', run: 'r', ...told },
  ]
  const { status, body } = await api.call('POST', '/transactions', { operations })
  expect([status, body.error.code]).toEqual([422, 'invalid'])
})

it.each([
  ['a version that moved', { op: 'patch', block: 'a', content: 'x', expectedVersion: 7 }, 'version_conflict'],
  ['a block that is there', { op: 'put', block: 'a', type: 't', onlyIfAbsent: true }, 'block_exists'],
  ['an unknown block', { op: 'patch', block: 'z', content: 'x' }, 'unknown_block'],
  ['a block deleted before', { op: 'patch', block: 'gone', content: 'x' }, 'unknown_block'],
  ['an unknown run', { op: 'report', block: 'a', index: 'main', run: 'other', status: 'done' }, 'run_superseded'],
  ['an unknown index', { op: 'removeIndex', block: 'a', index: 'nope' }, 'unknown_index'],
])('[H9] a transaction with %s changes nothing and says which operation it was', async (_what, bad, code) => {
  await using api = await ApiFixture.start()
  await api.call('POST', '/transactions', {
    operations: [
      { op: 'put', block: 'a', type: 'text' },
      { op: 'put', block: 'gone', type: 'text' },
      { op: 'startRun', block: 'a', index: 'main', runId: 'r' },
    ],
  })
  const operations = [{ op: 'put', block: 'new', type: 'text' }, { op: 'delete', block: 'gone' }, bad]
  const { status, body } = await api.call('POST', '/transactions', { operations })
  expect(status).toBeGreaterThanOrEqual(404)
  expect(body.error).toMatchObject({ code, details: { operation: 2 } })
  expect((await api.call('GET', '')).body).toMatchObject({ lsn: 1, blocks: 2 })
})
