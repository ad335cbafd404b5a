import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { CLAIM_LISTS } from './claim-lists.ts'
import { readingDocument } from './document-content.ts'
import {
  createBlock,
  getBlock,
  joinScopes,
  planningRestore,
  planRestore,
  readDocument,
  restoreDocument,
  restoreEdits,
  scopeOfPaths,
  splittingRestore,
} from './index.ts'
import { doAtOnce, type LongWork } from './long-work.ts'
import { syncAll, USER } from './testing/test-docs.ts'

function restore(doc: Y.Doc, past: Y.Doc): void {
  const plan = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS)
  Y.transact(doc, (transaction) => restoreDocument(transaction, plan, USER, CLAIM_LISTS))
}

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return copy
}

test('[B55] what stays keeps its Yjs items: what others type there meanwhile is merged, and carets stay', () => {
  const ann = new Y.Doc()
  const page = ann.getXmlFragment('prosemirror')
  page.insert(
    0,
    ['one', 'two', 'three'].map((words) => {
      const paragraph = new Y.XmlElement('paragraph')
      paragraph.insert(0, [new Y.XmlText(words)])
      return paragraph
    }),
  )
  const past = copyOf(ann)
  page.delete(0, 1)
  const first = (page.get(0) as Y.XmlElement).get(0) as Y.XmlText
  first.insert(3, ' and a half')
  const ben = copyOf(ann)
  const caret = Y.createRelativePositionFromTypeIndex(first, 3)
  const ofBen = (ben.getXmlFragment('prosemirror').get(0) as Y.XmlElement).get(0) as Y.XmlText
  ofBen.insert(0, 'Ben: ')
  restore(ann, past)
  expect(page.toString()).toBe('<paragraph>one</paragraph><paragraph>two</paragraph><paragraph>three</paragraph>')
  expect(Y.createAbsolutePositionFromRelativePosition(caret, ann)).toMatchObject({ type: first, index: 3 })
  syncAll(ann, ben)
  expect(page.toString()).toBe('<paragraph>one</paragraph><paragraph>Ben: two</paragraph><paragraph>three</paragraph>')
})

test('[B55] characters beyond the first plane come back whole', () => {
  const doc = new Y.Doc()
  const text = doc.getText('x')
  text.insert(0, 'a😀👩‍🚀z')
  const past = copyOf(doc)
  text.delete(1, 2)
  text.insert(1, '😁')
  restore(doc, past)
  expect(copyOf(doc).getText('x').toString()).toBe('a😀👩‍🚀z')
})

test('[B55] blocks come back under ids that nobody may choose, with keys and values of stock clients', () => {
  const doc = new Y.Doc()
  const blocks = doc.getMap<unknown>('blocks')
  for (const id of ['a/b', '.']) {
    blocks.set(
      id,
      new Y.Map([
        ['type', 'text'],
        ['content', 'a string'],
        ['children', Y.Array.from(['c'])],
      ]),
    )
  }
  blocks.set('odd', 7)
  createBlock(doc, 'plain', { type: 'text' }).map.set('extra', new Uint8Array([1]))
  const past = copyOf(doc)
  for (const id of [...blocks.keys()]) blocks.delete(id)
  blocks.set('odd', new Y.Map())
  blocks.set('more', 1)
  restore(doc, past)
  expect([...blocks.keys()].sort()).toEqual(['.', 'a/b', 'odd', 'plain'])
  expect(blocks.get('odd')).toBe(7)
  expect(getBlock(doc, 'a/b')?.text).toBe('a string')
  expect(getBlock(doc, '.')?.map.toJSON().children).toEqual(['c'])
  expect(getBlock(doc, 'plain')?.map.get('extra')).toEqual(new Uint8Array([1]))
  expect(planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS).unrestorable).toEqual([])
})

test('[B56] a plan names the subdocuments that would come or go, and edits leave them alone', () => {
  const doc = new Y.Doc()
  doc.getArray('list').insert(0, [new Y.Doc({ guid: 'kept' }), new Y.Doc({ guid: 'gone' }), 1])
  const past = copyOf(doc)
  const list = doc.getArray<unknown>('list')
  list.delete(1, 2)
  list.push([new Y.Doc({ guid: 'new' }), 2])
  createBlock(doc, 'b', { type: 'text' }).data.set('d', new Y.Doc({ guid: 'inside' }))
  const plan = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS)
  expect(plan.unrestorable.map(({ guid, why }) => [guid, why.split(':')[0]])).toEqual([
    ['gone', 'the subdocument does not come back'],
    ['new', 'the subdocument stays'],
    ['inside', 'the subdocument goes with what holds it'],
  ])
  restore(doc, past)
  const left = list.toArray().map((item) => (item instanceof Y.Doc ? item.guid : item))
  expect(left.sort()).toEqual([1, 'kept', 'new'])
})

test('[B56] a field that held a rounded integer stays as it is, and is named', () => {
  const doc = new Y.Doc()
  const block = createBlock(doc, 'b', { type: 'text' })
  block.map.set(
    'fields',
    Y.Array.from([{ key: 'n', value: 2 ** 60, seq: 1, source: 'user_action', actor: 'a', at: 1 }]),
  )
  const past = copyOf(doc)
  block.fields.set('n', 1, USER)
  const { unrestorable } = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS)
  expect(unrestorable).toMatchObject([{ what: 'value', path: [{ key: 'b' }, { key: 'fields' }, { key: 'n' }] }])
  restore(doc, past)
  expect(block.fields.get('n')).toBe(1)
})

/** The names of all that differs. */
function differences(doc: Y.Doc, past: Y.Doc): string[] {
  const { scope } = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS)
  return [...scope.blocks, ...scope.roots, ...scope.edges]
}

/** The number of steps of a work. */
function stepsOf(work: LongWork<unknown>): number {
  let steps = 1
  while (!work.next().done) steps++
  return steps
}

test('[B120] a document is read and compared in steps: of a block, of 64 entries of a map, of 64 items of a text', () => {
  const doc = new Y.Doc()
  for (let index = 0; index < 40; index++) createBlock(doc, `block-${index}`, { type: 'text' })
  const past = readDocument(doc, CLAIM_LISTS)
  expect(stepsOf(readingDocument(doc, CLAIM_LISTS))).toBeGreaterThanOrEqual(40)
  expect(stepsOf(planningRestore(doc, past, CLAIM_LISTS))).toBeGreaterThanOrEqual(80)
  for (let index = 0; index < 6_400; index++) doc.getMap('edges').set(`edge-${index}`, { source: 'a', target: 'b' })
  // Each stands before the last, so that none can be joined with another.
  for (let index = 0; index < 6_400; index++) doc.getText('text').insert(0, 'x')
  expect(stepsOf(readingDocument(doc, CLAIM_LISTS))).toBeGreaterThanOrEqual(40 + 100 + 100)
})

test('[B121] a plan names the parts that differ, and a plan for these alone reads nothing else and restores the same', () => {
  const doc = new Y.Doc()
  for (const id of ['a', 'b', 'c']) createBlock(doc, id, { type: 'text' }).content.insert(0, id)
  // A stock client's, with a name that looks like the path of a part.
  doc.getMap('blocks').set('x/y', new Y.Map([['id', 'x/y']]))
  getBlock(doc, 'x/y')?.content.insert(0, 'x')
  for (const id of ['e1', 'e2']) doc.getMap('edges').set(id, { source: 'a', target: 'b' })
  doc.getText('same').insert(0, 'same')
  doc.getText('other').insert(0, 'other')
  const past = copyOf(doc)
  getBlock(doc, 'b')?.content.insert(0, 'new ')
  doc.getMap('blocks').delete('c')
  createBlock(doc, 'd', { type: 'text' })
  doc.getMap('edges').delete('e2')
  doc.getText('other').insert(0, 'an')
  const { scope } = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS)
  expect(scope).toEqual({ blocks: new Set(['b', 'c', 'd']), roots: new Set(['other']), edges: new Set(['e2']) })

  // Later edits elsewhere are named by their paths.
  getBlock(doc, 'x/y')?.content.insert(0, 'later ')
  doc.getMap('edges').delete('e1')
  const joined = joinScopes(scope, scopeOfPaths(['x/y/content', 'edges/e1']))
  const plan = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS, joined)
  expect([...plan.now.blocks.keys()].sort()).toEqual(['b', 'd', 'x/y'])
  expect([...plan.now.roots.keys()].sort()).toEqual(['blocks', 'edges', 'other'])
  expect(plan.now.roots.get('edges')?.entries.size).toBe(0)
  Y.transact(doc, (transaction) => restoreDocument(transaction, plan, USER, CLAIM_LISTS))
  expect(differences(doc, past)).toEqual([])
})

test('[B121] the edits of a restore may be made one by one in a copy', () => {
  const doc = new Y.Doc()
  for (const id of ['a', 'b']) createBlock(doc, id, { type: 'text' }).content.insert(0, id)
  doc.getText('text').insert(0, 'text')
  const past = copyOf(doc)
  getBlock(doc, 'b')?.content.insert(0, 'new ')
  doc.getMap('blocks').delete('a')
  createBlock(doc, 'c', { type: 'text' })
  doc.getText('text').delete(0, 2)
  const plan = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS)
  const edits = [...restoreEdits(plan, USER, CLAIM_LISTS)]
  expect(edits).toHaveLength(4)
  expect(differences(doc, past)).toHaveLength(4)
  for (const edit of edits) Y.transact(doc, (transaction) => edit(transaction))
  expect(differences(doc, past)).toEqual([])
})

test('[B121] a plan is split into parts by number and by weight, a heavy one alone, and together they restore all', () => {
  const doc = new Y.Doc()
  for (const id of ['a', 'b', 'c', 'd']) createBlock(doc, id, { type: 'text' })
  getBlock(doc, 'c')?.content.insert(0, 'x'.repeat(50_000))
  for (const id of ['e1', 'e2', 'e3']) doc.getMap('edges').set(id, { source: 'a', target: 'b' })
  doc.getMap('other').set('bytes', new Uint8Array(10_000))
  doc.getMap('others').set('list', Y.Array.from(['y'.repeat(10_000)]))
  const past = copyOf(doc)
  const parts = (bounds: { itemsMax: number; weightMax: number }) =>
    doAtOnce(splittingRestore(planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS), bounds))
  const bounds = { itemsMax: 3, weightMax: 10_000 }
  expect(parts(bounds)).toHaveLength(1)
  for (const root of ['blocks', 'edges', 'other', 'others'])
    for (const key of doc.getMap(root).keys()) doc.getMap(root).delete(key)
  const split = parts(bounds)
  const names = split.map(({ blocks, edges, roots }) => [...blocks, ...edges, ...roots].join(' '))
  expect(names).toEqual(['a b', 'c', 'd e1 e2', 'e3', 'other', 'others'])
  for (const part of split) {
    const plan = planRestore(doc, readDocument(past, CLAIM_LISTS), CLAIM_LISTS, part)
    Y.transact(doc, (transaction) => restoreDocument(transaction, plan, USER, CLAIM_LISTS))
  }
  expect(differences(doc, past)).toEqual([])
})
