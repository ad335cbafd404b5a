import type { SaveStatus } from '@joinery/client'
import { expect, it } from 'vitest'
import { accessOf } from './access.ts'

const SAVED: SaveStatus = { state: 'saved' }
const REFUSED: SaveStatus = { state: 'rejected', what: 'connection', code: 'unauthorized', reason: 'no', pending: 0 }
const SET_ASIDE: SaveStatus = { state: 'rejected', what: 'edits', code: 'client_id_owned', reason: 'no', pending: 0 }
const OFFLINE: SaveStatus = { state: 'offline', pending: 0, isKeptHere: true, cause: 'waiting', reason: undefined }
const READER = `h.${btoa(JSON.stringify({ access: 'read' })).replaceAll('=', '')}.s`
const serverOf = (access: 'read' | 'write') => ({ access }) as Parameters<typeof accessOf>[0]

it('[E83] a person refused first has no access, one refused later goes on, and until the server speaks the token tells', () => {
  expect(accessOf(undefined, REFUSED, undefined)).toBe('none')
  expect(accessOf(undefined, REFUSED, READER)).toBe('none')
  expect(accessOf(serverOf('write'), REFUSED, undefined)).toBe('write')
  expect(accessOf(serverOf('read'), REFUSED, undefined)).toBe('read')
  expect(accessOf(undefined, OFFLINE, undefined)).toBe('write')
  expect(accessOf(undefined, OFFLINE, READER)).toBe('read')
  expect(accessOf(serverOf('write'), SET_ASIDE, READER)).toBe('write')
  expect(accessOf(undefined, SET_ASIDE, undefined)).toBe('write')
  expect(accessOf(serverOf('read'), SAVED, undefined)).toBe('read')
})
