import type { IndexingEntry } from '@joinery/blocks'
import { expect, it } from 'vitest'
import { amountWords } from './amount-words.ts'

const entry: IndexingEntry = {
  index_name: 'main',
  run: { no: 1, id: 'r', source: 'workflow_execution' },
  status: 'processing',
  source: 'workflow_execution',
  actor: 'engine',
  at: 0,
}

it.each([
  [{}, ''],
  [{ chunks: 1 }, '1 chunk'],
  [{ progress: 3, total: 10, chunks: 7 }, '3 of 10'],
  [{ progress: 0.426 }, '43 %'],
  [{ progress: 0 }, '0 %'],
  [{ progress: 12 }, '12'],
  [{ status: 'done', progress: 10, total: 10, chunks: 7 }, '7 chunks'],
  [{ status: 'error', progress: 3, total: 10 }, ''],
] as const)('[E15] an entry with %o reads "%s"', (told, words) => {
  expect(amountWords({ ...entry, ...told })).toBe(words)
})
