import { isSameJson, writeJson } from '@joinery/blocks'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { mergePatch } from './merge-patch.ts'
import { jsonFault } from './request-json.ts'

// Appendix A of RFC 7396.
it.each([
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
])('[H2] merging %j with %j gives %j', (target, patch, expected) => {
  expect(mergePatch(target, patch)).toEqual(expected)
})

/** JSON as requests may hold it: the API refuses the other keys and texts, so no document holds them. */
const json = fc.jsonValue({ maxDepth: 3 }).filter((value) => jsonFault(value) === undefined)
const object = fc.dictionary(fc.constantFrom('a', 'b', 'c'), json)

it('[H2] patching a shared map says the same as patching JSON', () => {
  fc.assert(
    fc.property(object, object, (target, patch) => {
      const map = new Y.Doc().getMap('m')
      writeJson(map, target as Record<string, never>, 'replace')
      writeJson(map, patch as Record<string, never>, 'patch')
      expect(map.toJSON()).toEqual(mergePatch(target as never, patch as never))
    }),
  )
})

it('[H1] replacing a shared map with what it holds writes nothing', () => {
  fc.assert(
    fc.property(object, (value) => {
      const doc = new Y.Doc()
      const map = doc.getMap('m')
      writeJson(map, value as Record<string, never>, 'replace')
      const before = Y.encodeStateVector(doc)
      writeJson(map, structuredClone(value) as Record<string, never>, 'replace')
      expect(Y.encodeStateVector(doc)).toEqual(before)
      expect(isSameJson(map.toJSON(), value)).toBe(true)
    }),
  )
})

it('[H1] a shared map that was replaced holds what the new one says and nothing else', () => {
  fc.assert(
    fc.property(object, object, (before, next) => {
      const map = new Y.Doc().getMap('m')
      writeJson(map, before as Record<string, never>, 'replace')
      writeJson(map, next as Record<string, never>, 'replace')
      expect(map.toJSON()).toEqual(next)
    }),
  )
})
