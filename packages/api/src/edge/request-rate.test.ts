import { expect, it } from 'vitest'
import { RequestRate } from './request-rate.ts'

it('[H15] a caller has its burst at once and its rate in the long run, by itself', () => {
  let nowMs = 0
  const rate = new RequestRate(250, 3, () => nowMs)
  expect([1, 2, 3].map(() => rate.take('a'))).toEqual([undefined, undefined, undefined])
  expect(rate.take('a')).toBe(4)
  expect(rate.take('b')).toBeUndefined()
  nowMs = 3
  expect(rate.take('a')).toBe(1)
  nowMs = 4
  expect(rate.take('a')).toBeUndefined()
  nowMs = 1e9
  expect([1, 2, 3].map(() => rate.take('a'))).toEqual([undefined, undefined, undefined])
  expect(rate.take('a')).toBe(4)
})

it('[H15] memory stays bounded when callers are many', () => {
  let nowMs = 0
  const rate = new RequestRate(1, 1, () => nowMs)
  for (let caller = 0; caller < 25_000; caller++) {
    nowMs += 1
    expect(rate.take(`c${caller}`)).toBeUndefined()
  }
  expect(rate.size).toBeLessThanOrEqual(10_000)
})
