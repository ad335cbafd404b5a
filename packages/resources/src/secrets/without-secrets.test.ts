import { expect, it } from 'vitest'
import { redactIn } from './without-secrets.ts'

const redact = (text: string): string => text.replaceAll('key', '[secret]')

it('[RS4] texts at any depth are redacted, names and other values stay, and what has no secret is the same value', () => {
  const given = { key: 'a key', list: [1, null, true, ['key'], { a: 'b' }] }
  expect(redactIn(given, redact)).toEqual({ key: 'a [secret]', list: [1, null, true, ['[secret]'], { a: 'b' }] })
  expect(given.list[3]).toEqual(['key'])
  const clean = { a: [1, { b: 'c' }] }
  expect(redactIn(clean, redact)).toBe(clean)
  expect(redactIn(undefined, redact)).toBeUndefined()
  const odd: unknown = JSON.parse('{"__proto__":"a key"}')
  expect(JSON.stringify(redactIn(odd, redact))).toBe('{"__proto__":"a [secret]"}')
})
