import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { CANNOT } from './store-lacks.ts'
import { STORE_CASES } from './store-suite.ts'

const SPEC = new URL('../../packages/resources/SPEC.md', import.meta.url)

it('[RU1] SPEC.md has the table of what each store can do, as the suite proves it', async () => {
  const stores = Object.entries(CANNOT)
  const known = new Set(STORE_CASES)
  for (const [, lacks] of stores) for (const title of Object.keys(lacks)) expect(known).toContain(title)
  const rows = STORE_CASES.map((title) => [title, ...stores.map(([, lacks]) => lacks[title] ?? 'yes')])
  const table = [['a store …', ...stores.map(([name]) => name)], ...rows]
  const spec = await readFile(SPEC, 'utf8')
  const written = spec
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const at = written.findIndex(([first]) => first === 'a store …')
  const [head, , ...body] = written.slice(at, at + table.length + 1)
  // For a person who has changed the suite: copy it into SPEC.md.
  if (JSON.stringify([head, ...body]) !== JSON.stringify(table))
    console.log(table.map((cells) => `| ${cells.join(' | ')} |`).join('\n'))
  expect([head, ...body]).toEqual(table)
})
