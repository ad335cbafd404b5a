import { fileURLToPath } from 'node:url'
import { natsServerPath } from '@joinery/cluster/testing'
import { describe, expect, it } from 'vitest'
import { startChild } from '../../support/child-process.ts'
import { skipForWant } from '../../support/skip-for-want.ts'
import { within } from '../../support/until.ts'

const RUN = fileURLToPath(new URL('run.ts', import.meta.url))

async function runBench(args: readonly string[]) {
  const child = startChild({ args: [RUN, ...args] })
  const { code } = await within('the bench ends by itself', child.exited)
  return { code, stdout: child.stdout(), output: child.output() }
}

describe('the bench of a cluster', () => {
  it('[T140] a row is done by real nodes, and a table comes out, when the bench is run', async (context) => {
    if ((await natsServerPath()) === undefined)
      return skipForWant(context, 'nats-server', 'neither NATS_SERVER nor PATH has one')
    // The second column of that row passes all clients through a gateway.
    const { code, stdout, output } = await runBench(['--short', '--rows', 'piped-at-ease', '--columns', '2'])
    expect(code, output).toBe(0)
    expect(stdout).toMatch(/\| CPU of the second node, which has a copy +\| +[\d.]*[1-9][\d.]* \|/)
  })

  it('[T140] the command exits 2 with its usage when it is used wrongly', async () => {
    const { code, output } = await runBench(['--rows', 'none'])
    expect(code).toBe(2)
    expect(output).toContain('usage: node test/bench/cluster/run.ts')
  })
})
