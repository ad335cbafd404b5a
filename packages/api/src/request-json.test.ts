import { expect, it } from 'vitest'
import { hasMoreValues } from './request-json.ts'

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
