import { expect, test } from 'vitest'
import * as Y from 'yjs'
import {
  type Block,
  CLAIM_LISTS,
  type ClaimList,
  createBlock,
  deleteBlock,
  documentRules,
  forkDoc,
  getBlock,
  isRandomBlockId,
  listBlocks,
  setEdge,
  undoScope,
} from './index.ts'
import { docWithBlock, syncAll, USER } from './testing/test-docs.ts'

const ADA = { actor: 'ada', source: 'user_action', sources: undefined, isAuthenticated: true }

test('[B52] a block without a name gets a random id and adds no client id, however many there are', () => {
  const doc = new Y.Doc()
  const server = new Y.Doc()
  const rules = documentRules.open(server)
  doc.on('update', (update: Uint8Array) => {
    expect(rules.inspect(update, ADA)).toBeUndefined()
    Y.applyUpdate(server, update)
  })
  const ids = Array.from({ length: 300 }, () => {
    const block = createBlock(doc, { type: 'text' })
    block.content.insert(0, 'typed')
    block.indexingList.startRun('alpha', USER)
    block.fields.set('title', 'one', USER)
    block.data.set('k', 1)
    return block.id
  })
  expect(new Set(ids).size).toBe(300)
  expect(ids.every(isRandomBlockId)).toBe(true)
  expect(doc.store.clients.size).toBe(1)
  expect(listBlocks(server).map((block) => block.toJSON())).toEqual(listBlocks(doc).map((block) => block.toJSON()))
  expect(listBlocks(server)[7]?.toJSON()).toMatchObject({ type: 'text', content: 'typed', fields: { title: 'one' } })
})

test('[B52] a random block is undone, redone, deleted, made again by its id and merged like any other', () => {
  const doc = new Y.Doc()
  const { scope, options } = undoScope(doc)
  const undo = new Y.UndoManager(scope, { ...options, captureTimeout: 0 })
  const { id } = createBlock(doc, { type: 'text' })
  getBlock(doc, id)?.content.insert(0, 'typed')
  undo.undo()
  undo.undo()
  expect(getBlock(doc, id)).toBeUndefined()
  undo.redo()
  undo.redo()
  expect(getBlock(doc, id)?.toJSON()).toMatchObject({ id, type: 'text', content: 'typed' })
  const other = forkDoc(doc)
  deleteBlock(doc, id)
  syncAll(doc, other)
  expect(getBlock(other, id)).toBeUndefined()
  const again = [doc, other].map((each) => createBlock(each, id, { type: 'text' }))
  for (const [n, block] of again.entries()) block.content.insert(0, String(n))
  syncAll(doc, other)
  expect(getBlock(doc, id)?.text).toHaveLength(2)
  expect(getBlock(doc, id)?.text).toBe(getBlock(other, id)?.text)
})

test('[B53] half surrogate pairs become U+FFFD at the writer, so that all replicas show the same', () => {
  const writes: ((block: Block) => unknown)[] = [
    ({ content }) => content.insert(0, 'a\ud800b'),
    ({ content }) => content.insert(0, '\udfff', { bold: true }),
    ({ content }) => content.applyDelta([{ insert: 'x\ud83d' }]),
    (block) => block.replaceContent('a\ud800b\udc00'),
    (block) => block.setType('\ud800'),
    ({ fields }) => fields.set('title', { 'k\ud800': ['\udfff', 'fine 😀'] }, USER),
    ({ map }) => setEdge(map.doc as Y.Doc, 'e', { source: 'a', target: 'b', label: '\ud800' }),
  ]
  for (const write of writes) {
    const { doc, block } = docWithBlock()
    write(block)
    const other = new Y.Doc()
    Y.applyUpdate(other, Y.encodeStateAsUpdate(doc))
    expect(getBlock(other, 'b1')?.toJSON()).toEqual(block.toJSON())
    expect(other.getMap('edges').toJSON()).toEqual(doc.getMap('edges').toJSON())
    expect(JSON.stringify([block.toJSON(), doc.getMap('edges').toJSON()])).toContain('\ufffd')
  }
  const { block } = docWithBlock()
  for (const [key, actor] of [
    ['\ud800', 'ada'],
    ['key', '\ud800'],
  ] as const)
    expect(() => block.fields.set(key, 1, { ...USER, actor })).toThrow(
      expect.objectContaining({ code: 'bad_argument' }),
    )
})

test('[B54] an integer beyond 2^53 is refused where it is written, and by the rules of documents', () => {
  for (const value of [2 ** 53, -(2 ** 53), { deep: [2 ** 60] }]) {
    const { doc, block } = docWithBlock()
    expect(() => block.fields.set('n', value, USER)).toThrow(
      expect.objectContaining({ code: 'bad_argument', field: 'value' }),
    )
    expect(() => setEdge(doc, 'e', { source: 'a', target: 'b', value })).toThrow(
      expect.objectContaining({ code: 'bad_argument' }),
    )
    const list = block.map.get('fields') as Y.Array<unknown>
    list.push([{ key: 'n', value, seq: 1, source: 'user_action', actor: 'ada', at: 1 }])
    const rules = documentRules.open(new Y.Doc())
    expect(rules.inspect(Y.encodeStateAsUpdate(doc), ADA)?.code).toBe('bad_claim')
    // A value that an older version took can still be read.
    expect(block.fields.get('n')).toEqual(value)
  }
  const { block } = docWithBlock()
  for (const value of [2 ** 53 - 1, 0.1, 1e-300]) block.fields.set('n', value, USER)
})

test('[B6] "." and ".." are no ids of new blocks and edges, and those of older documents can be read and deleted', () => {
  for (const id of ['.', '..']) {
    const doc = new Y.Doc()
    expect(() => createBlock(doc, id, { type: 'text' })).toThrow(expect.objectContaining({ code: 'bad_block_id' }))
    expect(() => setEdge(doc, id, { source: 'a', target: 'b' })).toThrow(
      expect.objectContaining({ code: 'bad_edge_id' }),
    )
    doc.getMap('blocks').set(id, new Y.Map([['type', 'text']]))
    expect(getBlock(doc, id)?.toJSON().type).toBe('text')
    expect(deleteBlock(doc, id)).toBe(true)
  }
})

test("[B52] a random block has the parts of an application's own lists from the start", () => {
  const extra: ClaimList = { ...(CLAIM_LISTS[0] as ClaimList), part: 'payments' }
  const doc = new Y.Doc()
  for (let i = 0; i < 5; i++) createBlock(doc, { type: 'text', lists: [...CLAIM_LISTS, extra] })
  expect(listBlocks(doc).every(({ map }) => map.get('payments') instanceof Y.Array)).toBe(true)
  expect(doc.store.clients.size).toBe(1)
})
