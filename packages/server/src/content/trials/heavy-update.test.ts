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
