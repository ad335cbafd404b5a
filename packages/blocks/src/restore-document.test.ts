import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { CLAIM_LISTS } from './claim-lists.ts'
import { createBlock, getBlock, planRestore, readDocument, restoreDocument } from './index.ts'
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
