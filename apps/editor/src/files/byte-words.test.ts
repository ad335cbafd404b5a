import { expect, it } from 'vitest'
import { byteWords } from './byte-words.ts'

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1 kB'],
  [1_540, '1.5 kB'],
  [20_000_000, '20 MB'],
  [999_600, '1 MB'],
  [5 * 1024 ** 3, '5.4 GB'],
])('[E80] %i bytes are told as %s', (bytes, words) => {
  expect(byteWords(bytes)).toBe(words)
})
