import { expect, it } from 'vitest'
import { searchBlocks } from './search-blocks.ts'

const BLOCKS = [
  { id: 'a', title: 'Notes', text: 'Measure twice, then cut once with a plan.' },
  { id: 'b', title: 'Old plan', text: '' },
  { id: 'c', title: 'Plan for May', text: 'Nothing yet' },
  { id: 'd', title: 'İstanbul', text: `${'word '.repeat(40)}GROẞE Säge ${'word '.repeat(40)}` },
]
const ids = (query: string, max = 10) => searchBlocks(BLOCKS, query, max).map(({ id }) => id)

it('[E74] a search finds names before texts, every word of it, in any case', () => {
  expect(ids('plan')).toEqual(['c', 'b', 'a'])
  expect(ids('PLAN cut')).toEqual(['a'])
  expect(ids('plan', 2)).toEqual(['c', 'b'])
  expect(ids('nowhere')).toEqual([])
  expect(ids('  ')).toEqual([])
  expect(ids('säge')).toEqual(['d'])
})

it('[E74] a found text has an excerpt around the match, and the passage as it stands there', () => {
  expect(searchBlocks(BLOCKS, 'CUT ONCE', 1)).toEqual([
    { id: 'a', title: 'Notes', excerpt: 'Measure twice, then cut once with a plan.', passage: 'cut once' },
  ])
  const [found] = searchBlocks(BLOCKS, 'säge', 1)
  expect(found?.passage).toBe('Säge')
  expect(found?.excerpt).toMatch(/^….*GROẞE Säge word.*…$/)
  expect(searchBlocks(BLOCKS, 'old', 1)[0]).toMatchObject({ excerpt: '', passage: '' })
})
