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

test('[B86] long lists of two people who wrote offline at one place pass, and a long list alone costs nothing', () => {
  const server = new Y.Doc()
  for (const [writer, count] of [
    [ADA, 1_000],
    [BOB, 1_000],
  ] as const) {
    const doc = new Y.Doc()
    for (let index = 0; index < count; index++) doc.getArray('a').unshift([index])
    const update = Y.encodeStateAsUpdate(doc)
    expect(rulesOf(server).inspect(update, writer)).toBeUndefined()
    Y.applyUpdate(server, update)
  }
  const long = new Y.Doc()
  for (let index = 0; index < 20_000; index++) long.getArray('a').unshift([index])
  expect(rulesOf(new Y.Doc()).inspect(Y.encodeStateAsUpdate(long), ADA)).toBeUndefined()
})

test('[B87] an update of more than 1,000,000 structs, or 100,000 ranges of deletions, is refused', () => {
  const structs = (count: number): Uint8Array =>
    writeUpdate({ clients: [{ client: 9, clock: 0, structs: Array(count).fill({ kind: 'gc', length: 1 }) }] })
  expect(rulesOf(new Y.Doc()).inspect(structs(1_000_001), ADA)?.code).toBe('too_costly')
  const deletions = (count: number): Uint8Array => {
    const ranges = Array.from({ length: count }, (_, index) => [2 * index, 1] as const)
    return writeUpdate({ clients: [], deletions: [{ client: 9, ranges }] })
  }
  expect(rulesOf(new Y.Doc()).inspect(deletions(100_001), ADA)?.code).toBe('too_costly')
  expect(rulesOf(new Y.Doc()).inspect(deletions(100_000), ADA)).toBeUndefined()
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
