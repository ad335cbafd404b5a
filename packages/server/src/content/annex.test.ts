import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeAnnex, encodeAnnex } from './annex.ts'
import { Stamps } from './stamps.ts'

const NOTHING = { stateVector: Uint8Array.of(0), authors: new Uint8Array() }

it('[S30] an annex is read back as it was written, whatever its paths and names are', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  const record = fc.record({
    actor: text,
    source: text,
    at: fc.nat(2 ** 45),
    touched: fc.array(fc.array(text, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'))),
  })
  fc.assert(
    fc.property(fc.array(record), fc.uint8Array(), fc.uint8Array({ minLength: 1 }), (records, stateVector, authors) => {
      const stamps = new Stamps()
      for (const [index, entry] of records.entries()) stamps.note({ ...entry, lsn: (index + 1) as never })
      const read = decodeAnnex(encodeAnnex({ stateVector, authors, stamps }))
      expect(read?.stateVector).toEqual(stateVector)
      expect(read?.authors).toEqual(authors)
      expect([...(read?.stamps().entries() ?? [])]).toEqual([...stamps.entries()])
    }),
  )
})

it('[S30] the stamps of 10,000 blocks with four fields each take less than a megabyte', () => {
  const stamps = new Stamps()
  const fields = ['content', 'indexingList', 'type', 'fields']
  for (let block = 0; block < 10_000; block++) {
    const id = `0192f3c4-${(block * 7919).toString(16).padStart(4, '0')}-7abc-8def-${block.toString().padStart(12, '0')}`
    for (const [index, field] of fields.entries()) {
      const lsn = (block * 4 + index + 1) as never
      stamps.note({
        lsn,
        at: 1.7e12 + block * 4000,
        actor: `user ${block % 50}`,
        source: 'user_action',
        touched: [`${id}/${field}`],
      })
    }
  }
  const bytes = encodeAnnex({ ...NOTHING, stamps })
  expect(stamps.size).toBe(50_000)
  expect(bytes.length).toBeLessThan(1_000_000)
})

it('[S30] an annex of a newer version counts as none, and one that is cut short throws', () => {
  const stamps = new Stamps([['a/b', { lsn: 3, at: 9, actor: 'ada', source: 'user_action' }]])
  const bytes = encodeAnnex({ ...NOTHING, stamps })
  expect(decodeAnnex(Uint8Array.of(2, 1, 2, 3))).toBeUndefined()
  expect(decodeAnnex(new Uint8Array())).toBeUndefined()
  expect(() => decodeAnnex(bytes.subarray(0, bytes.length - 9))?.stamps()).toThrow()
  expect(() => decodeAnnex(Uint8Array.of(1, 200))).toThrow()
})
