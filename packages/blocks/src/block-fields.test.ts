import { expect, test } from 'vitest'
import * as Y from 'yjs'
import { changeFields, forkDoc, getBlock } from './index.ts'
import { docWithBlock, POLLER, syncAll, USER, WORKFLOW } from './testing/test-docs.ts'

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
  // A writer that has seen the other value writes over it, whatever its source.
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

test('[B21] many fields are changed together as they are one by one, however many stand already', () => {
  const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, index]))
  const { doc, block } = docWithBlock()
  changeFields(block, { ...many, gone: 1 }, WORKFLOW)
  const other = forkDoc(doc)
  getBlock(other, 'b1')?.fields.set('k0', 'by a poller', POLLER)
  changeFields(block, { k0: 'by a person', k1: undefined, never: undefined, gone: undefined, later: [1] }, USER)
  syncAll(doc, other)
  const { k1: _k1, ...rest } = many
  expect(block.toJSON().fields).toEqual({ ...rest, k0: 'by a person', later: [1] })
  expect(getBlock(other, 'b1')?.toJSON()).toEqual(block.toJSON())
  expect(block.fields.entries().find((claim) => claim.key === 'k0')).toMatchObject({ seq: 2, actor: USER.actor })
  const before = Y.encodeStateVector(doc)
  expect(() => changeFields(block, { fine: 1, bad: 'x'.repeat(20_000) }, USER)).toThrow('value')
  changeFields(block, { never: undefined }, USER)
  expect(Y.encodeStateVector(doc)).toEqual(before)
})

test('[B21] many fields written together stand in items of a bounded size, which Yjs cuts when some of them change', () => {
  const { doc, block } = docWithBlock()
  const write = (step: number): void => {
    const values = Object.fromEntries(Array.from({ length: 4_000 / step }, (_, index) => [`k${index * step}`, step]))
    changeFields(block, values, USER)
  }
  const lengths = (): number[] => {
    const list = block.map.get('fields')
    const found: number[] = []
    for (let item = list instanceof Y.Array ? list._start : null; item !== null; item = item.right) {
      if (!item.deleted) found.push(item.length)
    }
    return found
  }
  write(1)
  expect(lengths()).toEqual(Array.from({ length: 8 }, () => 500))
  write(2)
  expect(Math.max(...lengths())).toBeLessThanOrEqual(500)
  expect(Object.keys(block.toJSON().fields)).toHaveLength(4_000)
  expect(getBlock(forkDoc(doc), 'b1')?.toJSON()).toEqual(block.toJSON())
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
