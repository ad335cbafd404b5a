import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { startChild } from '../../support/child-process.ts'

it('the bench of the HTTP face runs every row', async () => {
  const run = startChild({ args: [fileURLToPath(new URL('run.ts', import.meta.url)), '--short'] })
  expect(await run.exited, run.output()).toEqual({ code: 0, signal: null })
  for (const row of ['joinery', 'fastify+sqlite', 'PATCH', 'GET', 'sync', 'feed to'])
    expect(run.stdout()).toContain(row)
}, 120_000)
