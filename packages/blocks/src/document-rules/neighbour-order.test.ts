import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ADA, BOB, rulesOf } from '../testing/rules-fixture.ts'
import { type WrittenStruct, writeUpdate } from '../testing/struct-writer.ts'
import type { StructId } from './update-reader.ts'

const MALLORY = { ...ADA, actor: 'mallory' }
const at = (client: number, clock: number): StructId => ({ client, clock })
const letter = (origin?: StructId, rightOrigin?: StructId, parent = 't', text = 'H'): WrittenStruct => ({
  kind: 'item',
  origin,
  rightOrigin,
  parent,
  content: { kind: 'string', text },
})
const one = (client: number, clock: number, ...structs: WrittenStruct[]): Uint8Array =>
  writeUpdate({ clients: [{ client, clock, structs }] })

/** A server's document with the text "abc" in root `t` and "x" in root `u`, all of client 1. */
function abc(): Y.Doc {
  const server = new Y.Doc()
  for (const update of [
    one(1, 0, letter(undefined, undefined, 't', 'abc')),
    one(1, 3, letter(undefined, undefined, 'u', 'x')),
  ]) {
    expect(rulesOf(server).inspect(update, ADA)).toBeUndefined()
    Y.applyUpdate(server, update)
  }
  return server
}

test('[B60] an item whose neighbours stand in the wrong order, in two lists or on one side is refused', () => {
  const [a, b, c, x] = [at(1, 0), at(1, 1), at(1, 2), at(1, 3)]
  for (const [left, right, code] of [
    [a, b, undefined],
    [undefined, a, undefined],
    [c, undefined, undefined],
    // A stock client makes such an item only by undo, and only where the right neighbour was not put after one between.
    [a, undefined, undefined],
    [b, a, 'bad_update'],
    [c, a, 'bad_update'],
    [b, b, 'bad_update'],
    [a, c, 'bad_update'],
    [undefined, c, 'bad_update'],
    [a, x, 'bad_update'],
    [x, a, 'bad_update'],
  ] as const) {
    const server = abc()
    expect(rulesOf(server).inspect(one(9, 0, letter(left, right)), MALLORY)?.code).toBe(code)
    // The same once more as typing of a writer that is known.
    const known = one(9, 0, letter(c, undefined, 't', 'k'))
    expect(rulesOf(server).inspect(known, MALLORY)).toBeUndefined()
    Y.applyUpdate(server, known)
    expect(rulesOf(server).inspect(one(9, 1, letter(left, right)), MALLORY)?.code).toBe(code)
    // And all of it in one update.
    const all = writeUpdate({
      clients: [
        { client: 9, clock: 0, structs: [letter(c, undefined, 't', 'k'), letter(left, right)] },
        {
          client: 1,
          clock: 0,
          structs: [letter(undefined, undefined, 't', 'abc'), letter(undefined, undefined, 'u', 'x')],
        },
      ],
    })
    expect(rulesOf(new Y.Doc()).inspect(all, { ...ADA, mayRelay: true })?.code).toBe(code)
  }
})

test('[B60] without the rule, replicas differ that get a spanning item before and after a letter', () => {
  const base = [one(2, 0, letter()), one(1, 0, letter(at(2, 0)))]
  const beside = one(2, 1, letter(at(2, 0), undefined, 't', 'X'))
  const spanning = one(3, 0, letter(undefined, at(1, 0), 't', 'S'))
  const textAfter = (...updates: Uint8Array[]): string => {
    const doc = new Y.Doc()
    for (const update of [...base, ...updates]) Y.applyUpdate(doc, update)
    return doc.getText('t').toString()
  }
  expect(textAfter(beside, spanning)).not.toBe(textAfter(spanning, beside))
  const server = new Y.Doc()
  for (const update of base) Y.applyUpdate(server, update)
  expect(rulesOf(server).inspect(spanning, MALLORY)?.code).toBe('bad_update')
  expect(rulesOf(server).inspect(beside, MALLORY)).toBeUndefined()
})

test('[B60] undo in a type that came back, where others have written meanwhile, passes', () => {
  const server = new Y.Doc()
  const doc = new Y.Doc()
  doc.on('update', (update: Uint8Array) => {
    expect(rulesOf(server).inspect(update, ADA)).toBeUndefined()
    Y.applyUpdate(server, update)
  })
  const map = doc.getMap('m')
  const undo = new Y.UndoManager(map, { captureTimeout: 0 })
  map.set('t', new Y.Text('one two three'))
  const text = (): Y.Text => map.get('t') as Y.Text
  text().delete(4, 4)
  map.delete('t')
  undo.undo()
  doc.transact(() => text().insert(4, 'between '), 'someone else')
  undo.undo()
  expect(text().toString()).toContain('two ')
  expect(server.getMap('m').toJSON()).toEqual(map.toJSON())
})

test('[B60] a struct that goes on behind garbage, in a list that lives, is refused', () => {
  const server = abc()
  const garbage = one(9, 0, { kind: 'gc', length: 2 })
  expect(rulesOf(server).inspect(garbage, MALLORY)).toBeUndefined()
  Y.applyUpdate(server, garbage)
  expect(rulesOf(server).inspect(one(9, 0, letter(at(1, 0), undefined, 't', 'long')), MALLORY)?.code).toBe('bad_update')
})

test('[B61] an item that waits for its neighbours becomes garbage when they come and stand in the wrong order', () => {
  for (const [left, right, isGarbage] of [
    [at(1, 0), at(1, 1), false],
    [at(1, 2), at(1, 0), true],
    [at(1, 0), at(1, 3), true],
  ] as const) {
    const server = new Y.Doc()
    const rules = rulesOf(server)
    // Mallory guesses the next clocks of Ada, and builds on the guess.
    const early = writeUpdate({
      clients: [
        { client: 9, clock: 0, structs: [letter(left, right)] },
        { client: 10, clock: 0, structs: [letter(at(9, 0), undefined, 't', 'after')] },
      ],
    })
    expect(rules.inspect(early, MALLORY)).toBeUndefined()
    Y.applyUpdate(server, early)
    expect(server.getText('t').toString()).toBe('')
    const update = one(1, 0, letter(undefined, undefined, 't', 'abc'), letter(undefined, undefined, 'u', 'x'))
    expect(rules.inspect(update, BOB)).toBeUndefined()
    rules.spoilWaiting(update)
    Y.applyUpdate(server, update)
    expect(Y.getItem(server.store, Y.createID(9, 0)) instanceof Y.GC).toBe(isGarbage)
    expect(server.getText('t').toString()).toBe(isGarbage ? 'abc' : 'aHafterbc')
    expect(server.store.pendingStructs).toBeNull()
  }
})

test('[B62] an update whose items stand far from their neighbours, many times over, is refused', () => {
  const server = new Y.Doc()
  Y.applyUpdate(server, one(1, 0, letter(undefined, undefined, 't', 'ab')))
  // 1,000 letters between the two, each put before the one before it.
  const between = Array.from({ length: 1_000 }, (_, clock) =>
    letter(at(1, 0), clock === 0 ? at(1, 1) : at(2, clock - 1)),
  )
  Y.applyUpdate(server, one(2, 0, ...between))
  const apart = (count: number): Uint8Array =>
    one(9, 0, ...Array.from({ length: count }, () => letter(at(2, 999), at(1, 1))))
  expect(rulesOf(server).inspect(apart(900), MALLORY)).toBeUndefined()
  expect(rulesOf(server).inspect(apart(1_010), MALLORY)?.code).toBe('too_costly')
})

test('[B89] a value under a key that takes more than one clock is refused, also as typing and after a wait', () => {
  const keyed = (text: string, origin?: StructId): WrittenStruct => ({
    kind: 'item',
    origin,
    parent: 'm',
    parentSub: 'k',
    content: { kind: 'string', text },
  })
  const server = abc()
  expect(rulesOf(server).inspect(one(9, 0, keyed('long')), MALLORY)?.code).toBe('bad_update')
  expect(rulesOf(server).inspect(one(9, 0, keyed('s')), MALLORY)).toBeUndefined()
  Y.applyUpdate(server, one(9, 0, keyed('s')))
  expect(rulesOf(server).inspect(one(9, 1, keyed('long', at(9, 0))), MALLORY)?.code).toBe('bad_update')
  const waiting = one(10, 0, keyed('long', at(9, 1)))
  expect(rulesOf(server).inspect(waiting, MALLORY)).toBeUndefined()
  Y.applyUpdate(server, waiting)
  rulesOf(server).spoilWaiting(one(9, 1, keyed('t', at(9, 0))))
  Y.applyUpdate(server, one(9, 1, keyed('t', at(9, 0))))
  expect(Y.getItem(server.store, Y.createID(10, 0))).toBeInstanceOf(Y.GC)
  // Yjs itself merges deleted values of one key.
  const doc = new Y.Doc()
  for (let count = 0; count < 5; count++) doc.getMap('m').set('k', count)
  expect(rulesOf(new Y.Doc()).inspect(Y.encodeStateAsUpdate(doc), ADA)).toBeUndefined()
})
