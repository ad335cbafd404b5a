import { afterEach, expect, it, vi } from 'vitest'
import { steadyNow } from './steady-clock.ts'

afterEach(() => vi.useRealTimers())

it('[C99] durations go on when the clock is set back, and count a time for which a computer slept', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] })
  const first = steadyNow()
  vi.setSystemTime(Date.now() - 3_600_000)
  const second = steadyNow()
  expect(second).toBeGreaterThanOrEqual(first)
  vi.advanceTimersByTime(1_000)
  const third = steadyNow()
  expect(third - second).toBe(1_000)
  // A sleep: the clock goes on, and nothing else does.
  vi.setSystemTime(Date.now() + 60_000)
  expect(steadyNow() - third).toBe(60_000)
})
