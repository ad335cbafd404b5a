import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openRules, UNRULED } from './document-rules.ts'
import { RoomDocument } from './room-document.ts'
import { makeServerDoc } from './server-doc.ts'

const ADA = { actor: 'ada', source: 'user_action', sources: ['user_action'], isAuthenticated: false }

const textIn = (doc: Y.Doc): Y.Text => doc.getMap<Y.Text>('page').get('text') ?? expect.fail('no text')

/** Two people who have the same text, and the update that has it. */
function twoPeople(): { ada: Y.Doc; ben: Y.Doc; start: Uint8Array } {
  const [ada, ben] = [new Y.Doc(), new Y.Doc()]
  ada.getMap('page').set('text', new Y.Text('hello world'))
  const start = Y.encodeStateAsUpdate(ada)
  Y.applyUpdate(ben, start)
  return { ada, ben, start }
}

it('[S370] the records have both edits when two people give one word the same format at once', () => {
  const { ada, ben, start } = twoPeople()
  const before = Y.encodeStateVector(ada)
  for (const person of [ada, ben]) textIn(person).format(0, 5, { bold: true })
  const room = new RoomDocument(openRules)
  const replica = new Y.Doc()
  const forwarded = new Y.Doc()
  for (const update of [start, Y.encodeStateAsUpdate(ada, before), Y.encodeStateAsUpdate(ben, before)]) {
    const { record, forward } = room.apply([update], ADA)
    Y.applyUpdate(replica, record ?? expect.fail('nothing is logged'))
    Y.applyUpdate(forwarded, forward ?? expect.fail('nothing is forwarded'))
  }
  for (const doc of [replica, forwarded]) {
    expect(Y.encodeStateVector(doc)).toEqual(room.stateVector())
    expect(textIn(doc).toDelta()).toEqual([{ insert: 'hello', attributes: { bold: true } }, { insert: ' world' }])
  }
})

it('[S370] an edit of a text with formats is one transaction, and deletes none of them', () => {
  const { ada, ben, start } = twoPeople()
  for (const person of [ada, ben]) textIn(person).format(0, 5, { bold: true })
  const doc = makeServerDoc()
  let transactions = 0
  doc.on('afterTransactionCleanup', () => transactions++)
  const updates = [start, Y.encodeStateAsUpdate(ada), Y.encodeStateAsUpdate(ben)]
  for (const update of updates) Y.applyUpdate(doc, update)
  expect(transactions).toBe(updates.length)
  expect(Y.decodeUpdate(Y.encodeStateAsUpdate(doc)).ds.clients.size).toBe(0)
})

it('[S370] what observers change after a transaction is in the record, too', () => {
  const room = new RoomDocument({
    open: (doc) => {
      doc.on('afterTransaction', ({ origin }) => {
        if (origin !== 'second') doc.transact(() => doc.getMap('second').set('a', 1), 'second')
      })
      return UNRULED
    },
  })
  const doc = new Y.Doc()
  doc.getMap('first').set('a', 1)
  const replica = new Y.Doc()
  Y.applyUpdate(replica, room.apply([Y.encodeStateAsUpdate(doc)], ADA).record ?? expect.fail('nothing is logged'))
  expect(replica.getMap('first').toJSON()).toEqual({ a: 1 })
  expect(replica.getMap('second').toJSON()).toEqual({ a: 1 })
})
