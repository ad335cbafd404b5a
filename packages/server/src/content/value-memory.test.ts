import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { ValueMemory } from './value-memory.ts'

const MANY = 5_000
const objects = () => Array.from({ length: MANY }, () => ({}))

it('[S199] values count with the memory that they take, texts and types with none', () => {
  const doc = new Y.Doc()
  doc.getText('text').insert(0, 'x'.repeat(1_000_000))
  for (let index = 0; index < 100; index++) doc.getMap('map').set(`m${index}`, new Y.Map())
  expect(new ValueMemory().look(doc)).toBe(0)
  doc.getArray('list').push(objects())
  const flat = new ValueMemory().look(doc)
  expect(flat).toBeGreaterThan(MANY * 56)
  expect(flat).toBeLessThan(MANY * 80)
  // The same within one value, within a format and within an embedded one.
  const nests: ((doc: Y.Doc) => void)[] = [
    (nest) => nest.getMap('map').set('one', [{ deep: objects() }]),
    (nest) => nest.getText('text').insert(0, 'x', { mark: { deep: objects() } }),
    (nest) => nest.getText('text').insertEmbed(0, { deep: objects() }),
  ]
  for (const fill of nests) {
    const nest = new Y.Doc()
    fill(nest)
    expect(new ValueMemory().look(nest)).toBeGreaterThanOrEqual(flat)
  }
})

it('[S199] a look reads what is new since the last one, also in the middle of a joined list', () => {
  const doc = new Y.Doc()
  const memory = new ValueMemory()
  const list = doc.getArray('list')
  let known = 0
  for (let round = 1; round <= 20; round++) {
    list.push(['a', round, {}, [true]])
    const bytes = memory.look(doc)
    expect(bytes).toBeGreaterThan(known)
    expect(bytes).toBe(new ValueMemory().look(doc))
    known = bytes
  }
  expect(doc.store.clients.get(doc.clientID)).toHaveLength(1)
  expect(memory.look(doc)).toBe(known)
})

it('[S199] values that were deleted count no longer once as many new ones have come', () => {
  const doc = new Y.Doc()
  const memory = new ValueMemory()
  const list = doc.getArray('list')
  list.push(objects())
  const first = memory.look(doc)
  for (let round = 0; round < 60; round++) {
    list.delete(0, MANY)
    list.push(objects())
    memory.look(doc)
  }
  expect(memory.look(doc)).toBeLessThan(first * 1.5 + 5 * 1024 * 1024)
})

it('[S199] a long document is read by parts, and all of it in the end', () => {
  const doc = new Y.Doc()
  const map = doc.getMap('map')
  doc.transact(() => {
    for (let index = 0; index < 55_000; index++) map.set(`${index}`, index)
  })
  const memory = new ValueMemory()
  const whole = (): number => {
    let bytes = 0
    for (let look = 0; look < 5; look++) bytes = memory.look(doc)
    return bytes
  }
  expect(memory.look(doc)).toBeLessThan(whole())
  expect(whole()).toBeGreaterThanOrEqual(55_000 * 24)
})
