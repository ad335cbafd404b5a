import { openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { type ClusterNodeOptions, openClusterNode } from '../cluster-node.ts'
import { EngineError } from '../engine/engine-error.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { clusterIdentity } from '../nodes/cluster-identity.ts'
import { engineNameOf } from '../nodes/names.ts'
import { askForRebuild } from './rebuild.ts'

async function cluster(...names: string[]) {
  const engine = new MemoryEngine()
  const open = (node: string, store = openMemoryStore(), more: Partial<ClusterNodeOptions> = {}) =>
    openClusterNode({ engine: engine.connect(node), store, node, advertise: `${node}:1`, ...more })
  return { engine, open, nodes: await Promise.all(names.map((name) => open(name))) }
}
type Node = Awaited<ReturnType<typeof openClusterNode>>

const entry = (text: string | Uint8Array) => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Buffer.from(text) },
})
const copyOf = async ({ store }: Node, name: string) =>
  await store.withCopy(name, async (log) => {
    const texts = (await Array.fromAsync(log.read())).map(({ update }) => Buffer.from(update).toString())
    return { texts, generation: log.generation, chain: await log.chainAt() }
  })

it('[Q72] a node without a copy gets from a living node what the engine has lost, before it serves', async () => {
  const { engine, open, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  const kept = engine.log.last(engineNameOf('w'))?.sequence ?? 0
  // Larger than an answer, and larger than a run of records.
  const large = Uint8Array.from({ length: 1_700_000 }, (_, n) => Math.imul(n, 2_654_435_761) >>> 13)
  for (const update of ['2', large, '4']) await log.append(entry(update)).durable
  const journal = await a.store.open('!work/w')
  await journal.append(entry('beside')).durable
  await journal.close()
  await log.close()
  const all = await copyOf(a, 'w')
  for (const end of [kept, 0]) {
    engine.log.setBack(engineNameOf('w'), end)
    engine.log.setBack(engineNameOf('!work/w'), 0)
    const next = await open(`b${end}`)
    const taken = await next.store.open('w')
    expect([taken.head, taken.generation, await taken.chainAt()]).toEqual([4, all?.generation, all?.chain])
    expect(next.store.counts.regressions).toBe(1)
    const beside = await next.store.open('!work/w')
    expect(beside.head).toBe(1)
    await beside.close()
    await taken.close()
    // The engine has all of it again.
    await next.close()
  }
  const c = await open('c')
  await expect.poll(() => copyOf(c, 'w')).toEqual(all)
  await Promise.all([a, c].map((node) => node.close()))
})

it('[Q72, Q83] where acknowledged records of two living nodes differ, the workspace is served by none of them, both stay, and attempts write ever less', async () => {
  const { engine, open, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const write = async (node: Node, texts: string[]): Promise<void> => {
    const log = await node.store.open('w')
    for (const text of texts) await log.append(entry(text)).durable
    await log.close()
  }
  await write(a, ['1', '2'])
  const alone = openMemoryStore()
  engine.log.setBack(engineNameOf('w'), 0)
  const other = new MemoryEngine()
  const elsewhere = await openClusterNode({ engine: other.connect('b'), store: alone, node: 'b', advertise: 'b:1' })
  await write(elsewhere, ['another 1'])
  await elsewhere.ownership.close()
  const copy = openMemoryStore()
  const source = await alone.open('w')
  const moved = await copy.open('w')
  const mark = await source.readMark()
  if (mark !== undefined) await moved.adopt(await Array.fromAsync(source.read()), mark)
  await Promise.all([moved.close(), source.close()])
  const clock = new HandClock()
  const [b, c] = [await open('b', copy), await open('c', openMemoryStore(), { clock })]
  const different = { message: expect.stringMatching(/nodes a and b have different records/) }
  const messagesAfter = async (attempts: number): Promise<number> => {
    for (let n = 0; n < attempts; n++) await expect(c.store.open('w')).rejects.toMatchObject(different)
    return engine.log.read(engineNameOf('w'), 0, 100).length
  }
  const written = await messagesAfter(2)
  expect(await messagesAfter(3)).toBe(written)
  clock.pass(1_000)
  expect(await messagesAfter(1)).toBeGreaterThan(written)
  expect([(await copyOf(a, 'w'))?.texts, (await copyOf(b, 'w'))?.texts]).toEqual([['1', '2'], ['another 1']])
  await Promise.all([a, b, c, elsewhere].map((node) => node.close()))
})

it('[Q72] a copy that is not longer than the history makes no chain value when another node opens the log', async () => {
  const { open, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const [local, chainsAt] = [openMemoryStore(), [] as number[]]
  const openLog = local.open.bind(local)
  local.open = async (name) => {
    const log = await openLog(name)
    const chainAt = log.chainAt.bind(log)
    log.chainAt = async (lsn) => {
      chainsAt.push(lsn ?? log.head)
      return await chainAt(lsn)
    }
    return log
  }
  const b = await open('b', local)
  for (const text of ['1', '2']) {
    const log = await a.store.open('w')
    await log.append(entry(text)).durable
    await log.close()
    await expect.poll(() => b.store.withCopy('w', async ({ head }) => head)).toBe(Number(text))
  }
  expect(chainsAt).toEqual([])
  await Promise.all([a, b].map((node) => node.close()))
})

it('[Q73] while an engine is made anew, a log is opened only when all nodes whose copies are needed have said what they have', async () => {
  const { engine, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  await log.close()
  const identity = await clusterIdentity(engine.connect('setup'))
  // Nobody looks after the rebuild by itself: this clock stands still.
  const clock = new HandClock()
  const slow = engine.connect('b')
  const request = slow.bus.request.bind(slow.bus)
  let isSilent = true
  slow.bus.request = async (topic, data, timeoutMs) => {
    if (isSilent && topic.endsWith('.copies')) throw new EngineError('no_responders', 'it is not connected again')
    return await request(topic, data, timeoutMs)
  }
  const b = await openClusterNode({
    engine: slow,
    store: openMemoryStore(),
    node: 'b',
    advertise: 'b:1',
    clock,
    identity,
  })
  engine.log.setBack(engineNameOf('w'), 0)
  await askForRebuild(slow, ['a', 'b'])
  expect(await b.rebuild?.needed('w')).toEqual(['a'])
  const refused = { code: 'storage_failed', message: expect.stringContaining('node a does not say what it has') }
  await expect(b.store.open('w')).rejects.toMatchObject(refused)
  isSilent = false
  const taken = await b.store.open('w')
  expect(taken.head).toBe(1)
  await taken.close()
  await Promise.all([a, b].map((node) => node.close()))
})
