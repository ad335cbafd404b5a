import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { ADA, rulesOf } from '../testing/rules-fixture.ts'
import { type WrittenStruct, writeUpdate } from '../testing/struct-writer.ts'

const CLIENT = 7
const TEXT = 2_000
const STRUCTS = 10_000

/** A document in which one client has a text, and behind it many structs that Yjs can't join: each stands before the last. */
function crowded(): Y.Doc {
  const text: WrittenStruct = { kind: 'item', parent: 'text', content: { kind: 'string', text: 'x'.repeat(TEXT) } }
  const values = Array.from({ length: STRUCTS }, (_, index): WrittenStruct => {
    const rightOrigin = index === 0 ? undefined : { client: CLIENT, clock: TEXT + index - 1 }
    return { kind: 'item', parent: 'list', rightOrigin, content: { kind: 'any', values: [1] } }
  })
  const doc = new Y.Doc()
  Y.applyUpdate(doc, writeUpdate({ clients: [{ client: CLIENT, clock: 0, structs: [text, ...values] }] }))
  return doc
}

/** Deletes every second letter, `count` times. */
const deletions = (count: number): Uint8Array => {
  const ranges = Array.from({ length: count }, (_, index) => [2 * index + 1, 1] as const)
  return writeUpdate({ clients: [], deletions: [{ client: CLIENT, ranges }] })
}

/** Writes a letter behind each of so many letters. */
const insertions = (count: number): Uint8Array => {
  const structs = Array.from({ length: count }, (_, index): WrittenStruct => {
    const [origin, rightOrigin] = [2 * index, 2 * index + 1].map((clock) => ({ client: CLIENT, clock }))
    return { kind: 'item', origin, rightOrigin, content: { kind: 'string', text: 'y' } }
  })
  return writeUpdate({ clients: [{ client: 9, clock: 0, structs }] })
}

test('[B116] an update that cuts the structs of a client with many of them is refused by estimate when there are many cuts', () => {
  const rules = rulesOf(crowded())
  for (const update of [deletions(600), insertions(600)]) {
    expect(rules.inspect(update, ADA)).toMatchObject({ code: 'too_costly', isEstimate: true })
    expect(rules.inspect(update, { ...ADA, isTried: true })).toBeUndefined()
  }
  for (const update of [deletions(50), insertions(50)]) expect(rules.inspect(update, ADA)).toBeUndefined()
})

test('[B116] what is deleted, and what begins where a struct begins, is not cut', () => {
  const doc = crowded()
  Y.applyUpdate(doc, deletions(600))
  const rules = rulesOf(doc)
  expect(rules.inspect(deletions(600), ADA)).toBeUndefined()
  expect(rules.inspect(insertions(600), ADA)).toBeUndefined()
})

test('[B116] cuts of structs that the same update brings count, too', () => {
  const text: WrittenStruct = { kind: 'item', parent: 'text', content: { kind: 'string', text: 'x'.repeat(8_000) } }
  const structs = Array.from({ length: 3_000 }, (_, index): WrittenStruct => {
    const [origin, rightOrigin] = [2 * index, 2 * index + 1].map((clock) => ({ client: CLIENT, clock }))
    return { kind: 'item', origin, rightOrigin, content: { kind: 'string', text: 'y' } }
  })
  const update = writeUpdate({ clients: [{ client: CLIENT, clock: 0, structs: [text, ...structs] }] })
  expect(rulesOf(new Y.Doc()).inspect(update, ADA)).toMatchObject({ code: 'too_costly', isEstimate: true })
})
