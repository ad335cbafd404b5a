import fc from 'fast-check'
import { expect, it } from 'vitest'
import { embed, similarity } from './hashed-ngrams.ts'

it('[RE7] a text is as similar to itself as can be when it has a letter or digit', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
      const own = similarity(embed(text), embed(text))
      expect(own).toBeCloseTo(/[\p{L}\p{N}]/u.test(text.normalize('NFKC').toLowerCase()) ? 1 : 0, 5)
    }),
  )
})

it('[RE7] a question is nearest to the text that shares its words, slips included, when others share none', () => {
  const texts = [
    'A dovetail holds without glue.',
    'Japanese saws cut on the pull stroke.',
    'Grace sharpens the plane irons.',
  ].map(embed)
  const nearest = (question: string): number => {
    const scores = texts.map((text) => similarity(embed(question), text))
    return scores.indexOf(Math.max(...scores))
  }
  expect(['does a dovetale hold', 'SAWING in japan', 'sharp plane iron'].map(nearest)).toEqual([0, 1, 2])
  expect(Math.abs(similarity(embed('zebra quantum'), texts[0] as Float32Array))).toBeLessThan(0.12)
})
