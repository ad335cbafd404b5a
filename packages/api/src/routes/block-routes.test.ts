import { createBlock, getBlock, listBlocks } from '@joinery/blocks'
import type { WorkspaceId } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'

const W = 'w' as WorkspaceId

it('[H1] a block is created by PUT, read with its version as ETag, and replaced part by part', async () => {
  await using api = await ApiFixture.start()
  const made = await api.call('PUT', '/blocks/b1', {
    type: 'text',
    content: 'one',
    fields: { n: 1, m: 2 },
    data: { x: [1] },
  })
  expect(made.status).toBe(201)
  expect(made.headers.get('etag')).toBe('"1"')
  expect(made.headers.get('x-joinery-lsn')).toBe('1')
  const read = await api.call('GET', '/blocks/b1')
  expect(read.body).toEqual(made.body)
  expect(read.body).toMatchObject({
    id: 'b1',
    type: 'text',
    content: 'one',
    indexingList: [],
    fields: { n: 1, m: 2 },
    data: { x: [1] },
    version: 1,
    updatedBy: { actor: 'anonymous', source: 'user_action', at: expect.any(Number) },
  })
  const replaced = await api.call('PUT', '/blocks/b1', { fields: { n: 3 } })
  expect(Object.keys(replaced.body.fields)).toEqual(['n'])
  expect(replaced.status).toBe(200)
  expect(replaced.body).toMatchObject({ content: 'one', fields: { n: 3 }, data: { x: [1] }, version: 2 })
  expect((await api.call('GET', '/blocks/b1', undefined, { 'if-none-match': '"2"' })).status).toBe(304)
  expect((await api.call('PUT', '/blocks/b1', { data: { y: 2 } })).body.data).toEqual({ y: 2 })
})

it('[H2] a merge patch changes what it names and null removes', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', {
    type: 'text',
    content: 'one two',
    fields: { a: { x: 1, y: 2 }, b: 1 },
    data: { d: { e: 1, f: 2 }, g: 1 },
  })
  const patch = {
    type: 'note',
    content: 'one 2 two',
    fields: { a: { y: null, z: 3 }, b: null },
    data: { d: { e: null }, g: null, h: 4 },
  }
  const { status, body } = await api.call('PATCH', '/blocks/b1', patch, {
    'content-type': 'application/merge-patch+json',
  })
  expect(status).toBe(200)
  expect(body).toMatchObject({
    type: 'note',
    content: 'one 2 two',
    fields: { a: { x: 1, z: 3 } },
    data: { d: { f: 2 }, h: 4 },
  })
  expect(Object.keys(body.fields)).toEqual(['a'])
  expect(Object.keys(body.data).sort()).toEqual(['d', 'h'])
  const same = await api.call('PATCH', '/blocks/b1', patch)
  expect(same.headers.get('x-joinery-lsn')).toBe('2')
})

it('[H3] a write at a version that has moved is refused with what stands, and changes nothing', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text', content: 'one' })
  await api.call('PATCH', '/blocks/b1', { content: 'two' }, { 'if-match': '"1"' })
  for (const [path, headers] of [
    ['/blocks/b1', { 'if-match': '"1"' }],
    ['/blocks/b1?expected_version=1', {}],
  ] as const) {
    for (const method of ['PATCH', 'PUT', 'DELETE']) {
      const refused = await api.call(method, path, method === 'DELETE' ? undefined : { content: 'three' }, headers)
      expect(refused.status).toBe(409)
      expect(refused.body).toMatchObject({
        error: { code: 'version_conflict' },
        current: { content: 'two', version: 2 },
      })
    }
  }
  const exists = await api.call('PUT', '/blocks/b1', { type: 'text' }, { 'if-none-match': '*' })
  expect(exists.body).toMatchObject({ error: { code: 'block_exists' }, current: { version: 2 } })
  expect((await api.call('GET', '')).body.lsn).toBe(2)
})

it('[H4] a repeat under one key answers as the first did, also from the log, and takes effect once', async () => {
  await using api = await ApiFixture.start({ limits: { answersMax: 0 } })
  const key = { 'idempotency-key': 'k1' }
  const first = await api.call('PUT', '/blocks/b1', { type: 'text', fields: { n: 1 } }, key)
  await api.call('PATCH', '/blocks/b1', { fields: { n: 2 } })
  const again = await api.call('PUT', '/blocks/b1', { type: 'text', fields: { n: 1 } }, key)
  expect(again.status).toBe(201)
  expect(again.body).toEqual(first.body)
  expect(again.headers.get('etag')).toBe(first.headers.get('etag'))
  expect((await api.call('GET', '/blocks/b1')).body.fields).toEqual({ n: 2 })
  const other = await api.call('PUT', '/blocks/b1', { type: 'text', fields: { n: 9 } }, key)
  expect(other.body.error.code).toBe('key_reused')
  const somebody = await api.call(
    'PUT',
    '/blocks/b1',
    { type: 'text', fields: { n: 1 } },
    { ...key, 'x-joinery-actor': 'eve' },
  )
  expect(somebody.status).toBe(422)
})

it('[H4] ten repeats at once take effect once', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text' })
  const start = () => api.call('POST', '/blocks/b1/indexing/main/runs', {}, { 'idempotency-key': 'once' })
  const answers = await Promise.all(Array.from({ length: 10 }, start))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(answers[0]?.body.entry.run.no).toBe(1)
  expect((await api.call('GET', '')).body.lsn).toBe(2)
})

it('[H5] a block of the past is read at an LSN and at a time', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text', content: 'one' })
  const { at } = (await api.call('PATCH', '/blocks/b1', { content: 'two' })).body.updatedBy
  await expect.poll(() => Date.now()).toBeGreaterThan(at)
  await api.call('PATCH', '/blocks/b1', { content: 'three' })
  expect((await api.call('GET', '/blocks/b1?at=1')).body).toMatchObject({ content: 'one', version: 1 })
  expect((await api.call('GET', `/blocks/b1?at=${new Date(at).toISOString()}`)).body).toMatchObject({ content: 'two' })
  expect((await api.call('GET', '/blocks/b1?at=0')).body.error.code).toBe('unknown_block')
  expect((await api.call('GET', '/blocks/b1?at=9')).body.error).toMatchObject({
    code: 'unknown_lsn',
    details: { head: 3 },
  })
  expect((await api.call('GET', '/blocks?at=2&limit=1')).body).toMatchObject({
    blocks: [{ content: 'two' }],
    lsn: 2,
    next: null,
  })
})

it('[H6] blocks are listed in pages by id', async () => {
  await using api = await ApiFixture.start()
  const operations = ['b', 'a', 'd', 'c'].map((block) => ({ op: 'put', block, type: 'text' }))
  await api.call('POST', '/transactions', { operations })
  const first = await api.call('GET', '/blocks?limit=3')
  expect(first.body.blocks.map(({ id }: { id: string }) => id)).toEqual(['a', 'b', 'c'])
  const second = await api.call('GET', `/blocks?limit=3&after=${first.body.next}`)
  expect(second.body).toMatchObject({ blocks: [{ id: 'd' }], next: null })
  expect((await api.call('GET', '')).body).toMatchObject({ name: 'w', lsn: 1, blocks: 4, connections: 0 })
  expect((await api.call('GET', '/v1/workspaces')).body).toEqual({ workspaces: ['w'], next: null })
})

it('[H6] a page of large blocks ends before its limit, and the next begins after it', async () => {
  await using api = await ApiFixture.start()
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
    await api.call('PUT', `/blocks/${id}`, { type: 'text', content: id.repeat(450_000) })
  }
  const ids = ({ body }: { body: { blocks: { id: string }[] } }): string => body.blocks.map(({ id }) => id).join('')
  const first = await api.call('GET', '/blocks')
  expect([ids(first), first.body.next]).toEqual(['abcde', 'e'])
  const second = await api.call('GET', `/blocks?after=${first.body.next}`)
  expect([ids(second), second.body.next]).toEqual(['f', null])
})

it('[H1, H2] a body full of fields is written in one walk through what is there', async () => {
  await using api = await ApiFixture.start()
  const fields = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index]))
  expect((await api.call('PUT', '/blocks/b', { type: 'text', fields })).status).toBe(201)
  const patched = await api.call('PATCH', '/blocks/b', { fields: { ...fields, k0: 'x', k1: null } })
  expect(Object.keys(patched.body.fields)).toHaveLength(4_999)
  expect((await api.call('PUT', '/blocks/b', { fields: { k0: 'x' } })).body.fields).toEqual({ k0: 'x' })
})

describe.each(['PATCH', 'PUT'])('%s of the content of a rich text', (method) => {
  const writer = { actor: 'ada', source: 'user_action' }

  /** A block with a bold word and an image, as an editor for rich text writes it. */
  async function withRichText() {
    const api = await ApiFixture.start()
    const { workspaces } = api.server
    const run = (doc: Y.Doc): void => {
      const { content } = createBlock(doc, 'b1', { type: 'text' })
      content.insert(0, 'See here: a picture, ')
      content.insert(content.length, 'bold', { bold: true })
      content.insertEmbed(10, { image: 'x' })
    }
    const { lsn } = await workspaces.write(W, { writer, via: 'test', run })
    const edit = (change: (content: Y.Text) => void) =>
      workspaces.write(W, { writer, via: 'test', run: (doc) => change(getBlock(doc, 'b1')?.content as Y.Text) })
    const delta = () => workspaces.read(W, ({ doc }) => getBlock(doc, 'b1')?.content.toDelta())
    return { api, lsn, edit, delta }
  }

  it('[H2] keeps embeds and marks, and the text as it was read changes nothing, also with based_on', async () => {
    const { api, lsn, edit, delta } = await withRichText()
    await using _ = api
    const { content } = (await api.call('GET', '/blocks/b1')).body
    expect(content).toBe('See here: a picture, bold')
    const before = await delta()
    for (const query of ['', `?based_on=${lsn}`]) {
      const { status, body } = await api.call(method, `/blocks/b1${query}`, { content })
      expect([status, body.version]).toEqual([200, lsn])
      expect(await delta()).toEqual(before)
    }
    await edit((text) => text.insertEmbed(4, { mention: 'ada' }))
    const patched = await api.call(method, `/blocks/b1?based_on=${lsn}`, { content: 'See here: two pictures, bolder' })
    expect(patched.body.content).toBe('See here: two pictures, bolder')
    expect(await delta()).toEqual([
      { insert: 'See ' },
      { insert: { mention: 'ada' } },
      { insert: 'here: ' },
      { insert: { image: 'x' } },
      { insert: 'two pictures, ' },
      { insert: 'bolder', attributes: { bold: true } },
    ])
    expect((await api.call(method, '/blocks/b1', { content: 'here: two' })).body.content).toBe('here: two')
    expect(await delta()).toEqual([
      { insert: { mention: 'ada' } },
      { insert: 'here: ' },
      { insert: { image: 'x' } },
      { insert: 'two' },
    ])
  })
})

it('[H5] as=delta gives the content with its marks and embeds, now and in the past', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b1', { type: 'text', content: 'one two' })
  const run = (doc: Y.Doc): void => {
    const content = getBlock(doc, 'b1')?.content
    content?.insertEmbed(3, { image: 'x' }, { width: 3 })
    content?.insertEmbed(0, new Y.Text('note'))
    content?.format(5, 4, { bold: true, link: { href: '/' } })
    doc.getMap('blocks').set('plain', new Y.Map([['content', 'as a stock client wrote it']]))
  }
  await api.server.workspaces.write(W, { writer: { actor: 'ada', source: 'user_action' }, via: 'test', run })
  const rich = await api.call('GET', '/blocks/b1?as=delta')
  expect(rich.body).toEqual({
    ...(await api.call('GET', '/blocks/b1')).body,
    delta: [
      { insert: { value: 'note' } },
      { insert: 'one' },
      { insert: { image: 'x' }, attributes: { width: 3 } },
      { insert: ' two', attributes: { bold: true, link: { href: '/' } } },
    ],
  })
  expect(rich.headers.get('etag')).toBe('"2"')
  expect((await api.call('GET', '/blocks/b1?as=delta&at=1')).body.delta).toEqual([{ insert: 'one two' }])
  expect((await api.call('GET', '/blocks/plain?as=delta')).body.delta).toEqual([
    { insert: 'as a stock client wrote it' },
  ])
  expect((await api.call('GET', '/blocks/b1?as=html')).body.error.code).toBe('invalid')
})

it('[H32] POST makes a block under an id that the server draws, once per key, and adds no client id to the document for it', async () => {
  await using api = await ApiFixture.start()
  expect((await api.call('POST', '/blocks', { content: 'no type' })).status).toBe(422)
  const made = await api.call('POST', '/blocks', { type: 'text', content: 'one', fields: { n: 1 }, data: { x: 1 } })
  expect(made.status).toBe(201)
  expect(made.headers.get('etag')).toBe('"1"')
  expect((await api.call('GET', `/blocks/${made.body.id}`)).body).toEqual(made.body)
  const key = { 'idempotency-key': 'once' }
  const first = await api.call('POST', '/blocks', { type: 'text' }, key)
  const repeated = await api.call('POST', '/blocks', { type: 'text' }, key)
  expect(repeated.body).toEqual(first.body)
  expect((await api.call('POST', '/blocks', { type: 'note' }, key)).status).toBe(422)
  for (let i = 0; i < 20; i++) await api.call('POST', '/blocks', { type: 'text' })
  await api.call('DELETE', `/blocks/${made.body.id}`)
  const clients = () =>
    api.server.workspaces.read(W, ({ doc }) => [doc.store.clients.size, listBlocks(doc).length] as const)
  expect(await clients()).toEqual([1, 21])
  expect((await api.call('POST', '/restore', { lsn: 3 })).status).toBe(200)
  expect((await api.call('GET', `/blocks/${made.body.id}`)).body).toMatchObject({ content: 'one', data: { x: 1 } })
  expect((await clients())[0]).toBe(1)
})

it('[H32] a new block named "." or "..", and an integer beyond 2^53, are refused', async () => {
  await using api = await ApiFixture.start()
  for (const block of ['.', '..']) {
    const operations = [{ op: 'put', block, type: 'text' }]
    expect((await api.call('POST', '/transactions', { operations })).status).toBe(422)
  }
  for (const n of [2 ** 53, -(2 ** 64)])
    expect((await api.call('PUT', '/blocks/b', { type: 'text', data: { n } })).status).toBe(422)
  for (const digits of ['123456789012345678901234567890', '-1000000000000000000000000'])
    expect((await api.call('PUT', '/blocks/b', `{"type":"text","data":{"a":"\\"","n":${digits}}}`)).status).toBe(422)
  const large = { n: 1.5e300, m: -1e21, text: '123456789012345678901234567890' }
  expect((await api.call('PUT', '/blocks/large', { type: 'text', data: large })).body.data).toEqual(large)
  expect((await api.call('PUT', '/blocks/b', { type: 'text', data: { n: 2 ** 53 - 1 } })).status).toBe(201)
})
