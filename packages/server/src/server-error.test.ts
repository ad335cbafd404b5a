import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { REFUSALS } from './server-error.ts'

const SPEC = new URL('../SPEC.md', import.meta.url)

it('[S185] SPEC.md has the status and the close code of every error', () => {
  const [, errors = ''] = readFileSync(SPEC, 'utf8').split('\n## Errors\n')
  const told = Array.from(errors.matchAll(/^\| `(\w+)` +\| (\S+) +\| (\S+) +\|/gm), ([, code, status, close]) => {
    return [code, { status: status === '–' ? 0 : Number(status), close: close === '–' ? 0 : Number(close) }] as const
  })
  for (const [code, { status, close }] of told) {
    const { status: ofCode, close: closeOfCode } = REFUSALS[code as keyof typeof REFUSALS]
    if (status !== 0) expect([code, status]).toEqual([code, ofCode])
    if (close !== 0) expect([code, close]).toEqual([code, closeOfCode])
  }
  expect(told.map(([code]) => code).toSorted()).toEqual(Object.keys(REFUSALS).toSorted())
})
