import { expect, it } from 'vitest'
import { faultsOf, type LeaseCall } from './lease-history.ts'

function call(kind: LeaseCall['kind'], fence: number, sentMs: number, rest: Partial<LeaseCall> = {}): LeaseCall {
  return { kind, name: 'a', fence, stood: true, sentMs, answeredMs: sentMs + 10, ttlMs: 100, ...rest }
}

it('[H74] the checker finds nothing wrong with a hand-over, with calls that overlap it, and with other names', () => {
  const history = [
    call('acquire', 1, 0),
    call('write', 1, 20, { answeredMs: 200 }),
    call('acquire', 2, 150),
    call('write', 1, 170, { stood: false }),
    call('write', 2, 180),
    call('write', 1, 500, { name: 'b' }),
  ]
  expect(faultsOf(history)).toEqual([])
})

it('[H74] the checker finds each kind of fault', () => {
  const first = call('acquire', 1, 0)
  const lost = call('write', 1, 200, { stood: false })
  expect(faultsOf([first, call('acquire', 1, 50)])).toEqual(['fence 1 was given twice'])
  expect(faultsOf([first, call('acquire', 2, 20), call('write', 1, 40)])).toHaveLength(1)
  expect(faultsOf([call('acquire', 5, 0), call('acquire', 4, 20)])).toHaveLength(1)
  expect(faultsOf([first, lost, call('write', 1, 300)])).toHaveLength(1)
  expect(faultsOf([first, call('write', 1, 20, { stood: false })])).toHaveLength(1)
  expect(faultsOf([first, call('release', 1, 20), call('write', 1, 40, { stood: false })])).toEqual([])
  expect(faultsOf([first, call('write', 1, 20, { stood: false })], [15])).toEqual([])
})
