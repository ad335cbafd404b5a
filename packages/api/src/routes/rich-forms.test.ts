import { createBlock, getBlock } from '@joinery/blocks'
import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'

const W = 'w' as WorkspaceId
const writer = { actor: 'somebody', source: 'user_action' }

/** A block with everything that JSON and plain text lack. */
async function startWithRichBlock(): Promise<ApiFixture> {
  const api = await ApiFixture.start()
  await edit(api, (doc) => {
    const block = createBlock(doc, 'a', { type: 'text' })
    block.content.applyDelta([
      { insert: 'one ' },
      { insert: 'two', attributes: { link: { href: 'x' } } },
      { insert: { image: 'i' } },
      { insert: new Y.Map([['k', 1]]) },
      { insert: ' three' },
    ])
    const paragraph = new Y.XmlElement('p')
    paragraph.insert(0, [new Y.XmlText('in a paragraph')])
    block.data.set('xml', paragraph)
    block.data.set('bytes', new Uint8Array([1, 2, 255]))
    block.data.set('inside', { more: new Uint8Array([7]), n: null })
    block.data.set('list', Y.Array.from([1, 'two', new Uint8Array([3])]))
    block.data.set('nothing', null)
    block.data.set('undefined', undefined)
    const note = new Y.Text()
    note.insert(0, 'a note', { bold: true })
    block.data.set('note', note)
    block.fields.set('nothing', null, { actor: 'ada', source: 'user_action' })
  })
  return api
}

async function edit(api: ApiFixture, run: (doc: Y.Doc) => void): Promise<number> {
  return (await api.server.workspaces.write(W, { writer, via: 'test', run })).lsn
}

function look<T>(api: ApiFixture, read: (data: Y.Map<unknown>, content: Y.Text) => T): Promise<T | undefined> {
  return api.server.workspaces.read(W, ({ doc }) => {
    const block = getBlock(doc, 'a')
    return block && read(block.data, block.content)
  })
}

it('[H47] XML reads as its text, bytes as base64 with their type, and texts in data as deltas on request', async () => {
  await using api = await startWithRichBlock()
  expect((await api.call('GET', '/blocks/a')).body.data).toEqual({
    xml: '<p>in a paragraph</p>',
    bytes: { type: 'Uint8Array', base64: 'AQL/' },
    inside: { more: { type: 'Uint8Array', base64: 'Bw==' }, n: null },
    list: [1, 'two', { type: 'Uint8Array', base64: 'Aw==' }],
    nothing: null,
    note: 'a note',
  })
  const { data, delta } = (await api.call('GET', '/blocks/a?as=delta')).body
  expect(data.note).toEqual({ type: 'Y.Text', delta: [{ insert: 'a note', attributes: { bold: true } }] })
  expect(delta).toEqual([
    { insert: 'one ' },
    { insert: 'two', attributes: { link: { href: 'x' } } },
    { insert: { image: 'i' } },
    { insert: { k: 1 } },
    { insert: ' three' },
  ])
})

it.each(['', '?as=delta'])('[H46] PATCH and PUT of exactly what GET %s gave change nothing', async (query) => {
  await using api = await startWithRichBlock()
  const {
    id: _id,
    version: _version,
    updatedBy: _by,
    indexingList: _list,
    statuses: _statuses,
    ...body
  } = (await api.call('GET', `/blocks/a${query}`)).body
  for (const method of ['PATCH', 'PUT']) {
    for (const based of ['', '?based_on=1']) {
      const written = await api.call(method, `/blocks/a${based}`, body)
      expect([written.status, written.headers.get('x-joinery-lsn')]).toEqual([200, '1'])
    }
  }
})

it('[H46] a delta is written with the smallest edits, merges with later ones, and keeps embeds of their Yjs type', async () => {
  await using api = await startWithRichBlock()
  const { delta } = (await api.call('GET', '/blocks/a?as=delta')).body
  await edit(api, (doc) => getBlock(doc, 'a')?.content.insert(0, 'Zero '))
  const next = [
    ...delta.slice(0, 2),
    { insert: { image: 'j' } },
    delta[3],
    { insert: ' three', attributes: { bold: true } },
  ]
  await api.call('PATCH', '/blocks/a?based_on=1', { delta: next })
  expect((await api.call('GET', '/blocks/a?as=delta')).body.delta).toEqual([{ insert: 'Zero one ' }, ...next.slice(1)])
  const kept = await look(api, (_, content) => content.toDelta()[3].insert)
  expect(kept).toBeInstanceOf(Y.Map)
})

it('[H46] a delta is refused at another version, beside other content, and where it is no document', async () => {
  await using api = await startWithRichBlock()
  const stale = await api.call('PATCH', '/blocks/a', { delta: [] }, { 'if-match': '"9"' })
  expect(stale.body.error.code).toBe('version_conflict')
  for (const body of [
    { delta: [{ insert: 'x' }], content: 'y' },
    { delta: [{ retain: 3 }] },
    { delta: [{ insert: 3 }] },
    { delta: 'x' },
  ]) {
    expect((await api.call('PATCH', '/blocks/a', body)).body.error.code).toBe('invalid')
  }
  expect((await api.call('GET', '')).body.lsn).toBe(1)
})

it('[H47] texts and lists in data are edited and stay what they are, and bytes and texts can be written', async () => {
  await using api = await startWithRichBlock()
  const data = {
    note: { type: 'Y.Text', delta: [{ insert: 'a ' }, { insert: 'note', attributes: { bold: true } }] },
    list: [0, 1, { type: 'Uint8Array', base64: 'Aw==' }],
    bytes: { type: 'Uint8Array', base64: 'AQ==' },
    made: { type: 'Y.Text', delta: [{ insert: 'new' }] },
    inside: { n: 1 },
  }
  expect((await api.call('PATCH', '/blocks/a', { data })).status).toBe(200)
  const held = await look(api, (map) => [
    (map.get('note') as Y.Text).toDelta(),
    (map.get('list') as Y.Array<unknown>).toArray(),
    map.get('bytes'),
    (map.get('made') as Y.Text).toDelta(),
    map.get('inside'),
  ])
  expect(held).toEqual([
    data.note.delta,
    [0, 1, new Uint8Array([3])],
    new Uint8Array([1]),
    [{ insert: 'new' }],
    { more: new Uint8Array([7]), n: 1 },
  ])
  await api.call('PATCH', '/blocks/a', { data: { note: 'a short note' } })
  expect(await look(api, (map) => (map.get('note') as Y.Text).toDelta())).toEqual([
    { insert: 'a short ' },
    { insert: 'note', attributes: { bold: true } },
  ])
})

it('[H47] other JSON over XML is refused, and null removes it', async () => {
  await using api = await startWithRichBlock()
  const refused = await api.call('PATCH', '/blocks/a', { data: { xml: '<p>other</p>' } })
  expect([refused.status, refused.body.error.code]).toEqual([409, 'foreign_shape'])
  expect((await api.call('GET', '')).body.lsn).toBe(1)
  expect((await api.call('PATCH', '/blocks/a', { data: { xml: null } })).body.data.xml).toBeUndefined()
})
