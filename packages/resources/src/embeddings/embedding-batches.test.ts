import fc from 'fast-check'
import { expect, it } from 'vitest'
import { batchesOf } from './embedding-batches.ts'

const texts = fc.array(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((text) => text.trim() !== ''),
  { maxLength: 60 },
)

it('[RE1] batches have all texts in their order, none is empty, and none is above a bound', () => {
  fc.assert(
    fc.property(
      texts,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 600, max: 900 }),
      (given, itemsMax, bytesMax) => {
        const batches = batchesOf(given, { itemsMax, bytesMax })
        expect(batches.flat()).toEqual(given)
        for (const batch of batches) {
          expect(batch.length).toBeGreaterThan(0)
          expect(batch.length).toBeLessThanOrEqual(itemsMax)
          expect(Buffer.byteLength(batch.join(''))).toBeLessThanOrEqual(bytesMax)
        }
      },
    ),
  )
})

it.each([
  [['fine', ' \n'], /text 1 is blank/],
  [['ä'.repeat(6)], /text 0 has 12 bytes, and a call takes 10/],
])('[RE1] %j is refused before anything is sent', (given, message) => {
  expect(() => batchesOf(given, { itemsMax: 2, bytesMax: 10 })).toThrow(
    expect.objectContaining({ code: 'rejected', message: expect.stringMatching(message) }),
  )
})
