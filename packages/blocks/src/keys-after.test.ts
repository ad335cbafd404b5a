import fc from 'fast-check'
import { expect, it } from 'vitest'
import { keysAfter } from './keys-after.ts'

it('[H6] the first keys behind a key are those of the sorted list, whatever the order of the keys is', () => {
  const keys = fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 60 })
  fc.assert(
    fc.property(keys, fc.string({ maxLength: 3 }), fc.integer({ min: 1, max: 20 }), (all, after, count) => {
      const isWanted = (key: string): boolean => key.length !== 2
      const expected = [...all].sort().filter((key) => key > after && isWanted(key))
      expect(keysAfter(all, { after, count }, isWanted)).toEqual(expected.slice(0, count))
    }),
  )
})

it('[H6] a page of many keys asks about few of them', () => {
  let asked = 0
  const keys = Array.from({ length: 50_000 }, (_, at) => String(at).padStart(5, '0'))
  const found = keysAfter(keys, { after: '10000', count: 10 }, () => ++asked > 0)
  expect(found).toEqual(keys.slice(10_001, 10_011))
  expect(asked).toBe(20)
})
