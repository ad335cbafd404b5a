import { expect, it } from 'vitest'
import { ProvenanceView } from './provenance.ts'

const stamp = (path: string, lsn: number, actor = 'ada') => ({ path, lsn, at: lsn, actor, source: 'user_action' })

it('[C44] a stamp stays the same object when a new connection says it again, and a lower one counts there', () => {
  const view = new ProvenanceView(() => undefined)
  let news = 0
  view.subscribe(() => news++)
  view.note([stamp('b/content', 7), stamp('b/fields', 4)])
  const [block, fields] = [view.of('b'), view.of('b/fields')]
  expect([block?.lsn, fields?.lsn, news]).toEqual([7, 4, 1])
  view.note([stamp('b/fields', 3, 'late')])
  expect(view.of('b/fields')).toBe(fields)

  view.restart()
  view.note([stamp('b/fields', 4), stamp('b/content', 7)])
  expect([view.of('b') === block, view.of('b/fields') === fields, news]).toEqual([true, true, 1])

  // Set back to an older copy: record 4 is another one now, and there is no record 7.
  view.restart()
  view.note([stamp('b/content', 4, 'ben'), stamp('b/fields', 2)])
  expect([view.of('b')?.actor, view.of('b/content')?.lsn, view.of('b/fields')?.lsn, news]).toEqual(['ben', 4, 2, 2])
  view.note([stamp('b/fields', 5, 'eve')])
  expect([view.of('b')?.actor, view.of('b/content')?.actor]).toEqual(['eve', 'ben'])
})
