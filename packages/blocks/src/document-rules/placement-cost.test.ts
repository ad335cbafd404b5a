import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ADA, BOB, rulesOf } from '../testing/rules-fixture.ts'
import { type WrittenStruct, writeUpdate } from '../testing/struct-writer.ts'
import type { StructId } from './update-reader.ts'

const at = (client: number, clock: number): StructId => ({ client, clock })
const value = (origin?: StructId, rightOrigin?: StructId, parent = 'a'): WrittenStruct => ({
  kind: 'item',
  origin,
  rightOrigin,
  parent,
  content: { kind: 'any', values: [1] },
})
/** One item of each of many clients, all at the beginning of one list. */
const crowd = (first: number, count: number): Uint8Array =>
  writeUpdate({
    clients: Array.from({ length: count }, (_, index) => ({
      client: first + count - index,
      clock: 0,
      structs: [value()],
    })),
  })

test('[B86] items of many clients at one place are refused once Yjs would pass too many of them', () => {
  const server = new Y.Doc()
  expect(rulesOf(server).inspect(crowd(10_000, 3_000), ADA)).toBeUndefined()
  Y.applyUpdate(server, crowd(10_000, 3_000))
  expect(rulesOf(server).inspect(crowd(100_000, 3_000), ADA)?.code).toBe('too_costly')
  expect(rulesOf(server).inspect(crowd(100_000, 100), ADA)).toBeUndefined()
})

test('[B86] items of one update that pass each other are counted, too', () => {
  const length = 3_000
  const end = at(5, 0)
  const chain = Array.from({ length }, (_, index) => value(index === 0 ? undefined : at(5, index), end))
  const passing = Array.from({ length }, (_, index) => value(at(5, index + 1)))
  const update = writeUpdate({
    clients: [
      { client: 5, clock: 0, structs: [value(), ...chain] },
      { client: 2, clock: 0, structs: passing },
    ],
  })
  expect(rulesOf(new Y.Doc()).inspect(update, { ...ADA, mayRelay: true })?.code).toBe('too_costly')
})

/** One update of each of two people who wrote a list from its end to its beginning, offline, at one place. */
const offlineLists = (count: number): Uint8Array[] =>
  // The greater client id stands behind the other, so that each of its items passes all others.
  [1, 2].map((client) => {
    const doc = new Y.Doc()
    doc.clientID = client
    for (let index = 0; index < count; index++) doc.getArray('a').unshift([index])
    return Y.encodeStateAsUpdate(doc)
  })

test('[B86] lists of two people who wrote offline at one place pass, and a long list alone costs nothing', () => {
  const server = new Y.Doc()
  for (const update of offlineLists(500)) {
    expect(rulesOf(server).inspect(update, { ...ADA, isAuthenticated: false })).toBeUndefined()
    Y.applyUpdate(server, update)
  }
  const long = new Y.Doc()
  for (let index = 0; index < 20_000; index++) long.getArray('a').unshift([index])
  expect(rulesOf(new Y.Doc()).inspect(Y.encodeStateAsUpdate(long), ADA)).toBeUndefined()
})

test('[B86] an update above the bound is refused by estimate, and passes when it was tried', () => {
  const server = new Y.Doc()
  const [first, second] = offlineLists(1_000) as [Uint8Array, Uint8Array]
  Y.applyUpdate(server, first)
  expect(rulesOf(server).inspect(second, BOB)).toMatchObject({ code: 'too_costly', isEstimate: true })
  expect(rulesOf(server).inspect(second, { ...BOB, isTried: true })).toBeUndefined()
})

test('[B92] many updates below the bound use up the steps of a document, and a tried update gives them back', () => {
  const server = new Y.Doc()
  Y.applyUpdate(server, crowd(1_000, 3_000))
  let client = 1_000_000
  const send = (count: number, isTried = false) => {
    const update = crowd(client, count)
    client += count
    return rulesOf(server).inspect(update, { ...ADA, isTried })
  }
  for (let sent = 0; sent <= 10_000_000; sent += 100 * 3_000) expect(send(100)).toBeUndefined()
  expect(send(100)).toMatchObject({ code: 'too_costly', isEstimate: true })
  expect(send(2)).toBeUndefined()
  expect(send(100, true)).toBeUndefined()
  expect(send(100)).toBeUndefined()
})

test('[B87] an update of more than 150,000 structs, or 30,000 ranges of deletions, is refused', () => {
  const structs = (count: number): Uint8Array =>
    writeUpdate({ clients: [{ client: 9, clock: 0, structs: Array(count).fill({ kind: 'gc', length: 1 }) }] })
  expect(rulesOf(new Y.Doc()).inspect(structs(150_001), ADA)?.code).toBe('too_costly')
  const deletions = (count: number): Uint8Array => {
    const ranges = Array.from({ length: count }, (_, index) => [2 * index, 1] as const)
    return writeUpdate({ clients: [], deletions: [{ client: 9, ranges }] })
  }
  expect(rulesOf(new Y.Doc()).inspect(deletions(30_001), ADA)?.code).toBe('too_costly')
  expect(rulesOf(new Y.Doc()).inspect(deletions(30_000), ADA)).toBeUndefined()
})

test('[B87] a record of the log that has more was taken by an older version, and says who its writer is all the same', () => {
  const rules = rulesOf(new Y.Doc())
  const structs = Array(200_000).fill({ kind: 'gc', length: 1 })
  rules.recordAuthor(writeUpdate({ clients: [{ client: 9, clock: 0, structs }] }), 'ada')
  expect(rules.ownersOf(9)).toEqual(['ada'])
})

test('[B65] a piece of a larger update binds the client id that its connection announced, and no other', () => {
  const rules = rulesOf(new Y.Doc())
  const update = (client: number): Uint8Array =>
    writeUpdate({ clients: [{ client, clock: 0, structs: [{ kind: 'gc', length: 1 }] }] })
  expect(rules.inspect(update(8), { ...ADA, isPart: true })).toBeUndefined()
  expect(rules.inspect(update(9), { ...ADA, isPart: true, ownId: 9 })).toBeUndefined()
  expect([rules.ownersOf(8), rules.ownersOf(9)]).toEqual([[], [ADA.actor]])
})

test('[B88] a document has at most 2,000 root types; old ones may always be written to', () => {
  const roots = (client: number, from: number, count: number): Uint8Array => {
    const structs = Array.from({ length: count }, (_, index) => value(undefined, undefined, `root ${from + index}`))
    return writeUpdate({ clients: [{ client, clock: 0, structs }] })
  }
  const server = new Y.Doc()
  server.getMap('blocks')
  expect(rulesOf(server).inspect(roots(1, 0, 2_000), ADA)?.code).toBe('too_costly')
  expect(rulesOf(server).inspect(roots(1, 0, 1_999), ADA)).toBeUndefined()
  Y.applyUpdate(server, roots(1, 0, 1_999))
  expect(rulesOf(server).inspect(roots(2, 2_000, 1), ADA)?.code).toBe('too_costly')
  expect(rulesOf(server).inspect(roots(2, 0, 10), ADA)).toBeUndefined()
})
