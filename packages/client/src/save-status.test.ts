import { expect, it } from 'vitest'
import { type SaveFacts, saveStatusOf } from './save-status.ts'

const FACTS: SaveFacts = {
  connection: { state: 'connected' },
  pending: 0,
  isCaughtUp: true,
  isKeptHere: true,
  hold: undefined,
  isAlone: false,
  rejection: undefined,
}
const hold = { code: 'storage_full', reason: 'the disk is full' } as const
const rejection = { code: 'too_large', reason: 'too large' } as const
const waiting = { state: 'waiting', reason: 'no network' } as const
const refused = { state: 'refused', code: 'forbidden', reason: 'no' } as const

it.each<[string, Partial<SaveFacts>, object]>([
  ['all is durable and compared', {}, { state: 'saved' }],
  ['an edit is not durable', { pending: 2 }, { state: 'saving', pending: 2 }],
  ['the new connection has not compared both sides', { isCaughtUp: false }, { state: 'saving', pending: 0 }],
  ['there is no connection', { connection: waiting, isKeptHere: false }, { state: 'offline', isKeptHere: false }],
  ['the server takes nothing', { hold, pending: 1 }, { state: 'held', code: 'storage_full', pending: 1 }],
  ['the hold is not known to last', { hold, connection: waiting }, { state: 'offline', reason: 'no network' }],
  ['edits were set aside', { rejection, hold, connection: waiting }, { state: 'rejected', what: 'edits' }],
  ['the connection is refused', { rejection, connection: refused }, { state: 'rejected', what: 'connection' }],
])('[C11] the status is the worst news when %s', (_, facts, shown) => {
  expect(saveStatusOf({ ...FACTS, ...facts })).toMatchObject(shown)
})

it('[C140] an edit that is on one machine alone is saving, and one that the others have is saved', () => {
  expect(saveStatusOf({ ...FACTS, isAlone: true, pending: 1 })).toEqual({ state: 'saving', pending: 1, isAlone: true })
  expect(saveStatusOf({ ...FACTS, pending: 1 })).toEqual({ state: 'saving', pending: 1 })
  expect(saveStatusOf({ ...FACTS, isAlone: true })).toEqual({ state: 'saved' })
})
