import fc from 'fast-check'
import { expect, it } from 'vitest'
import { plainJson } from './plain-json.ts'
import { WorkerError } from './worker-error.ts'

const rule = { what: 'the result', code: 'bad_result' } as const
const circle: Record<string, unknown> = { a: [] }
circle.a = [{ back: circle }]
const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)])

it.each<[string, unknown, string]>([
  ['undefined', undefined, 'the result is undefined: return a value, or null'],
  ['undefined in a list', { list: [1, undefined] }, 'the result.list[1] is undefined'],
  ['a hole in a list', Array(1), 'the result[0] is undefined'],
  ['NaN', { n: Number.NaN }, 'the result.n is NaN, which JSON does not have'],
  ['Infinity', -Infinity, 'the result is -Infinity'],
  ['a bigint', { id: 7n }, 'the result.id is a bigint'],
  ['a promise', { later: Promise.resolve(1) }, 'the result.later is a promise: await it first'],
  // biome-ignore lint/suspicious/noThenProperty: any object with such a method is taken for a promise
  ['a thenable', { then: () => undefined }, 'the result is a promise'],
  ['a function', [() => 1], 'the result[0] is a function'],
  ['a symbol', Symbol('x'), 'the result is a symbol'],
  ['a date', { at: new Date(0) }, 'the result.at is a Date'],
  ['a map', new Map([[1, 2]]), 'the result is a Map'],
  ['bytes', { bytes: new Uint8Array(2) }, 'the result.bytes is a Uint8Array'],
  ['an error', new Error('x'), 'the result is a Error'],
  ['a circle', circle, 'the result.a[0].back refers to itself'],
  ['the forbidden key', { deep: JSON.parse('{"__proto__": {}}') }, 'the result.deep has the key "__proto__"'],
  ['101 levels', deep(101), 'is nested in more than 100 levels'],
])('[N5] %s is refused as a result, and the error says where it stands', (_what, value, message) => {
  expect(() => plainJson(value, rule)).toThrow(message)
  expect(() => plainJson(value, rule)).toThrow(WorkerError)
})

it('[N5] a result has at most so many bytes, counted as UTF-8', () => {
  expect(plainJson('é'.repeat(49), { ...rule, bytesMax: 100 })).toHaveLength(49)
  expect(() => plainJson('é'.repeat(50), { ...rule, bytesMax: 100 })).toThrow(
    'the result has 102 bytes of JSON, and at most 100 are kept: store it elsewhere, and give its id',
  )
})

it('[N5] every JSON value passes as it is, and one that passes reads the same after JSON', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      fc.pre(!JSON.stringify(value).includes('__proto__'))
      expect(JSON.stringify(plainJson(value, rule))).toBe(JSON.stringify(value))
    }),
  )
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }), (value) => {
      let json: unknown
      try {
        json = plainJson(value, rule)
      } catch (error) {
        expect(error).toBeInstanceOf(WorkerError)
        return
      }
      // Everything but -0, which JSON has not.
      expect(JSON.parse(JSON.stringify(json))).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

it('[N5] one value in two places is no circle, and an undefined property is left out', () => {
  const shared = { n: 1 }
  expect(plainJson({ a: shared, b: [shared], gone: undefined }, rule)).toEqual({ a: { n: 1 }, b: [{ n: 1 }] })
  expect(plainJson(Object.assign(Object.create(null), { a: 1 }), rule)).toEqual({ a: 1 })
})
