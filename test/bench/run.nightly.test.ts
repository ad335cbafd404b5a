import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startChild } from '../support/child-process.ts'
import { tempDirectory } from '../support/temp-directory.ts'
import { within } from '../support/until.ts'
import { measure } from './measure.ts'
import { PEERS } from './peers.ts'
import { ROWS } from './rows.ts'

const CHECKS = fileURLToPath(new URL('checks.ts', import.meta.url))
const BESIDE = fileURLToPath(new URL('edits-beside-tasks.ts', import.meta.url))
const RUN = fileURLToPath(new URL('run.ts', import.meta.url))

async function runBench(args: readonly string[]) {
  const child = startChild({ args: [RUN, ...args], env: { JOINERY_TRACES: undefined } })
  const { code } = await within('the bench ends by itself', child.exited)
  return { code, stdout: child.stdout(), output: child.output() }
}

describe('the bench', () => {
  it('[T1] every peer does the same work, its content is checked and a table comes out when the bench is run', async () => {
    await using directory = await tempDirectory()
    const json = join(directory.path, 'figures.json')
    const { code, stdout, output } = await runBench(['--short', '--rows', 'large-rooms', '--json', json])
    expect(code, output).toBe(0)
    expect(stdout).toMatch(/work +\| figure +\| Joinery +\| ws relay +\| y-websocket-server +\| Hocuspocus +\| bounds/)
    const { results } = JSON.parse(await readFile(json, 'utf8'))
    expect(results).toHaveLength(4)
    for (const { peer, runs, failures } of results) {
      expect(failures, peer).toEqual([])
      expect(runs, peer).toHaveLength(1)
    }
  })

  it('[T1] a peer fails alone, with what it printed, when it can not start', async () => {
    const broken = { ...PEERS.relay, command: () => ({ args: ['no-such-peer.ts'] }) }
    const work = ROWS.connections.work('short', undefined)
    await expect(measure(broken, work, [])).rejects.toThrow(/no-such-peer.ts ended .*Cannot find module/s)
  })

  it('[T1] Joinery takes the generated history when no trace is named', async () => {
    const { code, stdout, output } = await runBench(['--short', '--rows', 'history,connections', '--peers', 'joinery'])
    expect(code, output).toBe(0)
    expect(stdout).toMatch(/history of 259,778 edits.*\| CPU per edit, µs +\| [\d.]+/)
  })

  it('[T108] the cost of inspection and ledger is printed for a row when the bench of the checks is run', async () => {
    const child = startChild({ args: [CHECKS, '--short', '--rows', 'small-rooms'] })
    const { code } = await within('the bench ends by itself', child.exited)
    // The figures of so short a run mean nothing.
    expect(code, child.output()).not.toBe(2)
    const costs = child.stdout().matchAll(/^(.+): without [\d.]+ µs, with [\d.]+ µs, checks -?[\d.]+ % \(/gm)
    expect(Array.from(costs, ([, row]) => row)).toEqual(['small-rooms'])
  })

  it('[T116] the cost of open tasks to people who type is printed when its bench is run', async () => {
    const child = startChild({ args: [BESIDE, '--tasks', '40', '--rounds', '1', '--seconds', '1', '--leases', '20'] })
    await within('the bench ends by itself', child.exited)
    expect(child.stdout()).toMatch(/^\| no tasks +\| [\d.]+ \| [\d.]+ \|/m)
    expect(child.stdout()).toMatch(/^p99 beside open tasks: [\d.]+ \(at most 1.1: /m)
  })

  it('[T3] the command exits 2 with its usage when it is used wrongly', async () => {
    const { code, output } = await runBench(['--rows', 'none'])
    expect(code).toBe(2)
    expect(output).toContain('usage: node test/bench/run.ts')
  })
})
