import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Json } from '../json.ts'
import { jsonFormOf } from './json-form.ts'
import { plainNext, readsAs } from './plain-value.ts'

/** A few keys and values, so that two of them often have much in common, also keys that every object inherits. */
const key = fc.constantFrom('a', 'b', 'toString', 'constructor')
const leaf = fc.constantFrom<unknown>(null, undefined, Number.NaN, 0, 1, 5n, '5', true, new Uint8Array([1, 2]), '')
const plain: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 3 }),
  ),
})).value
const json = plain.map((value) => jsonFormOf(value))
const RUNS = process.env.JOINERY_NIGHTLY ? 200_000 : 2_000

/** RFC 7396, on forms; a null for a member that is null leaves it. */
function patched(before: Json | undefined, patch: Json): Json {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch
  const isObject = typeof before === 'object' && before !== null && !Array.isArray(before)
  const merged = new Map(isObject ? Object.entries(before) : [])
  for (const [name, value] of Object.entries(patch)) {
    if (value !== null) merged.set(name, patched(merged.get(name), value))
    else if (merged.get(name) !== null) merged.delete(name)
  }
  return Object.fromEntries(merged) as Json
}

it('[B58] a plain value becomes any JSON by replacing and by patching, and is the very same where it reads alike', () => {
  fc.assert(
    fc.property(plain, json, fc.constantFrom('replace' as const, 'patch' as const), (before, next, write) => {
      const isObject = typeof before === 'object' && before !== null && !(before instanceof Uint8Array)
      const after = plainNext(before, next, write)
      const form = before === undefined ? undefined : jsonFormOf(before)
      // A form of bytes in a patch is a value, and no object to merge.
      const isForm = JSON.stringify([form, next]).includes('base64')
      if (write === 'replace') expect(jsonFormOf(after)).toEqual(next)
      else if (!isForm) expect(jsonFormOf(after)).toEqual(patched(form, next))
      expect(readsAs(after, jsonFormOf(after))).toBe(true)
      expect(readsAs(before, next)).toBe(JSON.stringify(sorted(jsonFormOf(before))) === JSON.stringify(sorted(next)))
      if (isObject && readsAs(before, jsonFormOf(after))) expect(after).toBe(before)
    }),
    { numRuns: RUNS },
  )
})

function sorted(value: Json): Json {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  const entries = Object.entries(value as Record<string, Json>).map(([name, item]) => [name, sorted(item)] as const)
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

it('[B58] each part of a plain value is looked at once, however deep it is', () => {
  const [depth, length] = [50, 200]
  let looks = 0
  const counted = new Proxy(
    Array.from({ length }, (_, at) => at),
    {
      get: (target, name, receiver) => {
        if (/^\d+$/.test(String(name))) looks++
        return Reflect.get(target, name, receiver)
      },
    },
  )
  const nested = (inner: unknown): unknown => {
    let value = inner
    for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { value }
    return value
  }
  const next = nested(Array.from({ length }, (_, at) => at + 1)) as Json
  expect(jsonFormOf(plainNext(nested(counted), next, 'replace'))).toEqual(next)
  expect(looks).toBe(length)
})
