import { expect, test } from 'vitest'
import { bannerWords } from './banner-words.ts'
import { isUnsaved, saveStatusWords } from './save-status-words.ts'

const kept = { pending: 12, isKeptHere: true }

test('the save status says where edits are that the server does not take', () => {
  const held = { state: 'held', ...kept, code: 'storage_full', reason: 'no space left' } as const
  expect(saveStatusWords(held)).toEqual({ tone: 'bad', text: 'Not saved, 12 edits kept on this device' })
  expect(saveStatusWords({ ...held, pending: 0 }).text).toBe('Read only')
  const offline = { state: 'offline', ...kept, cause: 'waiting', reason: undefined } as const
  expect(saveStatusWords(offline).text).toBe('Offline, 12 edits kept on this device')
  const reason = 'read_only: this token allows reading only: ask for one with access "write"'
  const refused = { state: 'rejected', what: 'edits', code: 'read_only', reason, pending: 0 } as const
  expect(saveStatusWords(refused).text).toBe('Refused: your key allows reading only')
})

test('a page warns before it closes only while something would be lost with it', () => {
  const held = { state: 'held', ...kept, code: 'storage_full', reason: 'no space left' } as const
  expect(isUnsaved(held)).toBe(false)
  expect(isUnsaved({ ...held, isKeptHere: false })).toBe(true)
  expect(isUnsaved({ state: 'saved' })).toBe(false)
  expect(isUnsaved({ state: 'saving', pending: 1 })).toBe(true)
})

test('a banner stands for as long as storage, damage or access keeps edits from the server, and for nothing else', () => {
  const held = { state: 'held', ...kept, code: 'storage_full', reason: 'no space left' } as const
  expect(bannerWords(held)).toEqual({
    title: 'The server’s disk is full.',
    text: 'Your edits are kept on this device and sent once it works again. (no space left)',
  })
  expect(bannerWords({ ...held, isKeptHere: false })?.text).toContain('leave this page open')
  const refused = {
    state: 'rejected',
    what: 'connection',
    code: 'unauthorized',
    reason: 'unauthorized: the token has expired',
    pending: 0,
  } as const
  expect(bannerWords(refused)).toEqual({
    title: 'Your access has ended.',
    text: 'Ask for a new link and open it in this tab.',
  })
  expect(saveStatusWords(refused).text).toBe('Not connected')
  expect(bannerWords({ state: 'saving', pending: 3 })).toBeUndefined()
})
