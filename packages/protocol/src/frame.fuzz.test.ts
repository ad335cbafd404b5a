import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeAwarenessStates, encodeAwarenessStates } from './awareness.ts'
import { decodeFrame, type Frame } from './frame.ts'
import { FrameError } from './frame-error.ts'
import { encodeFrame, frames } from './testing/frame-sample.ts'

const runs = (count: number) => ({ numRuns: process.env.JOINERY_NIGHTLY ? count * 100 : count })

/** Runs `decode`. Returns undefined when it throws a FrameError; any other error fails the test. */
function valueOrRefusal<Value>(decode: () => Value): Value | undefined {
  try {
    return decode()
  } catch (error) {
    if (error instanceof FrameError) return undefined
    throw error
  }
}

/** True for bytes that are a frame. Fails when the frame does not survive its own round trip. */
function isFrameOrRefused(bytes: Uint8Array): boolean {
  const frame: Frame | undefined = valueOrRefusal(() => decodeFrame(bytes))
  if (frame === undefined) return false
  expect(decodeFrame(encodeFrame(frame))).toEqual(frame)
  if (frame.type === 'awareness') {
    const states = valueOrRefusal(() => decodeAwarenessStates(frame.update))
    if (states) expect(decodeAwarenessStates(encodeAwarenessStates(states))).toEqual(states)
  }
  return true
}

describe('frames off the wire', () => {
  it('[W9] a frame is refused when it is cut anywhere', () => {
    // The body of an unknown subtype reaches to the end of the frame, so nothing can be missing.
    const known = frames.filter((frame) => frame.type !== 'joinery' || frame.message !== undefined)
    fc.assert(
      fc.property(known, (frame) => {
        const bytes = encodeFrame(frame)
        for (let length = 0; length < bytes.length; length++) {
          expect(isFrameOrRefused(bytes.subarray(0, length))).toBe(false)
        }
      }),
      runs(100),
    )
  })

  it('[W9] a frame is a frame or refused when any one of its bytes is any other', () => {
    const small = frames.filter((frame) => encodeFrame(frame).length < 80)
    fc.assert(
      fc.property(small, (frame) => {
        const bytes = encodeFrame(frame)
        for (const [index, original] of bytes.entries()) {
          for (const bit of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
            bytes[index] = original ^ bit
            isFrameOrRefused(bytes)
          }
          bytes[index] = original
        }
      }),
      runs(100),
    )
  })

  it('[W9] a frame is a frame or refused when it is any bytes at all behind any type', () => {
    const heads = fc.constantFrom(
      [],
      [0, 0],
      [0, 1],
      [0, 2],
      [1],
      [2, 0],
      [3],
      [74, 0],
      [74, 1],
      [74, 2],
      [74, 3],
      [74, 7],
      [74, 8],
      [74, 9],
    )
    fc.assert(
      fc.property(heads, fc.uint8Array({ maxLength: 200 }), (head, rest) => {
        isFrameOrRefused(Uint8Array.of(...head, ...rest))
        valueOrRefusal(() => decodeAwarenessStates(rest))
      }),
      runs(3000),
    )
  })
})
