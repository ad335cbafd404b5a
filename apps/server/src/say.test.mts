import { expect, it } from 'vitest'
import { printable } from './say.mts'
import { runCommand } from './testing/command-process.mts'

it('[A216] control characters are written out, and no others', () => {
  expect(printable('a\u001b[2J\u009b1m\u0000\u007f\r\u202eb')).toBe(
    String.raw`a\u001b[2J\u009b1m\u0000\u007f\u000d\u202eb`,
  )
  const told = { name: '\u009b31m\u007f"', lines: 'a\nb' }
  expect(JSON.parse(printable(JSON.stringify(told)))).toEqual(told)
  expect(printable('two\nlines\tÄ 日本 🙂')).toBe('two\nlines\tÄ 日本 🙂')
})

it('[A216] a fault that repeats a name writes out its control characters', async () => {
  const { code, stderr } = await runCommand(['inspect', '--data', '/nowhere/\u001b[31mred'])
  expect([code, stderr]).toEqual([1, expect.stringContaining(String.raw`/nowhere/\u001b[31mred`)])
  expect(stderr).not.toContain('\u001b')
})
