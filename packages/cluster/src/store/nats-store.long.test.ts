import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLevelStore } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { openNatsEngine } from '../engine/nats/nats-engine.ts'
import { NatsServer, natsServerPath } from '../testing/nats-servers.ts'
import { checkLogs } from './check.ts'

const path = await natsServerPath()
if (path === undefined) console.warn('without nats-server on PATH or in NATS_SERVER the store is not tested on NATS')

const WORKSPACES = Number(process.env.JOINERY_WORKSPACES ?? 20)
const RECORDS = Number(process.env.JOINERY_RECORDS ?? 30)
const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function makeDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'joinery-cluster-'))
  ends.push(() => rm(directory, { recursive: true }))
  return directory
}

const entry = (n: number) => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: ['b/content'], update: Buffer.from(`edit ${n}`) },
})

describe.skipIf(path === undefined)('the store on NATS and LevelDB', () => {
  it('[Q25, Q30, Q31] a new node reads all of it, another node takes over, and all copies are equal', async () => {
    const server = await NatsServer.start(path ?? '')
    ends.push(() => server.stop())
    const open = async (node: string) => {
      const engine = await openNatsEngine({ servers: [server.url], name: node, replicas: 1 })
      const store = await openLevelStore({ directory: await makeDirectory(), durability: 'async' })
      const opened = await openClusterNode({ engine, store, node, advertise: `${node}:1` })
      ends.push(() => opened.close())
      return opened
    }
    const a = await open('a')
    const names = Array.from({ length: WORKSPACES }, (_, n) => `w${n}`)
    const logs = await Promise.all(names.map((name) => a.store.open(name)))
    const writtenMs = performance.now()
    for (let n = 0; n < RECORDS; n++) await Promise.all(logs.map((log) => log.append(entry(n)).durable))
    const writeMs = performance.now() - writtenMs
    const startMs = performance.now()
    const b = await open('b')
    const total = (WORKSPACES * RECORDS) as number
    const headOf = (name: string) => b.store.withCopy(name, async (log) => log.head)
    for (const name of names) await expect.poll(() => headOf(name)).toBe(RECORDS)
    const caughtMs = performance.now() - startMs
    const rates = { written: total / (writeMs / 1_000), caughtUp: total / (caughtMs / 1_000) }
    console.log(`${total} records of ${WORKSPACES} logs: ${JSON.stringify(rates)} a second`)
    const seized = await b.ownership.seize('w0' as WorkspaceId)
    const takenMs = performance.now()
    const taken = await b.store.open('w0')
    console.log(`taken over in ${Math.round(performance.now() - takenMs)} ms`)
    await taken.append(entry(RECORDS)).durable
    await seized.release()
    await expect.poll(() => logs[0]?.state.state).toBe('fenced')
    await expect.poll(() => a.store.withCopy('w0', async (log) => log.head)).toBe(RECORDS + 1)
    const operator = await openNatsEngine({ servers: [server.url], name: 'operator', replicas: 1 })
    ends.push(() => operator.close())
    const states = async (): Promise<string[]> => {
      const checked = await Array.fromAsync(checkLogs(operator, ['a', 'b']))
      return checked.flatMap(({ copies }) => copies.map(({ state }) => state))
    }
    await expect.poll(states).toEqual(names.flatMap(() => ['equal', 'equal']))
  })
})
