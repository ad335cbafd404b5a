import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { LogRecord } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { decodePortableRecords, encodePortableRecord } from './portable-records.ts'

const record: fc.Arbitrary<LogRecord> = fc
  .record({
    lsn: fc.integer({ min: 1, max: 2 ** 40 }).map((lsn) => lsn as Lsn),
    at: fc.integer({ min: 0, max: 2 ** 47 }),
    actor: fc.string(),
    source: fc.string(),
    connection: fc.string(),
    touched: fc.array(fc.string(), { maxLength: 3 }),
    update: fc.uint8Array({ maxLength: 3_000 }),
    key: fc.option(fc.string({ minLength: 1, maxLength: 20 }), { nil: undefined }),
  })
  .map(({ key, ...rest }) => ({ ...rest, ...(key !== undefined && { idempotencyKey: key }) }))

it('[L160] records come out as they went in, one after the other, and any change of their bytes is noticed', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 4 }), fc.nat(), fc.nat(254), (records, where, change) => {
      const bytes = Buffer.concat(records.map(encodePortableRecord))
      const plain = decodePortableRecords('w', bytes).map((found) => ({
        ...found,
        update: Uint8Array.from(found.update),
      }))
      expect(plain).toEqual(records)
      if (bytes.byteLength === 0) return
      const at = where % bytes.byteLength
      bytes[at] = ((bytes[at] ?? 0) + 1 + change) % 256
      expect(() => decodePortableRecords('w', bytes)).toThrow('workspace w')
    }),
    { numRuns: 50 },
  )
})
