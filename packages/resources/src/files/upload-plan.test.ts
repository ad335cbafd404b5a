import fc from 'fast-check'
import { expect, it } from 'vitest'
import { bytesOfPart, FILE_LIMITS, missingParts, planUpload } from './upload-plan.ts'

const GIB = 1024 ** 3

it('[RU2] the parts of any file within the bound hold all of its bytes, within the bounds of S3', () => {
  const bytes = fc.oneof(fc.integer({ min: 0, max: 100_000_000 }), fc.integer({ min: 0, max: 5 * GIB }))
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 10_000 }), (size, partsMax) => {
      const plan = planUpload(size, { ...FILE_LIMITS, partsMax })
      const last = bytesOfPart(plan, plan.parts)
      expect((plan.parts - 1) * plan.partBytes + last).toBe(size)
      expect(plan.parts).toBeLessThanOrEqual(partsMax)
      expect(last).toBeGreaterThanOrEqual(Math.min(size, 1))
      expect(missingParts({ ...plan, parts: Math.min(plan.parts, 50) }, [])).toHaveLength(Math.min(plan.parts, 50))
    }),
  )
})

it.each([
  [5 * GIB, 640, 8 * 1024 ** 2],
  [0, 1, 8 * 1024 ** 2],
  [8 * 1024 ** 2 + 1, 2, 8 * 1024 ** 2],
])('[RU2] a file of %i bytes has %i parts', (bytes, parts, partBytes) => {
  expect(planUpload(bytes, FILE_LIMITS)).toEqual({ bytes, parts, partBytes })
})

it.each([
  [5 * GIB + 1, 'too_large'],
  [-1, 'invalid'],
  [1.5, 'invalid'],
  [Number.NaN, 'invalid'],
])('[RU2] a file of %f bytes is refused', (bytes, code) => {
  expect(() => planUpload(bytes, FILE_LIMITS)).toThrow(expect.objectContaining({ code }))
})

it('[RU2] a part of another length is missing', () => {
  const plan = planUpload(20, { ...FILE_LIMITS, partBytes: 8 })
  const arrived = [1, 2, 3].map((n) => ({ n, bytes: n === 2 ? 7 : bytesOfPart(plan, n) }))
  expect(missingParts(plan, arrived)).toEqual([2])
})
