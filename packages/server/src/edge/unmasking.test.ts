import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Unmasking } from './unmasking.ts'

interface Frame {
  readonly payload: Uint8Array
  readonly mask: Uint8Array
}

/** A frame as a client sends it, or with a mask of zero. */
function encode({ payload, mask }: Frame, isMasked: boolean): Buffer {
  const { length } = payload
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10)
  head[0] = 0x82
  head[1] = 0x80 | (length < 126 ? length : length < 65_536 ? 126 : 127)
  if (head.length === 4) head.writeUInt16BE(length, 2)
  if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2)
  const used = isMasked ? mask : new Uint8Array(4)
  return Buffer.concat([head, used, payload.map((byte, index) => byte ^ (used[index % 4] as number))])
}

/** The same bytes in pieces of the given sizes, each at another offset of its memory. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = sizes[pieces.length % sizes.length] as number
    const offset = pieces.length % 4
    const piece = bytes.subarray(at, at + size)
    pieces.push(Buffer.concat([Buffer.alloc(offset), piece]).subarray(offset))
    at += size
  }
  return pieces
}

const frames = fc.array(
  fc.record({
    payload: fc.oneof(
      { weight: 8, arbitrary: fc.uint8Array({ maxLength: 300 }) },
      { weight: 1, arbitrary: fc.constant(new Uint8Array(70_000).map((_, index) => index)) },
    ),
    mask: fc.uint8Array({ minLength: 4, maxLength: 4 }),
  }),
  { maxLength: 6 },
)

it('[S350] frames are unmasked as their bytes arrive, however they are cut, and their masks are zero then', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 9 }), (all, sizes) => {
      const pieces = cut(Buffer.concat(all.map((frame) => encode(frame, true))), sizes)
      const unmasking = new Unmasking()
      for (const piece of pieces) unmasking.unmask(piece)
      expect(Buffer.concat(pieces).equals(Buffer.concat(all.map((frame) => encode(frame, false))))).toBe(true)
    }),
    { numRuns: 200 },
  )
})

it('[S350] bytes behind a frame without a mask, which ends the connection, are left alone', () => {
  const bytes = Buffer.from([0x82, 0x01, 0x07, 0x82, 0x81, 1, 2, 3, 4, 5])
  const unmasking = new Unmasking()
  const given = Buffer.from(bytes)
  unmasking.unmask(given)
  expect(given).toEqual(bytes)
})

/** Frames of one message: a first part, so many parts of `bytes` bytes behind it, and the last one. */
function inParts(count: number, bytes: number): Buffer {
  const frame = (first: number, length: number): Buffer => {
    const head = encode({ payload: new Uint8Array(length), mask: Uint8Array.of(1, 2, 3, 4) }, true)
    head[0] = first
    return head
  }
  return Buffer.concat([frame(0x02, 1), ...Array.from({ length: count }, () => frame(0x00, bytes)), frame(0x80, 1)])
}

it('[S46] hundreds of parts of less than 1 KiB end their connection, and nothing behind them is a frame; longer and fewer ones do not', () => {
  const isTooFine = (bytes: Buffer): boolean => {
    const unmasking = new Unmasking()
    unmasking.unmask(bytes)
    return unmasking.isTooFine
  }
  const tooFine = inParts(2_000, 1)
  expect(isTooFine(tooFine)).toBe(true)
  expect(tooFine.subarray(-5_000).every((byte) => byte === 0xff)).toBe(true)
  expect(isTooFine(inParts(2_000, 1_024))).toBe(false)
  // Messages of two parts each, as some software sends them, and single long ones in a few small parts.
  expect(isTooFine(Buffer.concat(Array.from({ length: 2_000 }, () => inParts(0, 1))))).toBe(false)
  expect(isTooFine(inParts(200, 1))).toBe(false)
})
