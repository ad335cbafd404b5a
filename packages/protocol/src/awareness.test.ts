import fc from 'fast-check'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { decodeAwarenessStates, encodeAwarenessStates } from './awareness.ts'
import { FrameError } from './frame-error.ts'
import { awarenessStates } from './testing/frame-sample.ts'

describe('an awareness update', () => {
  it('[W6] states are read back as they were written', () => {
    fc.assert(
      fc.property(awarenessStates, (states) => {
        expect(decodeAwarenessStates(encodeAwarenessStates(states))).toEqual(states)
      }),
    )
  })

  it.each([2 ** 50, Number.MAX_SAFE_INTEGER, 1000, 2])(
    '[W6] an update is refused before it is read when it declares %d states and has bytes for one',
    (count) => {
      const encoder = encoding.createEncoder()
      encoding.writeVarUint(encoder, count)
      encoding.writeUint8Array(encoder, Uint8Array.of(1, 1, 1, 0x31))
      const decode = () => decodeAwarenessStates(encoding.toUint8Array(encoder))
      expect(decode).toThrow(FrameError)
      expect(decode).toThrow(`${count} awareness states do not fit 4 bytes`)
    },
  )

  it.each([
    ['nothing', []],
    ['fewer states than it declares', [2, 1, 1, 3, 0x31, 0x31, 0x31]],
    ['bytes after its states', [0, 0]],
    ['a state that is not UTF-8', [1, 1, 1, 1, 0xff]],
  ])('[W6] an update is refused when it holds %s', (_, bytes) => {
    expect(() => decodeAwarenessStates(Uint8Array.from(bytes))).toThrow(FrameError)
  })

  it.each(['', '{', 'undefined', "{'a':1}", '1 2', '\ufeff1'])(
    '[W7] an update is refused when a state is %j, which is no JSON',
    (json) => {
      const update = encodeAwarenessStates([{ clientId: 1, clock: 1, json }])
      expect(() => decodeAwarenessStates(update)).toThrow(FrameError)
    },
  )

  it.each(['null', ' null', '\n\tnull\r\n'])('[W7] a client is gone when its state is %j', (json) => {
    const update = encodeAwarenessStates([{ clientId: 1, clock: 1, json }])
    expect(decodeAwarenessStates(update)).toEqual([{ clientId: 1, clock: 1, json: 'null' }])
  })

  it.each(['"null"', '[null]', '{"a": null}', '0', '""'])('[W7] a client is there when its state is %j', (json) => {
    const update = encodeAwarenessStates([{ clientId: 1, clock: 1, json }])
    expect(decodeAwarenessStates(update)).toEqual([{ clientId: 1, clock: 1, json }])
  })
})
