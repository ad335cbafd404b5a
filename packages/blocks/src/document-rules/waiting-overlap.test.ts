import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ADA, rulesOf } from '../testing/rules-fixture.ts'
import { type WrittenStruct, writeUpdate } from '../testing/struct-writer.ts'
import type { StructId } from './update-reader.ts'

const at = (client: number, clock: number): StructId => ({ client, clock })
const text = (characters: string, origin?: StructId, rightOrigin?: StructId): WrittenStruct => ({
  kind: 'item',
  origin,
  rightOrigin,
  parent: 't',
  content: { kind: 'string', text: characters },
})
const update = (clock: number, ...structs: WrittenStruct[]): Uint8Array =>
  writeUpdate({ clients: [{ client: 7, clock, structs }] })

/** A document in which clock 1 of client 7 waits for client 3. */
function waitingDoc(): Y.Doc {
  const doc = new Y.Doc()
  const first = update(1, text('ab', at(3, 0)))
  expect(rulesOf(doc).inspect(first, ADA)).toBeUndefined()
  Y.applyUpdate(doc, first)
  expect(doc.store.pendingStructs).not.toBeNull()
  return doc
}

test('[B90] an item under a clock that waits at another place is refused, whether it begins before, at or after it', () => {
  const other: WrittenStruct[][] = [
    [text('x'), text('ab', at(4, 0))],
    [text('long', at(4, 0))],
    [text('x'), text('ab', at(3, 0), at(5, 0))],
    [text('x'), text('a'), text('b', at(3, 0))],
  ]
  for (const structs of other)
    expect(rulesOf(waitingDoc()).inspect(update(0, ...structs), ADA)?.code).toBe('bad_update')
  const gap = writeUpdate({ clients: [{ client: 8, clock: 1, structs: [{ kind: 'gc', length: 3 }] }] })
  const doc = new Y.Doc()
  expect(rulesOf(doc).inspect(gap, ADA)).toBeUndefined()
  Y.applyUpdate(doc, gap)
  const item = writeUpdate({ clients: [{ client: 8, clock: 0, structs: [text('abcdef', at(3, 0))] }] })
  expect(rulesOf(doc).inspect(item, ADA)?.code).toBe('bad_update')
})

test('[B90] what waits may come again whole, in part, longer, deleted or as garbage', () => {
  const again: WrittenStruct[][] = [
    [text('x'), text('ab', at(3, 0))],
    [text('x'), text('abc', at(3, 0))],
    [text('x'), text('a', at(3, 0)), text('b', at(7, 1)), text('c', at(7, 2))],
    [text('x'), { kind: 'item', origin: at(3, 0), content: { kind: 'deleted', length: 2 } }],
    [{ kind: 'gc', length: 5 }],
  ]
  for (const structs of again) expect(rulesOf(waitingDoc()).inspect(update(0, ...structs), ADA)).toBeUndefined()
  expect(rulesOf(waitingDoc()).inspect(update(2, text('b', at(7, 1)), text('c', at(7, 2))), ADA)).toBeUndefined()
})

test('[B91] an item that builds on what waits is checked against it: the same update may free both', () => {
  const doc = waitingDoc()
  const between = (origin: StructId, rightOrigin: StructId): Uint8Array =>
    writeUpdate({
      clients: [
        { client: 3, clock: 0, structs: [text('x')] },
        { client: 7, clock: 0, structs: [text('x')] },
        { client: 9, clock: 0, structs: [text('c', origin, rightOrigin)] },
      ],
    })
  for (const [origin, right] of [
    [at(7, 1), at(7, 1)],
    [at(7, 2), at(7, 1)],
  ] as const) {
    expect(rulesOf(doc).inspect(between(origin, right), ADA)?.code).toBe('bad_update')
  }
  expect(rulesOf(doc).inspect(between(at(7, 1), at(7, 2)), ADA)).toBeUndefined()
})
