import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LSN_MAX, type Lsn } from '../lsn.ts'
import { parseLsn } from '../parse-lsn.ts'
import { ByteReader, stringBytes, varuintBytes, writeString, writeVaruint } from './bytes.ts'
import { lsnOfRecordKey, nameKey, nameOfWorkspaceKey, numberOfKey, recordKey, workspaceKey } from './key.ts'

const numbers = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const lsns = fc.integer({ min: 0, max: LSN_MAX }) as fc.Arbitrary<Lsn>

describe('key', () => {
  it('[L27] a record key gives back its workspace and LSN', () => {
    fc.assert(
      fc.property(numbers, lsns, (number, lsn) => {
        const key = recordKey(number, lsn)
        expect([numberOfKey(key), lsnOfRecordKey(key)]).toEqual([number, lsn])
        expect(numberOfKey(nameKey(number))).toBe(number)
      }),
    )
  })

  it('[L27] record keys sort by workspace, then by LSN', () => {
    fc.assert(
      fc.property(numbers, lsns, numbers, lsns, (number, lsn, otherNumber, otherLsn) => {
        const order = Buffer.compare(recordKey(number, lsn), recordKey(otherNumber, otherLsn))
        expect(order).toBe(Math.sign(number - otherNumber || lsn - otherLsn))
      }),
    )
  })

  it('[L8] a workspace key gives back its name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (name) => {
        expect(nameOfWorkspaceKey(workspaceKey(name))).toBe(name)
      }),
    )
  })

  it('[L11] parseLsn throws invalid for what is no LSN', () => {
    expect([0, 1, LSN_MAX].map(parseLsn)).toEqual([0, 1, LSN_MAX])
    for (const bad of [-1, 0.5, LSN_MAX + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => parseLsn(bad)).toThrow(expect.objectContaining({ name: 'LogError', code: 'invalid' }))
    }
  })
})

describe('bytes', () => {
  it('[L27] a varuint or a string reads as it was written, in the bytes foretold', () => {
    const values = fc.tuple(fc.maxSafeNat(), fc.string({ unit: 'grapheme', maxLength: 300 }))
    fc.assert(
      fc.property(values, ([number, string]) => {
        const target = Buffer.alloc(varuintBytes(number) + stringBytes(string))
        const end = writeString(target, string, writeVaruint(target, number, 0))
        expect(end).toBe(target.length)
        const reader = new ByteReader(target, 0, end)
        expect([reader.varuint(), reader.string(), reader.rest().length]).toEqual([number, string, 0])
      }),
    )
  })

  it('[L16] reading past the end, or a number without one, throws', () => {
    expect(() => new ByteReader(Buffer.from([5, 1]), 0, 2).string()).toThrow(RangeError)
    expect(() => new ByteReader(Buffer.alloc(20, 0xff), 0, 20).varuint()).toThrow(RangeError)
  })
})
