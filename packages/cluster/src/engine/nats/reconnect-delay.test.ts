import { expect, it } from 'vitest'
import { reconnectDelay } from './reconnect-delay.ts'

it('[Q86] a try is due at once, and the next one after a wait that no wall clock can make longer', () => {
  let nowMs = 1_000
  const delay = reconnectDelay(() => nowMs)
  expect(delay()).toBe(Number.NEGATIVE_INFINITY)
  for (const laterMs of [0, 100, 149]) {
    nowMs += laterMs
    expect(delay()).toBe(250)
  }
  nowMs += 126
  expect(delay()).toBe(Number.NEGATIVE_INFINITY)
  expect(delay()).toBe(250)
})
