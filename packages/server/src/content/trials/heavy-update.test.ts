import * as encoding from 'lib0/encoding'
import { expect, it } from 'vitest'
import { SERVER_LIMITS } from '../../limits.ts'
import { refusalOfSize } from '../known-already.ts'
import { isHeavy } from './heavy-update.ts'

/** More than an update may have to be inspected at once, and fewer than it may have at all. */
const COUNT = 2_000_000

/** An update with one struct in a list: `values`, each a byte of lib0's encoding or more. */
function listOf(values: Uint8Array, count: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, 1, 7, 0, 8, 1]) encoding.writeVarUint(encoder, number)
  encoding.writeVarString(encoder, 'list')
  encoding.writeVarUint(encoder, count)
  encoding.writeUint8Array(encoder, values)
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

/** One value of so many members: the byte of its kind, their number, and the members. */
function oneOf(kind: number, member: readonly number[]): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeUint8(encoder, kind)
  encoding.writeVarUint(encoder, COUNT)
  for (let at = 0; at < COUNT; at++) for (const byte of member) encoding.writeUint8(encoder, byte)
  return encoding.toUint8Array(encoder)
}

it.each([
  ['an object with keys', oneOf(118, [1, 97, 126])],
  ['an array in the list', oneOf(117, [126])],
  ['an array of objects', oneOf(117, [118, 0])],
])('[S197] one value that is too large to be inspected is refused at once, and not tried: %s', (_, value) => {
  const update = listOf(value, 1)
  expect(isHeavy(update, SERVER_LIMITS)).toBe(false)
  expect(refusalOfSize(update)).toMatchObject({ code: 'too_large' })
})

it('[S197] as many values that stand one after the other are tried, since they can be taken in pieces', () => {
  expect(isHeavy(listOf(new Uint8Array(COUNT).fill(126), COUNT), SERVER_LIMITS)).toBe(true)
})

it('[S242] an update is tried from the limit of structs on, of which a range of deletions counts as two', () => {
  const { trialStructs } = SERVER_LIMITS
  expect(isHeavy(manyStructs(trialStructs - 1), SERVER_LIMITS)).toBe(false)
  expect(isHeavy(manyStructs(trialStructs), SERVER_LIMITS)).toBe(true)
  expect(isHeavy(deletionsOf(trialStructs / 2), SERVER_LIMITS)).toBe(false)
  expect(isHeavy(deletionsOf(trialStructs / 2 + 1), SERVER_LIMITS)).toBe(true)
})

/** An update of so many structs of one client, without content. */
function manyStructs(count: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [1, count, 7, 0]) encoding.writeVarUint(encoder, number)
  for (let at = 0; at < count; at++) encoding.writeUint8Array(encoder, new Uint8Array([0, 1]))
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

/** An update of so many ranges of deletions. */
function deletionsOf(ranges: number): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of [0, 1, 7, ranges]) encoding.writeVarUint(encoder, number)
  for (let at = 0; at < ranges; at++) {
    encoding.writeVarUint(encoder, 2 * at)
    encoding.writeVarUint(encoder, 1)
  }
  return encoding.toUint8Array(encoder)
}
