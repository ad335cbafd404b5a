import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogEntry } from '../event-store.ts'
import { LSN_MAX, type Lsn } from '../lsn.ts'
import { decodeRecord, encodeRecord } from './record.ts'

const entries = fc.record(
  {
    update: fc.uint8Array({ maxLength: 3_000 }),
    actor: fc.string({ unit: 'grapheme', maxLength: 200 }),
    source: fc.string({ unit: 'grapheme', maxLength: 50 }),
    connection: fc.string({ unit: 'grapheme', maxLength: 50 }),
    touched: fc.array(fc.string({ unit: 'grapheme', maxLength: 60 }), { maxLength: 5 }),
    idempotencyKey: fc.string({ unit: 'grapheme', maxLength: 60 }),
  },
  { requiredKeys: ['update', 'actor', 'source', 'connection', 'touched'] },
) as fc.Arbitrary<LogEntry>
const numbers = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const lsns = fc.integer({ min: 1, max: LSN_MAX }) as fc.Arbitrary<Lsn>
const times = fc.integer({ min: 0, max: 2 ** 48 - 1 })

const typed: LogEntry = {
  update: Buffer.from('0101b4a9e1f90c0d84b4a9e1f90c0c016100', 'hex'),
  actor: 'ann',
  source: 'user_action',
  connection: 'c-7f3a',
  touched: ['block-1/content'],
}
const rewritten: LogEntry = {
  update: Buffer.from('the same words again and again, '.repeat(64)),
  actor: 'émile',
  source: 'workflow_execution',
  connection: 'run-42',
  touched: ['block-1/content', 'block-2/indexingList'],
  idempotencyKey: 'run-42/step-3',
}

describe('record', () => {
  it('[L16] decoding gives back what was encoded', () => {
    fc.assert(
      fc.property(numbers, lsns, times, entries, (number, lsn, at, entry) => {
        const { key, value } = encodeRecord(number, lsn, at, entry)
        const record = decodeRecord('w', key, value)
        expect({ ...record, update: [...record.update] }).toEqual({ lsn, at, ...entry, update: [...entry.update] })
      }),
    )
  })

  it('[L16] any one flipped bit of key or value throws corrupted', () => {
    fc.assert(
      fc.property(numbers, lsns, times, entries, fc.nat(), fc.nat(7), (number, lsn, at, entry, place, bit) => {
        const put = encodeRecord(number, lsn, at, entry)
        const bytes = Buffer.concat([put.key, put.value])
        // The kind byte is not checked: the caller asked for that key.
        const index = 1 + (place % (bytes.length - 1))
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit)
        const key = bytes.subarray(0, put.key.length)
        expect(() => decodeRecord('w', key, bytes.subarray(put.key.length))).toThrow(
          /record \d+ of workspace w is damaged/,
        )
      }),
    )
  })

  it('[L16] a value cut anywhere throws corrupted', () => {
    const { key, value } = encodeRecord(1, 1 as Lsn, 0, rewritten)
    for (let length = 0; length < value.length; length++) {
      expect(() => decodeRecord('w', key, value.subarray(0, length))).toThrow(
        expect.objectContaining({ code: 'corrupted' }),
      )
    }
  })

  it('[L16] a record under the key of another workspace or LSN throws corrupted', () => {
    const { value } = encodeRecord(1, 1 as Lsn, 0, typed)
    for (const { key } of [encodeRecord(1, 2 as Lsn, 0, typed), encodeRecord(2, 1 as Lsn, 0, typed)]) {
      expect(() => decodeRecord('w', key, value)).toThrow(expect.objectContaining({ code: 'corrupted' }))
    }
  })

  it('[L28] an update above 1 KiB is stored compressed when that is smaller', () => {
    const sizes = (update: Uint8Array) =>
      encodeRecord(1, 1 as Lsn, 0, { ...typed, update }).value.byteLength - update.byteLength
    const overhead = sizes(typed.update)
    expect(sizes(Buffer.alloc(1024, 'a'))).toBe(overhead)
    expect(sizes(Buffer.alloc(1025, 'a'))).toBeLessThan(overhead - 900)
    const noise = Buffer.concat([0, 1, 2, 3, 4, 5, 6, 7].flatMap((n) => hashes(n)))
    expect(noise.length).toBeGreaterThan(2_048)
    expect(sizes(noise)).toBe(overhead)
  })

  it('[L27] a keystroke costs 27 bytes beside its update and what names it', () => {
    const { key, value } = encodeRecord(1, 1 as Lsn, 0, typed)
    const named = [typed.actor, typed.source, typed.connection, ...typed.touched].join('').length
    expect(key.length + value.length - named - typed.update.length).toBe(27)
  })

  for (const [name, entry, hash] of [
    ['typed', typed, '2b6a975c84b98d91'],
    ['rewritten', rewritten, '477862c9bf717fee'],
  ] as const) {
    it(`[L27] the frozen record "${name}" still reads, and its bytes are those of the format's first day`, () => {
      const bytes = readFileSync(new URL(`../../fixtures/record-1-${name}.bin`, import.meta.url))
      expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16)).toBe(hash)
      const record = decodeRecord('w', bytes.subarray(0, 11), bytes.subarray(11))
      const update = Buffer.from(record.update)
      expect({ ...record, update }).toEqual({
        lsn: 258,
        at: 1_700_000_000_123,
        ...entry,
        update: Buffer.from(entry.update),
      })
    })
  }

  it('[L27] what is written today is what was written on the first day', () => {
    const { key, value } = encodeRecord(7, 258 as Lsn, 1_700_000_000_123, typed)
    const frozen = readFileSync(new URL('../../fixtures/record-1-typed.bin', import.meta.url))
    expect(Buffer.concat([key, value]).equals(frozen)).toBe(true)
  })
})

function hashes(seed: number): Buffer[] {
  return Array.from({ length: 9 }, (_, n) => createHash('sha256').update(`${seed}/${n}`).digest())
}
