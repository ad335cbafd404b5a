import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startChild } from '../../support/child-process.ts'

async function runShort(name: string): Promise<string> {
  const run = startChild({ args: [fileURLToPath(new URL(name, import.meta.url)), '--short'] })
  expect(await run.exited, run.output()).toEqual({ code: 0, signal: null })
  return run.stdout()
}

it('the bench of the HTTP face runs every row', async () => {
  const table = await runShort('run.ts')
  for (const row of ['joinery', 'fastify+sqlite', 'PATCH', 'GET', 'sync', 'feed to']) expect(table).toContain(row)
})

it('the bench of cold reads runs', async () => {
  const table = await runShort('cold-read.ts')
  expect(table).toContain('first read, document')
  expect(table).not.toContain('NaN')
})
