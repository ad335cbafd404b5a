import fc from 'fast-check'
import { expect, test } from 'vitest'
import { expectedWinner } from './histories/expected-winner.ts'
import { defineStatusRules, type IndexingEntry, indexingRules } from './index.ts'

const aSource = fc.constantFrom('user_action', 'workflow_execution', 'instantiation', 'polling_sync' as const)
const aClaim: fc.Arbitrary<IndexingEntry> = fc.record({
  index_name: fc.constant('alpha'),
  run: fc.record({ no: fc.integer({ min: 1, max: 2 }), id: fc.constantFrom('r1', 'r2'), source: aSource }),
  status: fc.constantFrom('notStarted', 'processing', 'done', 'error' as const),
  source: aSource,
  actor: fc.constantFrom('ada', 'bob'),
  at: fc.integer({ min: 1, max: 2 }),
})

test('[B23] the order of claims is total, transitive by its winner, and the one the spec tells', () => {
  fc.assert(
    fc.property(fc.array(aClaim, { minLength: 1, maxLength: 5 }), (claims) => {
      const parsed = claims.flatMap((claim) => {
        const result = indexingRules.parse(claim)
        return 'claim' in result ? [result.claim] : []
      })
      expect(parsed).toHaveLength(claims.length)
      for (const a of parsed) {
        for (const b of parsed) {
          expect(indexingRules.compare(a, b)).toBe(0 - indexingRules.compare(b, a))
          expect(indexingRules.compare(a, b) === 0).toBe(JSON.stringify(a) === JSON.stringify(b))
        }
      }
      const greatest = parsed.reduce((top, claim) => (indexingRules.compare(claim, top) > 0 ? claim : top))
      expect(greatest).toEqual(expectedWinner(parsed))
    }),
    { numRuns: 1_000 },
  )
})

test('[B22] the same register serves another state machine by another table', () => {
  const payments = defineStatusRules({
    phases: [['authorized'], ['captured', 'failed'], ['refunded']],
    ranks: ['authorized', 'failed', 'captured', 'refunded'],
    sources: { webhook: 10, poll: 5 },
  })
  const claim = (status: string, source: string): unknown => ({
    name: 'p1',
    run: { no: 1, id: 'r', source: 'poll' },
    status,
    source,
    actor: 'bank',
    at: 1,
  })
  const [captured, failed] = [payments.parse(claim('captured', 'poll')), payments.parse(claim('failed', 'webhook'))]
  if (!('claim' in captured && 'claim' in failed)) throw new Error('a payment claim is junk')
  expect(payments.compare(captured.claim, failed.claim)).toBe(6)
  expect([payments.isFinished('captured'), payments.isFinished('refunded'), payments.lowestSource]).toEqual([
    false,
    true,
    'poll',
  ])
  expect(payments.parse(claim('processing', 'poll'))).toEqual({ junk: 'status' })
})

test('[B22] a table that leaves two sources or statuses without an order is refused', () => {
  const sources = { a: 1, b: 1 }
  expect(() => defineStatusRules({ phases: [['x']], ranks: ['x'], sources })).toThrow(TypeError)
  expect(() => defineStatusRules({ phases: [['x'], ['x']], ranks: ['x'], sources: { a: 1 } })).toThrow(TypeError)
  expect(() => defineStatusRules({ phases: [['x']], ranks: ['x'], sources: {} })).toThrow(TypeError)
})

test('[B24] a claim beyond its bounds reads as junk that names the field', () => {
  const base = {
    index_name: 'a',
    run: { no: 1, id: 'r', source: 'user_action' },
    status: 'done',
    source: 'user_action',
    actor: 'ada',
    at: 1,
  }
  const deep = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`)
  const cases: [string, object][] = [
    ['index_name', { index_name: 'x'.repeat(257) }],
    ['run', { run: { no: 2 ** 53, id: 'r', source: 'user_action' } }],
    ['source', { source: 'root' }],
    ['actor', { actor: '' }],
    ['at', { at: Number.POSITIVE_INFINITY }],
    ['at', { at: 8.64e15 + 1 }],
    ['at', { at: -8.64e15 - 1 }],
    ['error', { error: 'x'.repeat(4_001) }],
    ['chunks', { chunks: 1.5 }],
    ['progress', { progress: '3' }],
    ['progress', { progress: 2 ** 53 }],
    ['total', { total: 1 }],
    ['total', { progress: 2, total: 1 }],
    ['total', { progress: 0, total: 0 }],
    ['collection_configs', { collection_configs: deep }],
    ['collection_configs', { collection_configs: { big: 'x'.repeat(16_400) } }],
    ['collection_configs', { collection_configs: JSON.parse('{"__proto__":1}') }],
  ]
  for (const [field, wrong] of cases) expect(indexingRules.parse({ ...base, ...wrong })).toEqual({ junk: field })
})
