import { expect, it } from 'vitest'
import { freeName } from './free-name.ts'

const taken = [
  { name: 'a.txt', sha256: 'one', status: 'synced' },
  { name: 'b.txt', sha256: 'two', status: 'failed' },
]

it.each([
  ['a.txt', 'one', 'a.txt'],
  ['a.txt', 'other', 'a (2).txt'],
  ['b.txt', 'other', 'b.txt'],
  ['../../etc/passwd', 'x', '.._.._etc_passwd'],
  ['C:\\secret.doc', 'x', 'C:_secret.doc'],
  ['evil\u202Egnp.exe', 'x', 'evil_gnp.exe'],
  ['\r\nSet-Cookie: a', 'x', '__Set-Cookie: a'],
  ['..', 'x', 'file'],
  ['   ', 'x', 'file'],
  ['.gitignore', 'x', '.gitignore'],
  ['\ud83d', 'x', '\ufffd'],
])('[RU3] a file %j of content %s is shown as %j', (asked, sha256, name) => {
  expect(freeName(asked, taken, sha256)).toBe(name)
})

it('[RU3] a long name keeps its ending, also with a number', () => {
  const long = `${'x'.repeat(400)}.txt`
  const first = freeName(long, [], 'one')
  expect(first).toHaveLength(256)
  const second = freeName(long, [{ name: first, sha256: 'one', status: 'synced' }], 'two')
  expect(second).toHaveLength(256)
  expect(second.endsWith(' (2).txt')).toBe(true)
})
