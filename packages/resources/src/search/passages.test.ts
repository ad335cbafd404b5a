import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PASSAGE_CHARS_MAX, splitPassages } from './passages.ts'

const words = fc.array(fc.constantFrom('Oak. ', 'moves ', '\n\n', '🪵', 'x'.repeat(400), 'wet? ', ' '), {
  maxLength: 60,
})

it('[RE8] passages hold all of a text but its blanks, in order, each where it says and short enough', () => {
  fc.assert(
    fc.property(words, (pieces) => {
      const text = pieces.join('')
      const passages = splitPassages('b', text)
      for (const { start, text: passage } of passages) {
        expect(text.slice(start, start + passage.length)).toBe(passage)
        expect(passage.length).toBeLessThanOrEqual(PASSAGE_CHARS_MAX)
        expect(passage.isWellFormed()).toBe(true)
      }
      const inked = (it: string): string => it.replace(/\s/g, '')
      expect(inked(passages.map((passage) => passage.text).join(''))).toBe(inked(text))
    }),
  )
})
