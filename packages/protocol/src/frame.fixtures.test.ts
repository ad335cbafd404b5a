import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeFrame, type Frame } from './frame.ts'
import { encodeFrame } from './testing/frame-sample.ts'

/** One frozen frame. In `frame`, a payload is `{ "hex": … }`. */
interface Fixture {
  readonly name: string
  readonly bytes: string
  readonly frame: unknown
}

const fixtures: Fixture[] = JSON.parse(readFileSync(new URL('./fixtures/frames.json', import.meta.url), 'utf8'))

function revivePayload(_key: string, value: unknown): unknown {
  const isPayload = typeof value === 'object' && value !== null && 'hex' in value && typeof value.hex === 'string'
  return isPayload ? bytesOf(value.hex as string) : value
}

/** Makes a plain Uint8Array, which a Buffer would not equal. */
function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

describe('frozen frames', () => {
  it('[W19] the fixtures are what they were when they were frozen', () => {
    // A new hash here means that clients in the field can't talk to this server. Add fixtures, never change one.
    expect(createHash('sha256').update(JSON.stringify(fixtures)).digest('hex')).toBe(
      '9881fcceb1b5cf6ce5243ee0acab131f4b118be87a0cbdb90b72c900bdf6b42b',
    )
  })

  it.each(fixtures)('[W19] $name is written as it was frozen', ({ bytes, frame }) => {
    const value: Frame = JSON.parse(JSON.stringify(frame), revivePayload)
    expect(Buffer.from(encodeFrame(value)).toString('hex')).toBe(bytes)
  })

  it.each(fixtures)('[W19] $name is read as it was frozen', ({ bytes, frame }) => {
    expect(decodeFrame(bytesOf(bytes))).toStrictEqual(JSON.parse(JSON.stringify(frame), revivePayload))
  })

  it('[W19] a frame of every type is among the fixtures', () => {
    const types = new Set(fixtures.map(({ bytes }) => decodeFrame(bytesOf(bytes)).type))
    expect([...types].sort()).toEqual([
      'auth',
      'awareness',
      'joinery',
      'queryAwareness',
      'syncStep1',
      'syncStep2',
      'update',
    ])
  })
})
