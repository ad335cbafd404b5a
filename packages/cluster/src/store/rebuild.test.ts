import { openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { EngineError } from '../engine/engine-error.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { clusterIdentity, enterIdentity, identityOf, makeIdentity } from '../nodes/cluster-identity.ts'
import { engineNameOf } from '../nodes/names.ts'
import { readRebuild, rebuildWithout } from './rebuild.ts'

/** Nodes of one cluster whose clock passes by itself. */
async function cluster(...names: string[]) {
  return await clusterOn(new MemoryEngine(), names)
}
async function clusterOn(engine: MemoryEngine, names: readonly string[]) {
  const clock = new HandClock()
  const timer = setInterval(() => clock.pass(500), 5)
  const identity = await clusterIdentity(engine.connect('setup'))
  const open = (node: string, of = identity) =>
    openClusterNode({
      ...{ engine: engine.connect(node), store: openMemoryStore(), node, advertise: `${node}:1`, clock },
      identity: of,
    })
  const nodes = await Promise.all(names.map((name) => open(name)))
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.close()))
    clearInterval(timer)
  }
  return { engine, identity, open, nodes, stop }
}
type Node = Awaited<ReturnType<typeof openClusterNode>>

const entry = (text: string) => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Buffer.from(text) },
})
const headOf = ({ store }: Node, name: string) => store.withCopy(name, async ({ head }) => head)
const knowsAll = ({ nodes }: Node) => nodes.list().map(({ node }) => node)

it('[Q73] nodes make an engine anew that has lost everything: it gets its name and all logs again, also those that nobody opens', async () => {
  const { engine, identity, nodes, stop } = await cluster('a', 'b', 'c')
  const [a, b, c] = nodes as [Node, Node, Node]
  for (const name of ['w', 'v', '!work/w']) {
    const log = await a.store.open(name)
    for (const text of ['1', '2', '3']) await log.append(entry(`${name} ${text}`)).durable
    await log.close()
  }
  const open = await b.store.open('open')
  await open.append(entry('1')).durable
  for (const node of nodes) {
    await expect.poll(() => knowsAll(node)).toEqual(['a', 'b', 'c'])
    for (const name of ['w', 'v', '!work/w']) await expect.poll(() => headOf(node, name)).toBe(3)
  }
  await expect.poll(() => headOf(c, 'open')).toBe(1)
  engine.lose()
  await expect.poll(() => identityOf(engine.connect('look'))).toEqual(identity)
  // Its hold went with the keys.
  await expect.poll(() => open.state.state).toBe('fenced')
  const expected = ['w', 'v', '!work/w', 'open'].map(engineNameOf).toSorted()
  await expect.poll(() => engine.log.subjects().toSorted()).toEqual(expected)
  await expect.poll(() => readRebuild(engine.connect('look'))).toBeUndefined()
  for (const node of nodes) await expect.poll(() => node.rebuild?.state).toEqual({ state: 'whole' })
  const again = await c.store.open('open')
  expect((await again.append(entry('2'))).lsn).toBe(2)
  await again.close()
  await stop()
})

it('[Q73] a log that can’t be published at first, since the copy of another node is awaited, is published later, also if nobody opens it', async () => {
  const engine = new MemoryEngine()
  let [isSilent, refused] = [false, 0]
  const connect = engine.connect.bind(engine)
  engine.connect = (name) => {
    const link = connect(name)
    const request = link.bus.request.bind(link.bus)
    link.bus.request = async (topic, data, timeoutMs) => {
      if (!isSilent || !topic.endsWith('.copies')) return await request(topic, data, timeoutMs)
      refused++
      throw new EngineError('no_responders', 'it is not connected again')
    }
    return link
  }
  const { nodes, stop } = await clusterOn(engine, ['a', 'b'])
  const [a, b] = nodes as [Node, Node]
  const log = await a.store.open('w')
  for (const text of ['1', '2']) await log.append(entry(text)).durable
  await log.close()
  await expect.poll(() => headOf(b, 'w')).toBe(2)
  for (const node of nodes) await expect.poll(() => node.rebuild?.known).toEqual(['a', 'b'])
  isSilent = true
  engine.lose()
  await expect.poll(() => refused).toBeGreaterThan(4)
  for (const node of nodes) expect(node.rebuild?.state).toEqual({ state: 'rebuilds' })
  isSilent = false
  const kinds = () => engine.log.read(engineNameOf('w'), 0, 100).map(({ headers }) => headers['Jy-Kind'])
  await expect.poll(kinds).toContain('records')
  for (const node of nodes) await expect.poll(() => node.rebuild?.state).toEqual({ state: 'whole' })
  await stop()
})

it('[Q73] a log of which the engine has nothing is not opened before all nodes are there that lived, or an operator gives one up', async () => {
  const { engine, nodes, stop } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const log = await b.store.open('w')
  for (const text of ['1', '2']) await log.append(entry(text)).durable
  await log.close()
  await expect.poll(() => headOf(a, 'w')).toBe(2)
  for (const node of nodes) await expect.poll(() => knowsAll(node)).toEqual(['a', 'b'])
  // A look at a whole engine.
  await expect.poll(() => a.rebuild?.known).toEqual(['a', 'b'])
  engine.lose()
  await b.close()
  await expect.poll(() => a.rebuild?.state).toMatchObject({ state: 'waits', nodes: ['b'] })
  const refused = { code: 'storage_failed', message: expect.stringMatching(/copies of b are needed.*--without b/) }
  await expect(a.store.open('w')).rejects.toMatchObject(refused)
  await expect(a.store.open('new')).rejects.toMatchObject(refused)
  await rebuildWithout(engine.connect('operator'), 'b')
  await expect.poll(() => a.rebuild?.state).toEqual({ state: 'whole' })
  const again = await a.store.open('w')
  expect(again.head).toBe(2)
  await again.close()
  await stop()
})

it('[Q73] a deleted workspace is deleted on an engine that was made anew, also for a node without a copy, and can be undeleted', async () => {
  const { engine, open, nodes, stop } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const log = await a.store.open('w')
  for (const text of ['1', '2']) await log.append(entry(text)).durable
  await log.close()
  await a.store.tombstone('w')
  await expect.poll(() => Array.fromAsync(b.store.tombstones())).toEqual(['w'])
  for (const node of nodes) await expect.poll(() => node.rebuild?.known).toEqual(['a', 'b'])
  engine.lose()
  const kindOfLast = () => engine.log.last(engineNameOf('w'))?.headers['Jy-Kind']
  await expect.poll(kindOfLast).toBe('tombstone')
  for (const node of nodes) await expect.poll(() => node.rebuild?.state).toEqual({ state: 'whole' })
  const c = await open('c')
  await expect(c.store.open('w')).rejects.toMatchObject({ code: 'deleted' })
  await a.store.undelete('w')
  const again = await a.store.open('w')
  expect((await again.append(entry('3'))).lsn).toBe(3)
  for (const node of [b, c]) await expect.poll(() => headOf(node, 'w').catch(() => 0)).toBe(3)
  await again.close()
  expect([a, b, c].flatMap(({ follower }) => [...follower.problems])).toEqual([])
  await c.close()
  await stop()
})

it('[Q73] a node that knows its cluster gives no other name to an engine that has none, and says what to do', async () => {
  const engine = new MemoryEngine().connect('a')
  const refused = { code: 'engine_emptied', message: expect.stringContaining('joinery cluster rebuild') }
  await expect(clusterIdentity(engine, 'known')).rejects.toMatchObject(refused)
  expect(await identityOf(engine)).toBeUndefined()
})

it('[Q73] a node opens nothing on an engine that has the data of another cluster by now, and names that', async () => {
  const { engine, nodes, stop } = await cluster('a')
  const [a] = nodes as [Node]
  const other = makeIdentity()
  engine.lose()
  expect(await enterIdentity(engine.connect('other'), other)).toBe(true)
  const refused = { code: 'storage_failed', message: expect.stringContaining(`another cluster, ${other.id}`) }
  await expect(a.store.open('w')).rejects.toMatchObject(refused)
  await expect.poll(() => a.rebuild?.state).toEqual({ state: 'foreign', cluster: other.id })
  await stop()
})

it('[Q72] a node gives no records to a node of another cluster', async () => {
  const { engine, open, nodes, stop } = await cluster('a')
  const [a] = nodes as [Node]
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  await log.close()
  const other = makeIdentity()
  engine.lose()
  expect(await enterIdentity(engine.connect('other'), other)).toBe(true)
  const stranger = await open('b', other)
  await expect.poll(() => knowsAll(stranger)).toEqual(['a', 'b'])
  const own = await stranger.store.open('w')
  expect(own.head).toBe(0)
  await own.close()
  await stranger.close()
  await stop()
})
