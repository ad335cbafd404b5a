import { createBlock, getBlock } from '@joinery/blocks'
import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ApiFixture } from '../testing/api-fixture.ts'
import { readEvents } from '../testing/event-source.ts'

const W = 'w' as WorkspaceId
const writer = { actor: 'somebody', source: 'user_action' }

async function edit(api: ApiFixture, run: (doc: Y.Doc) => void): Promise<void> {
  await api.server.workspaces.write(W, { writer, via: 'test', run })
}

function paragraphs(doc: Y.Doc): Y.XmlFragment {
  return doc.getXmlFragment('prosemirror')
}
const textIn = (doc: Y.Doc, at: number): Y.XmlText => (paragraphs(doc).get(at) as Y.XmlElement).get(0) as Y.XmlText

/** A page of three paragraphs, and a block with a rich text. */
async function startWithPage(): Promise<ApiFixture> {
  const api = await ApiFixture.start()
  await edit(api, (doc) => {
    for (const words of ['one', 'two', 'three']) {
      const paragraph = new Y.XmlElement('paragraph')
      paragraphs(doc).insert(paragraphs(doc).length, [paragraph])
      paragraph.insert(0, [new Y.XmlText(words)])
    }
    createBlock(doc, 'b', { type: 'text' }).content.insert(0, 'some words')
  })
  return api
}

/** Edits of every kind, each with the changes that it is told as. */
const third = [{ index: 2, name: 'paragraph' }, { index: 0 }]
const content = [{ key: 'b' }, { key: 'content' }]
const CASES: readonly (readonly [string, (doc: Y.Doc) => void, readonly object[]])[] = [
  [
    'typed',
    (doc) => textIn(doc, 2).insert(5, '!'),
    [{ root: 'prosemirror', path: third, kind: 'text_inserted', index: 5, length: 1, text: '!' }],
  ],
  [
    'deleted',
    (doc) => textIn(doc, 2).delete(0, 3),
    [{ root: 'prosemirror', path: third, kind: 'text_deleted', index: 0, length: 3, text: 'thr' }],
  ],
  [
    'an attribute',
    (doc) => (paragraphs(doc).get(2) as Y.XmlElement).setAttribute('align', 'left'),
    [
      {
        root: 'prosemirror',
        path: third.slice(0, 1),
        kind: 'attribute_changed',
        key: 'align',

        after: 'left',
      },
    ],
  ],
  [
    'a new child',
    (doc) => paragraphs(doc).insert(1, [new Y.XmlElement('image')]),
    [{ root: 'prosemirror', path: [], kind: 'item_added', index: 1, name: 'image', value: '<image></image>' }],
  ],
  [
    'marks',
    (doc) => getBlock(doc, 'b')?.content.format(5, 5, { bold: true }),
    [{ root: 'blocks', path: content, kind: 'formatted', index: 5, length: 5, before: {}, after: { bold: true } }],
  ],
  [
    'an embed',
    (doc) => getBlock(doc, 'b')?.content.insertEmbed(4, { image: 'x' }),
    [{ root: 'blocks', path: content, kind: 'embed_added', index: 4, value: { image: 'x' } }],
  ],
  [
    'map keys and items',
    (doc) => {
      doc.getMap('nodes').set('n', { x: 1 })
      doc.getArray('list').push([new Uint8Array([1])])
    },
    [
      { root: 'nodes', path: [], kind: 'key_changed', key: 'n', after: { x: 1 } },
      { root: 'list', path: [], kind: 'item_added', index: 0, value: { type: 'Uint8Array', base64: 'AQ==' } },
    ],
  ],
  [
    'data',
    (doc) => getBlock(doc, 'b')?.data.set('k', 1),
    [{ root: 'blocks', path: [{ key: 'b' }, { key: 'data' }], kind: 'key_changed', key: 'k', after: 1 }],
  ],
]

it.each(CASES)('[H48] a diff and the history tell where and how a content changed: %s', async (_, run, expected) => {
  await using api = await startWithPage()
  await edit(api, run)
  const diff = (await api.call('GET', '/diff?from=1&to=2')).body
  const inside = [...diff.changes, ...diff.changed.flatMap(({ changes }: { changes: object[] }) => changes)]
  expect(inside).toHaveLength(expected.length)
  expect(inside).toEqual(expect.arrayContaining([...expected]))
  const { records } = (await api.call('GET', '/history?after=1&as=changes')).body
  expect(records[0].changes).toEqual(expected)
  expect(records[0].changesOmitted).toBe(0)
  expect((await api.call('GET', '/diff?from=2&to=2')).body).toMatchObject({ changed: [], changes: [] })
})

it('[H48] the feed tells the same', async () => {
  await using api = await startWithPage()
  for (const [, run] of CASES) await edit(api, run)
  const { records } = (await api.call('GET', '/history?after=1&as=changes')).body
  const stop = new AbortController()
  const told: unknown[] = []
  for await (const { data } of readEvents(`${api.server.url}/v1/workspaces/w/events?after=1`, {
    signal: stop.signal,
  })) {
    told.push(data.changes)
    if (told.length === records.length) break
  }
  stop.abort()
  expect(told).toEqual(records.map(({ changes }: { changes: unknown }) => changes))
})

it('[H48] an answer tells as many changes as fit, and counts the rest', async () => {
  await using api = await startWithPage()
  await edit(api, (doc) => {
    for (let n = 0; n < 1_500; n++) doc.getMap('nodes').set(`n${n}`, n)
  })
  const { changes, changesOmitted } = (await api.call('GET', '/diff?from=1&to=2')).body
  expect([changes.length, changesOmitted]).toEqual([1_000, 500])
  const [record] = (await api.call('GET', '/history?after=1&as=changes')).body.records
  expect([record.changes.length, record.changesOmitted]).toEqual([100, 1_400])
})
