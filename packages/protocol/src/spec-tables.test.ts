import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { CLOSE, isFinalCloseCode } from './close-code.ts'
import { QUERY } from './connection-query.ts'
import { SILENCE_MAX_MS, WIRE_LIMITS } from './limits.ts'
import { REJECTION_CODES } from './rejection-code.ts'

const spec = readFileSync(new URL('../SPEC.md', import.meta.url), 'utf8')

/** Rows of the first table after rule `id`, each cell without its backticks. */
function tableOf(id: string): string[][] {
  const [, after = ''] = spec.split(`- **${id}**`)
  const [table = ''] = /(?:^\|.*\n)+/m.exec(after) ?? []
  const [, , ...rows] = table.trimEnd().split('\n')
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

describe('the tables of SPEC.md', () => {
  it('[W21] the query parameters are those of the code', () => {
    expect(tableOf('W21').map(([name]) => name)).toEqual(Object.values(QUERY))
  })

  it('[W22] the close codes are those of the code', () => {
    expect(tableOf('W22').map(([code, name]) => [name, Number(code)])).toEqual(Object.entries(CLOSE))
  })

  it('[W22] a close code is final when it is from 4400 to 4499', () => {
    for (const code of Object.values(CLOSE)) expect(isFinalCloseCode(code)).toBe(code >= 4400)
    for (const code of [4400, 4450, 4499]) expect(isFinalCloseCode(code)).toBe(true)
    for (const code of [1000, 1006, 1011, 4399, 4500]) expect(isFinalCloseCode(code)).toBe(false)
  })

  it('[W23] the rejection codes are those of the code, and each says what to do', () => {
    const rows = tableOf('W23')
    expect(rows.map(([code]) => code)).toEqual(REJECTION_CODES)
    for (const [, means, client] of rows) expect([means, client]).not.toContain('')
  })

  it('[W24] the limits are those of the code', () => {
    const limits = { ...WIRE_LIMITS, SILENCE_MAX_MS }
    expect(tableOf('W24').map(([name, value]) => [name, Number(value)])).toEqual(Object.entries(limits))
  })
})
