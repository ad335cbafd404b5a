import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogRecord } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { decodeSegment, decodeSegmentHead, encodeSegment } from './segment.ts'

const texts = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength })
const entries = fc.record(
  {
    update: fc.uint8Array({ maxLength: 300 }),
    actor: texts(20),
    source: texts(20),
    connection: texts(20),
    touched: fc.array(texts(20), { maxLength: 3 }),
    idempotencyKey: texts(30),
    passed: fc.nat(100_000),
  },
  { requiredKeys: ['update', 'actor', 'source', 'connection', 'touched', 'passed'] },
)
const numbers = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const histories = fc
  .record({
    first: fc.integer({ min: 1, max: 2 ** 40 }),
    start: fc.integer({ min: 0, max: 2 ** 45 }),
    entries: fc.array(entries, { minLength: 1, maxLength: 40 }),
  })
  .map(({ first, start, entries }): LogRecord[] => {
    let at = start
    return entries.map(({ passed, ...entry }, index) => {
      at += passed
      return { ...entry, lsn: (first + index) as Lsn, at }
    })
  })

const plain = (records: readonly LogRecord[]) => records.map((record) => ({ ...record, update: [...record.update] }))

/** Two people typing, and a job that rewrites. */
const typed: LogRecord[] = Array.from({ length: 30 }, (_, index) => ({
  lsn: (index + 7) as Lsn,
  at: 1_790_000_000_000 + index * 130,
  actor: index % 2 === 0 ? 'ann' : 'émile',
  source: 'user_action',
  connection: `c-${index % 2}`,
  touched: ['block-1/content'],
  update: Buffer.from(
    `0101b4a9e1f90c${(16 + index).toString(16)}84b4a9e1f90c${(15 + index).toString(16)}016100`,
    'hex',
  ),
  ...(index === 20 && { idempotencyKey: 'run-42/step-3' }),
}))

describe('segment', () => {
  it('[L60] decoding gives back every record as it was, and its head tells which they are', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, histories, async (number, records) => {
        const { key, value } = await encodeSegment(number, records)
        expect(plain(decodeSegment('w', key, value))).toEqual(plain(records))
        expect(decodeSegmentHead('w', key, value)).toEqual({
          first: records[0]?.lsn,
          last: records.at(-1)?.lsn,
          firstAt: records[0]?.at,
          lastAt: records.at(-1)?.at,
        })
      }),
    )
  })

  it('[L60] any one flipped bit of key or value throws corrupted, of the head too', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, histories, fc.nat(), fc.nat(7), async (number, records, place, bit) => {
        const segment = await encodeSegment(number, records)
        const bytes = Buffer.concat([segment.key, segment.value])
        const index = 1 + (place % (bytes.length - 1))
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
        const key = bytes.subarray(0, segment.key.length)
        const value = bytes.subarray(segment.key.length)
        expect(() => decodeSegment('w', key, value)).toThrow(expect.objectContaining({ code: 'corrupted' }))
        expect(() => decodeSegmentHead('w', key, value)).toThrow(expect.objectContaining({ code: 'corrupted' }))
      }),
    )
  })

  it('[L60] any cut end throws corrupted', async () => {
    const { key, value } = await encodeSegment(3, typed)
    for (let length = 0; length < value.length; length++) {
      expect(() => decodeSegment('w', key, value.subarray(0, length))).toThrow(/segment of workspace w .* damaged/)
    }
  })

  it('[L27] reads the segments that were ever written', () => {
    const bytes = readFileSync(new URL('../../fixtures/segment-1.bin', import.meta.url))
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(
      '9cb7c2a4f400fe0d4ff11d354097ab59b4f806f007a9dd497b796bd74e0c2852',
    )
    expect(plain(decodeSegment('w', bytes.subarray(0, 11), bytes.subarray(11)))).toEqual(plain(typed))
  })

  it('[L60] takes a fraction of the bytes that the records take one by one', async () => {
    const { key, value } = await encodeSegment(3, typed)
    expect(key.length + value.length).toBeLessThan(typed.length * 12)
  })
})
