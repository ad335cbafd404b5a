import { expect, it } from 'vitest'
import { backoffDelayMs } from './backoff.ts'

it('[C4] backoffDelayMs doubles up to 15 s and takes away up to half', () => {
  expect([1, 2, 3, 10, 2_000].map((attempt) => backoffDelayMs(attempt, 0))).toEqual([200, 400, 800, 15_000, 15_000])
  expect(backoffDelayMs(1, 0.999)).toBeGreaterThanOrEqual(100)
  expect(backoffDelayMs(10, 0.5)).toBe(11_250)
})
