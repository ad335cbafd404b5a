import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Sha256, sha256 } from './sha256.ts'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const expected = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('sha256', () => {
  it('[B1] is the standard one at every length around its blocks', () => {
    for (let length = 0; length <= 200; length++) {
      const bytes = Uint8Array.from({ length }, (_, index) => (index * 167 + length) & 0xff)
      expect(hex(sha256(bytes)), `${length} bytes`).toBe(expected(bytes))
    }
  })

  it('[B1] is the standard one for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), (bytes) => {
        expect(hex(sha256(bytes))).toBe(expected(bytes))
      }),
    )
  })

  it('[B1] is the standard one for a message in pieces of any sizes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 12 }), (pieces) => {
        const hash = new Sha256()
        for (const piece of pieces) hash.update(piece)
        expect(hex(hash.digest())).toBe(expected(Buffer.concat(pieces)))
      }),
    )
  })

  it('[B1] computes constants that no engine can round to others', () => {
    const isPrime = (n: number): boolean => !Array.from({ length: n - 2 }, (_, index) => n % (index + 2)).includes(0)
    const primes = Array.from({ length: 310 }, (_, index) => index + 2).filter(isPrime)
    expect(primes).toHaveLength(64)
    for (const root of [...primes.map(Math.cbrt), ...primes.slice(0, 8).map(Math.sqrt)]) {
      const cut = ((root % 1) * 2 ** 32) % 1
      // Engines may differ in the last of 52 bits, which is worth 2 ** -15 here.
      expect(Math.min(cut, 1 - cut)).toBeGreaterThan(2 ** -10)
    }
  })
})
