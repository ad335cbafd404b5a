import { expect, it } from 'vitest'
import { similarWords } from './similar-words.ts'

const result = { by: 'meaning', model: 'small-model', matches: [], pending: 0 } as const

it('[E93] the words of a search name its model, what is missing, and why it is by letters', () => {
  expect(similarWords(result)).toBe('Similar by meaning (small-model).')
  expect(similarWords({ ...result, pending: 3 })).toBe('Similar by meaning (small-model). 3 passages are not read yet.')
  const letters = { ...result, by: 'letters', model: 'hashed n-grams, not a language model' } as const
  expect(similarWords(letters)).toBe('Similar by letters (hashed n-grams, not a language model).')
  expect(similarWords({ ...letters, problem: 'host answered 503' })).toMatch(/can’t be asked: host answered 503\.$/)
})
