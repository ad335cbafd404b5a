import { expect, it } from 'vitest'
import { countCodeUnits } from './utf16-length.ts'

const TEXTS = [
  '',
  'plain text',
  'é',
  'naïve café',
  '漢字かな',
  '👩‍👩‍👧 and 🏳️‍🌈',
  '\u07ff\u0800\uffff\u{10000}\u{10ffff}',
  'a漢é👋z'.repeat(50),
]

it.each(TEXTS)('[S162] the clocks of a text are counted from its bytes, wherever they lie: %s', (text) => {
  const bytes = new TextEncoder().encode(text)
  for (let offset = 0; offset < 8; offset++) {
    const placed = new Uint8Array(offset + bytes.length + 5).fill(0xff)
    placed.set(bytes, offset)
    expect(countCodeUnits(placed, offset, offset + bytes.length)).toBe(text.length)
    expect(countCodeUnits(placed.subarray(offset), 0, bytes.length)).toBe(text.length)
  }
})
