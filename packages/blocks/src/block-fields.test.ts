import { expect, test } from 'vitest'
import { forkDoc, getBlock } from './index.ts'
import { docWithBlock, POLLER, syncAll, USER, WORKFLOW } from './test-docs.ts'

test('[B21] a field holds any JSON, and of concurrent values the one of the higher-priority source shows', () => {
  const { doc, block } = docWithBlock()
  block.fields.set('config', { model: 'm', list: [1, null] }, WORKFLOW)
  expect(block.fields.get('config')).toEqual({ model: 'm', list: [1, null] })
  const other = forkDoc(doc)
  const there = getBlock(other, 'b1')
  block.fields.set('title', 'by a person', USER)
  there?.fields.set('title', 'by a poller', POLLER)
  syncAll(doc, other)
  expect([block.fields.get('title'), there?.fields.get('title')]).toEqual(['by a person', 'by a person'])
  // Who has seen the other value writes over it, whoever that is.
  there?.fields.set('title', 'a later word', POLLER)
  syncAll(doc, other)
  expect(block.toJSON().fields).toEqual({ config: { model: 'm', list: [1, null] }, title: 'a later word' })
  expect(block.fields.entries().find((claim) => claim.key === 'title')).toMatchObject({ seq: 2, actor: 'poller' })
})

test('[B21] a removed field is gone, a concurrent value survives, and wrong values are refused by name', () => {
  const { doc, block } = docWithBlock()
  block.fields.set('title', 'one', USER)
  const other = forkDoc(doc)
  expect([block.fields.remove('title'), block.fields.remove('title')]).toEqual([true, false])
  expect(block.fields.get('title')).toBeUndefined()
  getBlock(other, 'b1')?.fields.set('title', 'two', WORKFLOW)
  syncAll(doc, other)
  expect(block.fields.get('title')).toBe('two')
  const refused = (value: unknown): unknown =>
    expect(() => block.fields.set('k', value as string, USER)).toThrow(
      expect.objectContaining({ code: 'bad_argument', field: 'value' }),
    )
  for (const value of [undefined, () => 1, Number.NaN, 'x'.repeat(20_000)]) refused(value)
})

test('[B17] fields are observed once per transaction with the values before and after', () => {
  const { doc, block } = docWithBlock()
  const seen: unknown[] = []
  const stop = block.fields.observe((change) => seen.push(change.changes))
  doc.transact(() => {
    block.fields.set('title', 'one', USER)
    block.fields.set('title', 'two', USER)
  })
  stop()
  block.fields.set('title', 'three', USER)
  expect(seen).toMatchObject([[{ kind: 'added', key: 'title', entry: { value: 'two' } }]])
})
