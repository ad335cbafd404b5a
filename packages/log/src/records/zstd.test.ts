import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { pack, unpack } from './zstd.ts'

it.each([0.5, 1.5, 6])(
  '[L36] what is different from a state of %f MiB is little, wherever it is',
  async (mebibytes) => {
    // Bytes without repetition: only the base has them.
    const base = randomBytes(mebibytes * 2 ** 20)
    const middle = base.length / 2
    const state = Buffer.concat([
      Buffer.from('before'),
      base.subarray(0, middle),
      Buffer.from('in it'),
      base.subarray(middle),
    ])
    const packed = await pack(state, base)
    expect(packed.byteLength).toBeLessThan(2_000)
    expect((await unpack(packed, state.byteLength, base)).equals(state)).toBe(true)
  },
)
