import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'
import { blockWriteHeaders, preconditionOf } from './precondition.ts'

it.each([
  ['"2"', 200],
  [' "2" ', 200],
  ['"1", "2"', 200],
  ['*', 200],
  ['"1"', 409],
  ['"1", "3"', 409],
  ['W/"two"', 422],
  ['"2-lzma"', 422],
  ['2', 422],
  ['', 422],
  ['"two"', 422],
])('[H3] If-Match: %s on a block at version 2 is answered %i', async (header, status) => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text' })
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const answer = await api.call('PATCH', '/blocks/b', { content: 'x' }, { 'if-match': header })
  expect(answer.status).toBe(status)
  expect((await api.call('GET', '')).body.lsn).toBe(status === 200 ? 3 : 2)
})

it.each(['W/"2"', '"2-gzip"', '"2--gzip"', 'W/"2-br"', '"1-gzip", W/"2"', '"2;gzip"', ', "2" , , '])(
  '[H27] %s, which a proxy made of the ETag "2", is taken as "2" and as no other version',
  async (tag) => {
    await using api = await ApiFixture.start()
    await api.call('PUT', '/blocks/a', { type: 'text' })
    await api.call('PUT', '/blocks/b', { type: 'text' })
    expect((await api.call('GET', '/blocks/b', undefined, { 'if-none-match': tag })).status).toBe(304)
    expect((await api.call('PATCH', '/blocks/b', { content: 'x' }, { 'if-match': tag })).status).toBe(200)
    expect((await api.call('PATCH', '/blocks/b', { content: 'y' }, { 'if-match': tag })).status).toBe(409)
    const changed = await api.call('GET', '/blocks/b', undefined, { 'if-none-match': tag })
    expect([changed.status, changed.headers.get('etag')]).toEqual([200, '"3"'])
  },
)

it('[H3] If-Match: * asks for what is there, whatever its version', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b', { type: 'text' })
  for (const [method, path, body] of [
    ['PUT', '/blocks/new', { type: 'text' }],
    ['PATCH', '/blocks/new', {}],
    ['PUT', '/edges/new', { source: 'a', target: 'b' }],
  ] as const) {
    const refused = await api.call(method, path, body, { 'if-match': '*' })
    expect([refused.status, refused.body.error.code, refused.body.current]).toEqual([409, 'version_conflict', null])
  }
  expect((await api.call('GET', '')).body.lsn).toBe(1)
})

it('[H3] If-None-Match: * keeps every kind of write off what is there', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b', { type: 'text' })
  await api.call('POST', '/blocks/b/indexing/i/runs', { runId: 'r' })
  await api.call('PUT', '/edges/e', { source: 'a', target: 'b' })
  for (const [method, path, body] of [
    ['PUT', '/blocks/b', { content: 'x' }],
    ['PATCH', '/blocks/b', { content: 'x' }],
    ['DELETE', '/blocks/b', undefined],
    ['POST', '/blocks/b/indexing/i/runs', {}],
    ['POST', '/blocks/b/indexing/i/runs/r/reports', { status: 'done' }],
    ['DELETE', '/blocks/b/indexing/i', undefined],
    ['PUT', '/edges/e', { source: 'a', target: 'c' }],
    ['DELETE', '/edges/e', undefined],
  ] as const) {
    const refused = await api.call(method, path, body, { 'if-none-match': '*' })
    expect([refused.status, refused.body.error.code]).toEqual([409, expect.stringMatching(/^(block|edge)_exists$/)])
  }
  expect((await api.call('GET', '')).body.lsn).toBe(3)
})

it('[H3] a version with the time of its record is not taken for a namesake from another copy of the log', async () => {
  await using api = await ApiFixture.start()
  const { body } = await api.call('PUT', '/blocks/b', { type: 'text' })
  const { at } = body.updatedBy
  const other = await api.call('PATCH', '/blocks/b', { content: 'x' }, { 'if-match': `"1@${at - 1}"` })
  expect(other.body).toMatchObject({
    error: { code: 'version_conflict', message: `block "b" is at version 1@${at}, not at 1@${at - 1}` },
    current: { version: 1 },
  })
  expect((await api.call('PATCH', '/blocks/b', { content: 'x' }, { 'if-match': `"1@${at}"` })).status).toBe(200)
})

it('[H3] preconditions that contradict each other are refused', () => {
  const read = (headers: Record<string, string>, version?: number) =>
    preconditionOf(blockWriteHeaders.parse(headers), { expected_version: version })
  expect(read({ 'if-match': '"1", "2@7"' }, 2)).toEqual({
    expectedVersion: 2,
    match: [
      { version: 1, at: undefined },
      { version: 2, at: 7 },
    ],
  })
  expect(() => read({ 'if-match': '"1"' }, 2)).toThrow('different versions')
  expect(() => read({ 'if-none-match': '*' }, 2)).toThrow('asks for no version')
  expect(() => read({ 'if-match': '*', 'if-none-match': '*' })).toThrow('asks for no version')
})

it.each(['"1"', 'W/"1"', '"7", "1"', '*'])(
  '[H1] who has a version already, and says so with If-None-Match: %s, gets no more than that',
  async (header) => {
    await using api = await ApiFixture.start()
    await api.call('PUT', '/blocks/b', { type: 'text' })
    await api.call('PUT', '/edges/e', { source: 'a', target: 'b' })
    const known = await api.call('GET', '/blocks/b', undefined, { 'if-none-match': header })
    expect([known.status, known.text, known.headers.get('etag')]).toEqual([304, '', '"1"'])
    const edge = await api.call('GET', '/edges/e', undefined, { 'if-none-match': header.replace('1', '2') })
    expect(edge.status).toBe(304)
    expect((await api.call('GET', '/blocks/b', undefined, { 'if-none-match': '"7"' })).status).toBe(200)
  },
)
