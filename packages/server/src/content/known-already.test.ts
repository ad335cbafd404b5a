import type { Lsn } from '@joinery/log'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { includesUpdate, isComparable, mayBeKnown, refusalOfOther, refusalOfSize } from './known-already.ts'
import { AT_ONCE, doAll } from './steps.ts'
import { StoredState } from './stored-state.ts'

const MANY = 2_000_000

/** The header of an update that says it has so many structs of a client, and as many ranges of deletions. The rest is zeros. */
function claiming(structs: number, deletions: number, bytes: number): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, structs > 0 ? 1 : 0)
  if (structs > 0) for (const number of [structs, 7, 0]) encoding.writeVarUint(encoder, number)
  else for (const number of [1, 7, deletions]) encoding.writeVarUint(encoder, number)
  const update = new Uint8Array(bytes)
  update.set(encoding.toUint8Array(encoder))
  return update
}

/** An update with a struct that is known, and `count` values in one struct that is not: in the encoding of `any`, or of JSON (2). */
function valuesBehindAKnownStruct(value: Uint8Array, count: number, content = 8): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [2, 1, 7, 0, GC, 1, 1, 3, 0, content, 1]) encoding.writeVarUint(encoder, number)
  encoding.writeVarString(encoder, 'list')
  encoding.writeVarUint(encoder, count)
  const values = new Uint8Array(value.length * count)
  for (let at = 0; at < count; at++) values.set(value, at * value.length)
  encoding.writeUint8Array(encoder, values)
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

const GC = 0

describe('[S197] an update with too many structs or deletions', () => {
  const doc = new Y.Doc({ guid: '' })
  doc.clientID = 7
  // The client's clocks are known: nothing but the number tells that it is no repeat.
  doc.getText('t').insert(0, 'x'.repeat(MANY))
  const record = {
    lsn: 1 as Lsn,
    at: 0,
    actor: 'a',
    source: 'user_action',
    connection: 'c',
    touched: [],
    update: Y.encodeStateAsUpdate(doc),
  }
  const stored = doAll(StoredState.making(undefined, [record], AT_ONCE))

  it.each([
    ['structs', claiming(MANY, 0, 2 * MANY)],
    ['ranges of deletions', claiming(0, MANY, 2 * MANY)],
    ['empty objects in one struct', valuesBehindAKnownStruct(Uint8Array.of(118, 0), MANY)],
    ['values in one struct', valuesBehindAKnownStruct(Uint8Array.of(120), 2 * MANY)],
    ['texts of JSON in one struct', valuesBehindAKnownStruct(Buffer.from(`\x7f"${'x'.repeat(125)}"`), 100_000, 2)],
  ])('of %s is refused before an object is made of any', (_, update) => {
    const before = process.memoryUsage().heapUsed
    expect(includesUpdate(doc, update)).toBe(false)
    expect(stored.includes(update)).toBe(false)
    expect(refusalOfSize(update)).toMatchObject({ code: 'too_large' })
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 1024 * 1024)
  })

  it('is told from one that is large and has few', () => {
    expect(isComparable(Y.encodeStateAsUpdate(doc))).toBe(true)
    expect(refusalOfSize(Y.encodeStateAsUpdate(doc))).toBeUndefined()
    expect(refusalOfOther(doc, Y.encodeStateAsUpdate(doc))).toBeUndefined()
  })

  it('can be told to be new by its first client alone', () => {
    expect(mayBeKnown(Y.encodeStateAsUpdate(doc), () => MANY)).toBe(true)
    expect(mayBeKnown(claiming(3, 0, 100), () => 2)).toBe(false)
  })
})
