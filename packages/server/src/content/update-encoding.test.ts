import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { UpdateEncoding } from './update-encoding.ts'

type Edit = (doc: Y.Doc) => void

const edits: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(fc.nat(50), fc.string({ minLength: 1, maxLength: 8 })).map(
    ([at, text]): Edit =>
      (doc) => {
        const root = doc.getText('t')
        root.insert(Math.min(at, root.length), text)
      },
  ),
  fc.tuple(fc.nat(50), fc.nat(8)).map(
    ([at, length]): Edit =>
      (doc) => {
        const root = doc.getText('t')
        if (root.length > 0) root.delete(at % root.length, Math.min(length, root.length - (at % root.length)))
      },
  ),
  fc.tuple(fc.constantFrom('a', 'b'), fc.nat(9)).map(
    ([key, value]): Edit =>
      (doc) =>
        void doc.getMap('m').set(key, value),
  ),
  fc.constantFrom('a', 'b').map(
    (key): Edit =>
      (doc) => {
        const array = new Y.Array<unknown>()
        array.push([1, new Y.Text('deep')])
        doc.getMap('m').set(key, array)
      },
  ),
  fc.constantFrom('a', 'b').map(
    (key): Edit =>
      (doc) =>
        doc.getMap('m').delete(key),
  ),
  fc.boolean().map(
    (isNew): Edit =>
      (doc) => {
        if (isNew) doc.clientID++
      },
  ),
)

function shownBy(update: Uint8Array, before?: Uint8Array): unknown {
  const doc = new Y.Doc()
  if (before !== undefined) Y.applyUpdate(doc, before)
  Y.applyUpdate(doc, update)
  expect(doc.store.pendingStructs).toBeNull()
  expect(doc.store.pendingDs).toBeNull()
  return [doc.getText('t').toDelta(), doc.getMap('m').toJSON(), Y.encodeStateVector(doc)]
}

it('[S161] an update that is encoded in parts shows what the document shows when the last part is made, whatever is edited between', () => {
  fc.assert(
    fc.property(
      fc.array(edits, { maxLength: 40 }),
      fc.array(fc.array(edits, { maxLength: 4 }), { maxLength: 8 }),
      fc.boolean(),
      (first, between, isSince) => {
        const doc = new Y.Doc()
        const half = first.length / 2
        for (const edit of first.slice(0, half)) edit(doc)
        const before = isSince ? Y.encodeStateAsUpdate(doc) : undefined
        const since = isSince ? Y.encodeStateVector(doc) : undefined
        for (const edit of first.slice(half)) edit(doc)
        const encoding = new UpdateEncoding(doc, since)
        let update: Uint8Array | undefined
        for (const turn of between) {
          update = encoding.part(() => true)
          if (update !== undefined) break
          for (const edit of turn) edit(doc)
        }
        update ??= encoding.part(() => false)
        expect(shownBy(update ?? new Uint8Array(), before)).toEqual(shownBy(Y.encodeStateAsUpdate(doc, since), before))
      },
    ),
  )
})

it('[S161] parts end when they are told to, and the update has the same bytes as Yjs’ where nothing was edited', () => {
  const doc = new Y.Doc()
  for (let i = 0; i < 3_000; i++) doc.getArray('a').insert(0, [i])
  doc.getArray('a').delete(10, 1_000)
  const encoding = new UpdateEncoding(doc)
  let update: Uint8Array | undefined
  let parts = 0
  for (; update === undefined; parts++) update = encoding.part(() => true)
  expect(parts).toBeGreaterThan(20)
  expect(Buffer.compare(update, Y.encodeStateAsUpdate(doc))).toBe(0)
})

it('[S161] a long text and a long list are encoded in pieces, between which they may be edited, and arrive whole', () => {
  const doc = new Y.Doc()
  const [text, list] = [doc.getText('t'), doc.getArray<number>('l')]
  text.insert(0, 'a👋'.repeat(100_000))
  list.push(Array.from({ length: 10_000 }, (_, n) => n))
  const encoding = new UpdateEncoding(doc)
  let update: Uint8Array | undefined
  let parts = 0
  for (; update === undefined; parts++) {
    update = encoding.part(() => true)
    if (update !== undefined) break
    text.delete(5_000 * parts, 10)
    text.insert(12_000 * parts + 1, '👋')
    list.delete(0, 2)
  }
  expect(parts).toBeGreaterThan(10)
  const reader = new Y.Doc()
  Y.applyUpdate(reader, update)
  expect(reader.getText('t').toString() === text.toString()).toBe(true)
  expect(reader.getArray('l').toJSON()).toEqual(list.toJSON())
  expect(reader.store.pendingStructs).toBeNull()
})

it('[S161] the pieces of an item are one item again where they arrive', () => {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, '漢字👋'.repeat(60_000))
  const update = new UpdateEncoding(doc).part(() => false) ?? new Uint8Array()
  expect(Y.decodeUpdate(update).structs.length).toBeGreaterThan(3)
  const reader = new Y.Doc()
  Y.applyUpdate(reader, update)
  expect(reader.getText('t').toString() === doc.getText('t').toString()).toBe(true)
  expect(reader.store.clients.get(doc.clientID)).toHaveLength(1)
})

it('[S161] edits that wait for others are in the update', () => {
  const source = new Y.Doc()
  const updates: Uint8Array[] = []
  source.on('update', (update: Uint8Array) => updates.push(update))
  for (const text of ['one', 'two', 'three']) source.getText('t').insert(0, text)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, updates[2] ?? new Uint8Array())
  Y.applyUpdate(doc, updates[0] ?? new Uint8Array())
  const update = new UpdateEncoding(doc).part(() => false) ?? new Uint8Array()
  const reader = new Y.Doc()
  Y.applyUpdate(reader, update)
  Y.applyUpdate(reader, updates[1] ?? new Uint8Array())
  expect(reader.getText('t').toString()).toBe('threetwoone')
})
