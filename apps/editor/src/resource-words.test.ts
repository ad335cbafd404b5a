import { FILE, type MachineClaim } from '@joinery/blocks'
import { expect, test } from 'vitest'
import { rawWords, resourceTone, resourceWords } from './resource-words.ts'

const entry = (changes: Partial<MachineClaim>): MachineClaim => ({
  machine: 'file@1',
  name: 'report.pdf',
  run: { no: 1, id: 'r', source: 'user_action' },
  status: 'syncing',
  source: 'resources',
  actor: 'joinery',
  at: 1,
  ...changes,
})

test('a status of any machine is told in plain words', () => {
  expect(resourceWords(entry({ progress: 3, total: 10, attempt: 2 }))).toBe(
    'report.pdf (file@1): syncing, 3 of 10, attempt 2',
  )
  expect(resourceWords(entry({ stalled: { since: 1, why: 'no answer' } }))).toBe(
    'report.pdf (file@1): stalled: no answer',
  )
  expect(resourceWords(entry({ machine: 'payment@1', status: 'partly_refunded' }))).toBe(
    'report.pdf (payment@1): partly refunded',
  )
})

test('the tone of a status says whether it waits, goes on, is done or has failed', () => {
  const tones = (['pending', 'syncing', 'synced', 'failed'] as const).map((status) =>
    resourceTone(entry({ status }), FILE),
  )
  expect(tones).toEqual(['notStarted', 'processing', 'done', 'error'])
  expect(resourceTone(entry({ stalled: { since: 1, why: 'x' } }), FILE)).toBe('error')
  expect(resourceTone(entry({ machine: 'other@1', status: 'odd' }), undefined)).toBe('processing')
})

test('[E41] a status of a machine whose table the page does not have is told as it stands', () => {
  expect(rawWords({ machine: 'scan@9', name: 'a.pdf', status: 'odd', actor: 'eve', run: {} })).toBe(
    'a.pdf (scan@9): eve says "odd"',
  )
  expect(rawWords({ machine: 7 })).toBe('? (7): ? says "?"')
})
