import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { FILM_MS, FILM_SIZE } from './film.ts'

const RECORDING = new URL('../../../apps/editor/screenshots/recording.gif', import.meta.url)
const BYTES_MAX = 2_000_000

/** Size of a GIF and the times of its frames, ms, as its blocks say. */
function readGif(bytes: Uint8Array): { width: number; height: number; delays: number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const tableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
  const delays: number[] = []
  const skipBlocks = (from: number): number => {
    let at = from
    while (view.getUint8(at) !== 0) at += view.getUint8(at) + 1
    return at + 1
  }
  let at = 13 + tableBytes(view.getUint8(10))
  // 0x3b ends the file.
  while (view.getUint8(at) !== 0x3b) {
    if (view.getUint8(at) === 0x21) {
      if (view.getUint8(at + 1) === 0xf9) delays.push(view.getUint16(at + 4, true) * 10)
      at = skipBlocks(at + 2)
    } else at = skipBlocks(at + 10 + tableBytes(view.getUint8(at + 9)) + 1)
  }
  return { width: view.getUint16(6, true), height: view.getUint16(8, true), delays }
}

it('[E96] the README’s recording lasts twenty seconds and is smaller than 2 MB', async () => {
  const bytes = await readFile(RECORDING)
  const { delays, ...size } = readGif(bytes)
  expect(size).toEqual(FILM_SIZE)
  expect(delays.length).toBeGreaterThan(30)
  expect(delays.reduce((sum, ms) => sum + ms, 0)).toBe(FILM_MS)
  expect(bytes.length).toBeLessThan(BYTES_MAX)
})
