import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fenceOfCopy, nextFence } from './fence.ts'

const DAY_MS = 86_400_000
const wallTimes = fc.integer({ min: -DAY_MS, max: 8.64e15 })
const below = fc.func(fc.nat()).map((draw) => (max: number) => draw(max) % max)

describe('a fence', () => {
  it('[S292] each fence is greater than the last and below 2^53, whatever the clock shows', () => {
    fc.assert(
      fc.property(fc.array(wallTimes, { maxLength: 50 }), fc.boolean(), (times, isCopy) => {
        let last = 0
        for (const [index, wallMs] of times.entries()) {
          const next = isCopy && index % 3 === 0 ? fenceOfCopy(last, wallMs) : nextFence(last, wallMs)
          expect(next).toBeGreaterThan(last)
          expect(Number.isSafeInteger(next)).toBe(true)
          last = next
        }
      }),
    )
  })

  it('[S292] a copy of any age begins above every fence that was given since, with clocks that are a day wrong', () => {
    const times = fc.integer({ min: Date.UTC(2026, 6, 1), max: Date.UTC(2090, 0, 1) })
    const error = fc.integer({ min: -DAY_MS, max: DAY_MS })
    fc.assert(
      fc.property(times, fc.array(fc.tuple(fc.nat(10_000), error, below)), error, (beginMs, given, wrong) => {
        let nowMs = beginMs
        const copied = nextFence(0, beginMs)
        let last = copied
        for (const [afterMs, by, random] of given) {
          nowMs += afterMs
          last = nextFence(last, nowMs + by, random)
        }
        expect(fenceOfCopy(copied, nowMs + wrong)).toBeGreaterThan(last)
      }),
    )
  })

  it('[S292] a clock beyond the span of fences leaves room for 2^52 more', () => {
    const far = nextFence(0, 8.64e15)
    expect(far).toBeLessThanOrEqual(2 ** 52)
    expect(nextFence(far, 8.64e15)).toBeGreaterThan(far)
    expect(() => nextFence(Number.MAX_SAFE_INTEGER, 0)).toThrow('all fences of this workspace are given')
  })
})
