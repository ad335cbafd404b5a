import { expect, it } from 'vitest'
import { findJsonFault, hasMoreValues, jsonFault } from './request-json.ts'

it.each([
  ['{}', 1],
  ['[1, 2, [3]]', 2],
  ['{"a": 1, "b": {"c": []}}', 6],
  ['{"{[:": ":{[", "\\"{": "\\\\", "é:": "\\u003a{"}', 4],
])('[H64] the values of the JSON text %s are counted in its bytes, and not those in its texts', (json, count) => {
  expect(() => JSON.parse(json)).not.toThrow()
  const bytes = Buffer.from(json)
  expect(hasMoreValues(bytes, count)).toBe(false)
  expect(hasMoreValues(bytes, count - 1)).toBe(true)
})

it('[H130] a body is looked through in steps, up to its last value, and no deeper than it may be', () => {
  const steps = (body: unknown) => {
    const look = findJsonFault(body)
    for (let count = 0; ; count++) {
      const { done, value } = look.next()
      if (done) return { count, fault: value }
    }
  }
  const values = Array.from({ length: 10_000 }, (_, at) => (at % 2 ? { at } : 'x'))
  expect(steps({ values })).toEqual({ count: 15, fault: undefined })
  expect(steps({ values: [...values, { last: '\ud800' }] }).fault).toBe('holds text that is not well-formed Unicode')
  expect(jsonFault({ '\ud800': 1 })).toBe('holds text that is not well-formed Unicode')
  expect(jsonFault([JSON.parse('{"__proto__":1}')])).toBe('holds the key "__proto__", which no document may hold')
  expect(jsonFault([[2 ** 60]])).toMatch(/^holds an integer beyond/)
  const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)])
  expect([jsonFault(nested(64)), jsonFault(nested(65))]).toEqual([undefined, 'is nested deeper than 64 levels'])
})
