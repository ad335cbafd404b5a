import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { BLOCK_SKELETON_LENGTH, encodeSkeleton, skeletonClientId } from './block-skeleton.ts'
import {
  BlocksError,
  createBlock,
  deleteBlock,
  forkDoc,
  getBlock,
  listBlocks,
  listEdges,
  removeEdge,
  setEdge,
  undoScope,
} from './index.ts'
import type { JsonObject } from './json.ts'
import { writeJson } from './rich-content/write-json.ts'
import { setPlain } from './set-plain.ts'
import { docWithBlock, gcUpdate, syncAll, USER, WORKFLOW } from './testing/test-docs.ts'

test('[B1] a skeleton is byte for byte what a throw-away doc writes, and never changes', () => {
  const skeleton = { kind: 'block', blockId: 'b1', incarnation: 0, follows: undefined } as const
  const doc = new Y.Doc()
  doc.clientID = skeletonClientId(skeleton)
  const parts: [string, unknown][] = [
    ['id', 'b1'],
    ['content', new Y.Text()],
    ['indexingList', new Y.Array()],
    ['fields', new Y.Array()],
    ['data', new Y.Map()],
  ]
  doc.getMap('blocks').set('b1', new Y.Map(parts))
  expect(encodeSkeleton(skeleton)).toEqual(Y.encodeStateAsUpdate(doc))
  // The number is frozen: with another one, old and new clients would create the same block twice.
  expect(skeletonClientId(skeleton)).toBe(FROZEN_CLIENT_ID)
})
const FROZEN_CLIENT_ID = 6_871_500_318_659_371

test('[B2] createBlock returns the block that is there, and leaves its type, when called again', () => {
  const { doc, block } = docWithBlock()
  block.content.insert(0, 'kept')
  const again = createBlock(doc, 'b1', { type: 'other' })
  expect(again).toBe(block)
  expect(again.toJSON()).toMatchObject({ id: 'b1', type: 'text', content: 'kept' })
  expect(doc.clientID).toBeLessThan(2 ** 32)
})

test('[B3, M5] both contents and both statuses stay when two clients create one block', () => {
  const [left, right] = [docWithBlock(), docWithBlock()]
  left.block.content.insert(0, 'left ')
  right.block.content.insert(0, 'right ')
  left.block.indexingList.startRun('alpha', WORKFLOW)
  right.block.indexingList.startRun('beta', USER)
  syncAll(left.doc, right.doc)
  expect(left.block.toJSON()).toEqual(right.block.toJSON())
  expect(left.block.text).toContain('left ')
  expect(left.block.text).toContain('right ')
  expect(left.block.indexingList.entries().map((entry) => entry.index_name)).toEqual(['alpha', 'beta'])
})

test('[B4] a block created again after deletion starts empty, and merges with the same re-creation elsewhere', () => {
  const { doc, block } = docWithBlock()
  block.content.insert(0, 'old')
  const other = forkDoc(doc)
  deleteBlock(doc, 'b1')
  syncAll(doc, other)
  expect(getBlock(other, 'b1')).toBeUndefined()
  expect(block.isLive).toBe(false)
  expect(() => block.content).toThrow(expect.objectContaining({ code: 'block_missing' }))
  expect(() => block.indexingList.startRun('a', USER)).toThrow(expect.objectContaining({ code: 'block_missing' }))
  for (let round = 0; round < 3; round++) {
    const [here, there] = [createBlock(doc, 'b1', { type: 'text' }), createBlock(other, 'b1', { type: 'text' })]
    here.content.insert(0, 'here')
    there.content.insert(0, 'there')
    syncAll(doc, other)
    expect(here.text).toBe(there.text)
    expect([...here.text].sort().join('')).toBe([...'herethere'].sort().join(''))
    deleteBlock(doc, 'b1')
    syncAll(doc, other)
  }
})

test('[B4] createBlock makes a block even where a stock client has overwritten and deleted the skeleton', () => {
  const { doc } = docWithBlock()
  doc.getMap('blocks').set('b1', new Y.Map())
  deleteBlock(doc, 'b1')
  const block = createBlock(doc, 'b1', { type: 'text' })
  block.content.insert(0, 'alive')
  expect(getBlock(doc, 'b1')?.text).toBe('alive')
})

test('[B4] a block whose skeleton has been spoilt is created with the next one, and merges like the first', () => {
  const first = skeletonClientId({ kind: 'block', blockId: 'b1', incarnation: 0, follows: undefined })
  const docs = [new Y.Doc(), new Y.Doc()]
  for (const doc of docs) {
    Y.applyUpdate(doc, gcUpdate(first, 0, BLOCK_SKELETON_LENGTH))
    createBlock(doc, 'b1', { type: 'text' }).content.insert(0, 'x')
  }
  syncAll(...docs)
  expect(docs.map((doc) => getBlock(doc, 'b1')?.text)).toEqual(['xx', 'xx'])
})

test("[B5] a stock client's bare block reads as empty without a write, and two clients complete it with the same structs", () => {
  const doc = new Y.Doc()
  doc.getMap('blocks').set('bare', new Y.Map())
  const before = Y.encodeStateAsUpdate(doc)
  expect(listBlocks(doc).map((block) => block.toJSON())).toEqual([
    { id: 'bare', type: '', content: '', indexingList: [], fields: {}, statuses: [], data: {} },
  ])
  expect(Y.encodeStateAsUpdate(doc)).toEqual(before)
  const other = forkDoc(doc)
  getBlock(doc, 'bare')?.content.insert(0, 'one ')
  getBlock(other, 'bare')?.content.insert(0, 'two ')
  getBlock(doc, 'bare')?.indexingList.startRun('alpha', USER)
  getBlock(other, 'bare')?.indexingList.startRun('beta', WORKFLOW)
  syncAll(doc, other)
  expect(getBlock(doc, 'bare')?.toJSON()).toEqual(getBlock(other, 'bare')?.toJSON())
  expect(getBlock(doc, 'bare')?.text).toMatch(/one two |two one /)
  expect(getBlock(doc, 'bare')?.indexingList.entries()).toHaveLength(2)
})

test('[B5] plain values in place of text and list are taken over, and a foreign type is a foreign_shape', () => {
  const doc = new Y.Doc()
  const list = [{ index_name: 'alpha', status: 'done', timestamp: 5 }]
  doc.getMap('blocks').set(
    'plain',
    new Y.Map<unknown>([
      ['content', 'a string'],
      ['indexingList', list],
    ]),
  )
  doc.getMap('blocks').set('odd', new Y.Map([['content', new Y.XmlFragment()]]))
  const block = getBlock(doc, 'plain')
  expect(block?.toJSON()).toMatchObject({
    content: 'a string',
    indexingList: [{ index_name: 'alpha', status: 'done', run: { no: 0 } }],
  })
  block?.content.insert(8, '!')
  expect(block?.indexingList.startRun('beta', USER).no).toBe(1)
  expect(block?.toJSON()).toMatchObject({
    content: 'a string!',
    indexingList: [{ index_name: 'alpha' }, { index_name: 'beta' }],
  })
  expect(() => getBlock(doc, 'odd')?.content).toThrow(expect.objectContaining({ code: 'foreign_shape' }))
})

test('[B6] an id that is empty, too long, or holds "/", control characters, half a pair or a forbidden key is refused', () => {
  const doc = new Y.Doc()
  for (const id of ['', 'x'.repeat(129), 'a/b', 'a\u0000b', '\ud800', '__proto__']) {
    expect(() => createBlock(doc, id, { type: 'text' }), JSON.stringify(id)).toThrow(
      expect.objectContaining({ code: 'bad_block_id', field: 'id' }),
    )
    expect(() => setEdge(doc, id, { source: 'a', target: 'b' })).toThrow(BlocksError)
  }
  expect(listBlocks(doc)).toEqual([])
})

test('[B7] edges are written, listed by id and removed; what is no edge is left out', () => {
  const doc = new Y.Doc()
  setEdge(doc, 'e2', { source: 'b', target: 'c', label: 'then' })
  setEdge(doc, 'e1', { source: 'a', target: 'b' })
  doc.getMap('edges').set('junk', 'not an edge')
  expect(listEdges(doc)).toEqual([
    { id: 'e1', source: 'a', target: 'b' },
    { id: 'e2', source: 'b', target: 'c', label: 'then' },
  ])
  expect([removeEdge(doc, 'e1'), removeEdge(doc, 'e1')]).toEqual([true, false])
  expect(() => setEdge(doc, 'e3', { source: '', target: 'b' })).toThrow(
    expect.objectContaining({ code: 'bad_argument', field: 'source' }),
  )
})

test('[B8] constructor and prototype are keys like any other: of data, fields and edges, and as ids', () => {
  const doc = new Y.Doc()
  const keys = ['constructor', 'prototype']
  for (const key of keys) {
    const value = { [key]: { [key]: [key] } }
    const block = createBlock(doc, key, { type: 'text' })
    setPlain(block.data, key, value)
    const shared = block.data.set('shared', new Y.Map<unknown>())
    setPlain(shared, key, value)
    block.fields.set(key, value, USER)
    block.indexingList.startRun(key, { ...USER, runId: key, collectionConfigs: value })
    setEdge(doc, key, { source: key, target: key, ...value })
  }
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  expect(listEdges(copy).map(({ id }) => id)).toEqual(keys)
  for (const key of keys) {
    const value = { [key]: { [key]: [key] } }
    const json = getBlock(copy, key)?.toJSON()
    expect(json?.data).toEqual({ [key]: value, shared: { [key]: value } })
    expect(json?.fields).toEqual({ [key]: value })
    expect(json?.indexingList[0]).toMatchObject({ index_name: key, run: { id: key }, collection_configs: value })
    expect(Object.keys(json?.fields ?? {})).toEqual([key])
    expect(getBlock(copy, key)?.fields.get(key)).toEqual(value)
  }
})

test('[B8] no reader returns the key __proto__, however deep it stands, and constructor and prototype are own properties', () => {
  const { doc, block } = docWithBlock()
  const evil: unknown = JSON.parse(
    '{"__proto__":{"polluted":1},"deep":[{"constructor":{"prototype":{"polluted":1}},"kept":true}]}',
  )
  block.data.set('evil', evil)
  block.data.set('big', 2n ** 60n)
  block.data.set('__proto__', { polluted: 1 })
  doc.getMap('edges').set('e1', { source: 'a', target: 'b', ...(evil as object) })
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  const json = getBlock(copy, 'b1')?.toJSON()
  expect(JSON.stringify(json?.data)).toBe(
    '{"evil":{"deep":[{"constructor":{"prototype":{"polluted":1}},"kept":true}]},"big":"1152921504606846976"}',
  )
  expect((json?.data as { polluted?: number } | undefined)?.polluted).toBeUndefined()
  expect((json?.data.evil as { polluted?: number } | undefined)?.polluted).toBeUndefined()
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
  expect(JSON.stringify(listEdges(copy))).not.toContain('__proto__')
  expect(() => block.fields.set('__proto__', 1, USER)).toThrow(expect.objectContaining({ code: 'forbidden_key' }))
})

test('[B8] undo takes such keys back and redo brings them again, and a copy made of what is read has them', () => {
  const { doc, block } = docWithBlock()
  const keys = ['constructor', 'prototype']
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, { ...options, captureTimeout: 0 })
  doc.transact(() => {
    for (const key of keys) {
      setPlain(block.data, key, { [key]: { [key]: [key] } })
      block.data.set(`shared ${key}`, new Y.Map([[key, key]]))
      block.fields.set(key, { [key]: key }, USER)
    }
    block.data.set('__proto__', { polluted: 1 })
  })
  const written = block.toJSON()
  expect(Object.keys(written.data).sort()).toEqual([...keys, ...keys.map((key) => `shared ${key}`)])
  undo.undo()
  expect([block.toJSON().data, block.toJSON().fields]).toEqual([{}, {}])
  expect(block.data.has('__proto__')).toBe(false)
  undo.redo()
  expect([block.toJSON().data, block.toJSON().fields]).toEqual([written.data, written.fields])
  expect(block.data.get('__proto__')).toEqual({ polluted: 1 })

  const copy = createBlock(new Y.Doc(), 'copy', { type: 'text' })
  writeJson(copy.data, written.data as JsonObject, 'replace')
  for (const [key, value] of Object.entries(written.fields)) copy.fields.set(key, value, USER)
  expect([copy.toJSON().data, copy.toJSON().fields]).toEqual([written.data, written.fields])
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})
