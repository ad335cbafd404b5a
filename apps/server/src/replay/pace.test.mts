import { expect, it } from 'vitest'
import { Latencies } from './latency.mts'
import { Pace } from './pace.mts'

it('[A18] Pace spreads edits evenly over time at a given speed, and makes up for being late', () => {
  let nowMs = 1000
  const pace = new Pace(100, () => nowMs)
  expect([0, 1, 10].map((index) => pace.waitMs(index))).toEqual([0, 10, 100])
  nowMs = 1095
  expect([9, 10].map((index) => pace.waitMs(index))).toEqual([-5, 5])
})

it('[A18] Pace never waits when the speed is flat', () => {
  const pace = new Pace('flat', () => 0)
  expect(pace.waitMs(1_000_000)).toBe(0)
})

it('[A18] Latencies gives the sample that a share of all do not exceed', () => {
  const latencies = new Latencies()
  expect(latencies.quantile(0.5)).toBeUndefined()
  for (let value = 100; value >= 1; value--) latencies.add(value)
  expect([0, 0.5, 0.99, 1].map((share) => latencies.quantile(share))).toEqual([1, 50, 99, 100])
})
