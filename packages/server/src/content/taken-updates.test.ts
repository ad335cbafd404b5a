import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { type DocumentRules, openRules, UNRULED } from './document-rules.ts'
import { RoomDocument } from './room-document.ts'
import { AT_ONCE, doAll } from './steps.ts'

const WRITER = { actor: 'ada', source: 'user_action', sources: undefined, isAuthenticated: false }

/** Rules that take every single text for typing. */
function reading(read: string[]): DocumentRules {
  return {
    open: () => ({
      ...UNRULED,
      inspect: () => ({ code: 'bad_update', reason: 'the test lets in typing alone' }),
      readTyped(update) {
        const [item, ...others] = Y.decodeUpdate(update).structs
        if (!(item instanceof Y.Item) || !(item.content instanceof Y.ContentString) || item.origin === null) return
        if (others.length > 0) return
        read.push(item.content.str)
        return item
      },
    }),
  }
}

/** Updates of one client that types two texts, and the document before them. */
function typed() {
  const doc = new Y.Doc()
  const text = doc.getText('t')
  text.insert(0, 'begin')
  const start = Y.encodeStateAsUpdate(doc)
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  text.insert(5, ' here')
  text.insert(2, 'in the middle')
  return { doc, start, updates }
}

function roomWith(rules: DocumentRules, start: Uint8Array): RoomDocument {
  const room = new RoomDocument(rules)
  room.edit('server', (doc) => Y.applyUpdate(doc, start))
  return room
}

it('[S325] an update that the rules read as typing is integrated from its item, as Yjs would do from its bytes', () => {
  const { doc, start, updates } = typed()
  const read: string[] = []
  const [quick, plain] = [roomWith(reading(read), start), roomWith(openRules, start)]
  expect(quick.apply(updates, WRITER)).toEqual(plain.apply(updates, WRITER))
  expect(read).toEqual([' here', 'in the middle'])
  expect(quick.doc.getText('t').toString()).toBe(doc.getText('t').toString())
  const all = (room: RoomDocument) => doAll(room.diff(Uint8Array.of(0), AT_ONCE))
  expect(all(quick)).toEqual(all(plain))
})

it('[S325] while edits wait for others, every update is inspected and read by Yjs', () => {
  const { start, updates } = typed()
  const read: string[] = []
  const room = roomWith(reading(read), start)
  const [first, second] = updates as [Uint8Array, Uint8Array]
  room.change(({ doc }) => Y.applyUpdate(doc, second))
  expect(room.apply([first], WRITER).refused).toMatchObject({ index: 0, refusal: { code: 'bad_update' } })
  expect(read).toEqual([])
})
