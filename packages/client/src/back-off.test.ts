import { expect, it } from 'vitest'
import { backOffDelayMs } from './back-off.ts'

it('[C4] backOffDelayMs doubles up to 15 s and takes away up to half', () => {
  expect([1, 2, 3, 10, 2_000].map((attempt) => backOffDelayMs(attempt, 0))).toEqual([200, 400, 800, 15_000, 15_000])
  expect(backOffDelayMs(1, 0.999)).toBeGreaterThanOrEqual(100)
  expect(backOffDelayMs(10, 0.5)).toBe(11_250)
})
