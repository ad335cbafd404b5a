import { expect, test } from 'vitest'
import { listProblem } from './list-problem.ts'

test('[E40, E42] a list that was never read is not called old, and a reason reads as a sentence', () => {
  const reason = 'the server did not answer: this needs a connection'
  expect(listProblem(reason, false)).toBe('The server did not answer: this needs a connection.')
  expect(listProblem(reason, true)).toBe('This list may be old: the server did not answer: this needs a connection.')
  expect(listProblem('Ended.', false)).toBe('Ended.')
})
