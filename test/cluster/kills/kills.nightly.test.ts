import { fileURLToPath } from 'node:url'
import { natsServerPath } from '@joinery/cluster/testing'
import { describe, expect, it } from 'vitest'
import { startChild } from '../../support/child-process.ts'
import { skipForWant } from '../../support/skip-for-want.ts'
import { within } from '../../support/until.ts'

const RUN = fileURLToPath(new URL('run.ts', import.meta.url))

async function runKills(args: readonly string[]) {
  const child = startChild({ args: [RUN, ...args] })
  const { code } = await within('the failures end by themselves', child.exited)
  return { code, stdout: child.stdout(), output: child.output() }
}

describe('the failures beside a peer', () => {
  it('[T141] a killed owner loses nothing that was called saved, and a table says so', async (context) => {
    if ((await natsServerPath()) === undefined)
      return skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one')
    const args = ['--quick', '--rounds', '1', '--failures', '1', '--only', 'joinery', '--seed', '7']
    const { code, stdout, output } = await runKills(args)
    expect(code, output).toBe(0)
    expect(stdout).toMatch(/\| Joinery, 3 nodes, 3 NATS servers \| [1-9]\d* \| [1-9]\d* \| 0 \| 0 \|/)
  })

  it('[T141] the command exits 2 with its usage when it is used wrongly', async () => {
    const { code, output } = await runKills(['--only', 'nobody'])
    expect(code).toBe(2)
    expect(output).toContain('usage: node test/cluster/kills/run.ts')
  })
})
