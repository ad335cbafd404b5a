import { type AdoptingStore, openMemoryStore } from '@joinery/log'
import { expect, it } from 'vitest'
import { type ClusterNodeOptions, openClusterNode } from '../cluster-node.ts'
import type { StoredMessage } from '../engine/engine.ts'
import { EngineError } from '../engine/engine-error.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { engineNameOf } from '../nodes/names.ts'
import { RunStore } from '../simulation/run-store.ts'

const W = 'w'
const JOURNAL = '!work/w'

async function cluster(...names: string[]) {
  const engine = new MemoryEngine()
  const open = (node: string, store: AdoptingStore = openMemoryStore(), more: Partial<ClusterNodeOptions> = {}) =>
    openClusterNode({ engine: engine.connect(node), store, node, advertise: `${node}:1`, ...more })
  return { engine, open, nodes: await Promise.all(names.map((name) => open(name))) }
}
type Node = Awaited<ReturnType<typeof openClusterNode>>

const entry = (text: string, idempotencyKey?: string) => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Buffer.from(text) },
  ...(idempotencyKey !== undefined && { idempotencyKey }),
})

/** Writes records, each under its text as its key. Resolves with the generation. */
async function write({ store }: Node, name: string, texts: readonly string[]): Promise<string | undefined> {
  const log = await store.open(name)
  for (const text of texts) await log.append(entry(text, text)).durable
  const { generation } = log
  await log.close()
  return generation
}

const textsOn = ({ store }: Node, name: string) =>
  store.withCopy(name, async (log) =>
    (await Array.fromAsync(log.read())).map(({ update }) => Buffer.from(update).toString()),
  )
const kindsOf = (engine: MemoryEngine, name: string) =>
  engine.log.read(engineNameOf(name), 0, 100).map(({ headers }) => headers['Jy-Kind'])
const invalid = { code: 'invalid' }

/** Has an engine lose all of its history, and have these messages of the workspace again. */
async function setBack(engine: MemoryEngine, old: readonly StoredMessage[]): Promise<void> {
  engine.log.lose()
  const link = engine.connect('older')
  let last = 0
  for (const message of old) {
    const appended = await link.log.append(engineNameOf(W), message, last)
    if (appended === 'refused') throw new Error('it is not as before')
    last = appended.sequence
  }
}

/** Has a node of an earlier version live. Resolves with a function that brings it to a later version. */
async function joinEarlier(engine: MemoryEngine, { nodes }: Node) {
  const earlier = { node: 'old', session: 's', address: 'old:1', version: '0.9', isDraining: false }
  const { live } = engine.connect('old')
  const made = await live.create('node.old', Buffer.from(JSON.stringify(earlier)))
  await expect.poll(() => nodes.list().length).toBe(2)
  return async () => {
    const newer = { ...earlier, kinds: ['purging', 'purge', 'summary'] }
    await live.update('node.old', Buffer.from(JSON.stringify(newer)), Number(made))
    await expect.poll(() => nodes.list()[1]?.kinds?.length).toBe(3)
  }
}
const refusedForOld = { code: 'unsupported', message: expect.stringMatching(/node old \(version 0\.9\).*stop it/) }

it('[Q76] a purge leaves nothing of a workspace and its system logs on any node nor on the engine, and the name begins another history', async () => {
  const { engine, nodes } = await cluster('a', 'b', 'c')
  const [a, b, c] = nodes as [Node, Node, Node]
  const generation = await write(a, W, ['1', '2', '3'])
  await write(a, JOURNAL, ['beside'])
  await write(a, '!work/other', ['another'])
  for (const node of [b, c]) await expect.poll(() => textsOn(node, JOURNAL)).toEqual(['beside'])
  await expect(a.store.purge(W)).rejects.toMatchObject(invalid)
  await a.store.tombstone(W)
  const open = await b.store.open('open')
  await open.close()
  const seen: string[] = []
  for (const node of nodes)
    node.store.onPurge(async (workspace) => void seen.push(`${node.nodes.self.node} ${workspace}`))
  await a.store.purge(W)
  expect([kindsOf(engine, W), kindsOf(engine, JOURNAL)]).toEqual([['purge'], ['purge']])
  for (const { store } of nodes) {
    await expect.poll(() => store.local.generationOf(W)).toBeUndefined()
    await expect.poll(() => store.local.generationOf(JOURNAL)).toBeUndefined()
    expect(await Array.fromAsync(store.tombstones())).toEqual([])
  }
  expect(seen.toSorted()).toEqual(['b w', 'c w'])
  await expect(b.store.purge(W)).rejects.toMatchObject(invalid)
  const log = await b.store.open(W)
  expect([log.head, log.generation, await log.lsnOfKey('2')]).toEqual([0, undefined, undefined])
  expect((await log.append(entry('new', '2'))).lsn).toBe(1)
  expect(log.generation).not.toBe(generation)
  await log.close()
  await write(b, JOURNAL, ['beside new'])
  for (const node of nodes) {
    await expect.poll(() => textsOn(node, W)).toEqual(['new'])
    await expect.poll(() => textsOn(node, JOURNAL)).toEqual(['beside new'])
    expect(await textsOn(node, '!work/other')).toEqual(['another'])
    expect([...node.follower.problems]).toEqual([])
    expect(node.store.counts.regressions).toBe(0)
  }
  for await (const { copies } of a.check())
    expect(copies.map(({ state }) => state)).toEqual(['equal', 'equal', 'equal'])
  await Promise.all(nodes.map((node) => node.close()))
})

it('[Q76] a node whose copy is of before the purge takes the name over without it, also while the old messages are there', async () => {
  for (const isRemoved of [true, false]) {
    const { engine, open, nodes } = await cluster('a')
    const [a] = nodes as [Node]
    const disk = openMemoryStore()
    const before = await open('b', new RunStore(disk))
    await write(a, W, ['1', '2', '3'])
    await expect.poll(() => textsOn(before, W)).toEqual(['1', '2', '3'])
    await before.close()
    await a.store.tombstone(W)
    if (!isRemoved) engine.log.removeBefore = () => undefined
    await a.store.purge(W)
    await write(a, W, ['new'])
    const link = engine.connect('b')
    // It hears nothing of what was written meanwhile before it opens the log.
    const deaf = { ...link, log: { ...link.log, readPart: async () => [] } }
    const b = await open('b', new RunStore(disk), { engine: deaf })
    const log = await b.store.open(W)
    expect(
      await Array.fromAsync(log.read()).then((all) => all.map(({ update }) => Buffer.from(update).toString())),
    ).toEqual(['new'])
    await log.append(entry('newer')).durable
    await log.close()
    expect([a.store.counts.regressions, b.store.counts.regressions]).toEqual([0, 0])
    await expect.poll(() => textsOn(a, W)).toEqual(['new', 'newer'])
    await Promise.all([a.close(), b.close()])
  }
})

it('[Q76] a purge that was cut short is not taken back, leaves the workspace deleted, and is completed by any node that purges again', async () => {
  const { engine, nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  await write(a, W, ['1'])
  await write(a, JOURNAL, ['beside'])
  await a.store.tombstone(W)
  const away = async (): Promise<void> => {
    throw new Error('the files are away')
  }
  await expect(a.store.purge(W, { beside: away })).rejects.toThrow('the files are away')
  expect(kindsOf(engine, W).at(-1)).toBe('purging')
  const refused = { code: 'deleted', message: expect.stringContaining('purge it again') }
  for (const { store } of nodes) {
    await expect.poll(() => Array.fromAsync(store.tombstones())).toEqual([W])
    await expect(store.undelete(W)).rejects.toMatchObject(refused)
    await expect(store.open(W)).rejects.toMatchObject({ code: 'deleted' })
  }
  let isDeleted: boolean | undefined
  const beside = async (): Promise<void> => {
    isDeleted = kindsOf(engine, W).at(-1) === 'purging'
  }
  await b.store.purge(W, { beside })
  expect(isDeleted).toBe(true)
  expect([kindsOf(engine, W), kindsOf(engine, JOURNAL)]).toEqual([['purge'], ['purge']])
  for (const { store } of nodes) await expect.poll(() => store.local.generationOf(JOURNAL)).toBeUndefined()
  await Promise.all(nodes.map((node) => node.close()))
})

it('[Q76] only the owner purges, and nothing that is open', async () => {
  const { nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const log = await a.store.open(W)
  await log.append(entry('1')).durable
  await expect(a.store.purge(W)).rejects.toMatchObject({ code: 'locked' })
  await expect(b.store.purge(W)).rejects.toMatchObject({ code: 'not_owner', message: expect.stringContaining('a:1') })
  const journal = await a.store.open(JOURNAL)
  await journal.append(entry('beside')).durable
  await log.close()
  await a.store.tombstone(W)
  await expect(a.store.purge(W)).rejects.toMatchObject({ code: 'locked' })
  await journal.close()
  await a.store.purge(W)
  await expect(a.store.purge(W)).rejects.toMatchObject(invalid)
  await Promise.all(nodes.map((node) => node.close()))
})

it('[Q77] a node that was away over a purge and over a loss of the engine publishes its old copy no more, deleted or not', async () => {
  for (const isDeleted of [false, true]) {
    const { engine, open, nodes } = await cluster('a')
    const [a] = nodes as [Node]
    const disk = openMemoryStore()
    const before = await open('b', new RunStore(disk))
    await write(a, W, ['1', '2', '3'])
    await write(a, JOURNAL, ['beside'])
    await expect.poll(() => textsOn(before, W)).toEqual(['1', '2', '3'])
    await expect.poll(() => textsOn(before, JOURNAL)).toEqual(['beside'])
    if (!isDeleted) await before.close()
    await a.store.tombstone(W)
    if (isDeleted) {
      await expect.poll(() => Array.fromAsync(before.store.tombstones())).toEqual([W])
      await before.close()
    }
    await a.store.purge(W)
    engine.log.lose()
    engine.meta.lose()
    const b = await open('b', new RunStore(disk))
    await expect.poll(() => a.nodes.list().length).toBe(2)
    // As the rebuild of the engine does.
    if (isDeleted) await b.store.republishTombstone(W)
    expect(kindsOf(engine, W)).toEqual([])
    const log = await b.store.open(W)
    expect(log.head).toBe(0)
    await log.append(entry('new')).durable
    const journal = await b.store.open(JOURNAL)
    expect(journal.head).toBe(0)
    await Promise.all([journal.close(), log.close()])
    await expect.poll(() => textsOn(a, W)).toEqual(['new'])
    await Promise.all([a.close(), b.close()])
  }
})

it('[Q77] an engine that was set back to a history that had been purged gets the purge again from the next owner', async () => {
  const { engine, open, nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  await write(a, W, ['1', '2'])
  const old = engine.log.read(engineNameOf(W), 0, 100)
  await expect.poll(() => textsOn(b, W)).toEqual(['1', '2'])
  await a.store.tombstone(W)
  await a.store.purge(W)
  for (const { store } of nodes) await expect.poll(() => store.local.generationOf(W)).toBeUndefined()
  await setBack(engine, old)
  const log = await b.store.open(W)
  expect(log.head).toBe(0)
  await log.append(entry('new')).durable
  await log.close()
  expect(kindsOf(engine, W)[0]).toBe('purge')
  const c = await open('c')
  for (const node of [b, c]) await expect.poll(() => textsOn(node, W)).toEqual(['new'])
  await Promise.all([a, b, c].map((node) => node.close()))
})

it('[Q85] a node that was away over a purge keeps its copy until the parts of its program that keep something of workspaces are there', async () => {
  const { open, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const disk = openMemoryStore()
  const before = await open('b', new RunStore(disk))
  const generation = await write(a, W, ['1'])
  await expect.poll(() => textsOn(before, W)).toEqual(['1'])
  await before.close()
  await a.store.tombstone(W)
  await a.store.purge(W)
  await write(a, W, ['new'])
  await write(a, 'other', ['2'])
  const b = await open('b', new RunStore(disk), { holdsPurged: true })
  // Other logs are read meanwhile, also behind the purge.
  await expect.poll(() => textsOn(b, 'other')).toEqual(['2'])
  expect(await b.store.local.generationOf(W)).toBe(generation)
  const forgotten: string[] = []
  b.store.onPurge(async (workspace) => void forgotten.push(workspace))
  b.store.releasePurged()
  await expect.poll(() => textsOn(b, W).catch(() => [])).toEqual(['new'])
  expect(forgotten).toEqual([W])
  await Promise.all([a, b].map((node) => node.close()))
})

it('[Q84] a node that has not heard yet that a workspace is no longer deleted opens it', async () => {
  const { engine, open, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const [disk, link] = [openMemoryStore(), engine.connect('b')]
  const before = await open('b', new RunStore(disk))
  await write(a, W, ['1'])
  await a.store.tombstone(W)
  await expect.poll(() => Array.fromAsync(before.store.tombstones())).toEqual([W])
  await before.close()
  const b = await open('b', new RunStore(disk), { engine: { ...link, log: { ...link.log, readPart: async () => [] } } })
  await expect(b.store.open(W)).rejects.toMatchObject({ code: 'deleted' })
  const undeleted: string[] = []
  b.store.onUndelete((workspace) => undeleted.push(workspace))
  await a.store.undelete(W)
  await write(b, W, ['2'])
  expect([await textsOn(b, W), undeleted]).toEqual([['1', '2'], [W]])
  await b.store.tombstone(W)
  await expect.poll(() => Array.fromAsync(a.store.tombstones())).toEqual([W])
  await a.store.purge(W)
  expect(await Array.fromAsync(b.store.tombstones())).toEqual([W])
  await write(b, W, ['new'])
  expect(await textsOn(b, W)).toEqual(['new'])
  await Promise.all([a, b].map((node) => node.close()))
})

it('[Q78] nothing of a later kind is written while a living node does not say that it reads it: the error names the node', async () => {
  const { engine, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  await write(a, W, ['1'])
  await a.store.tombstone(W)
  const update = await joinEarlier(engine, a)
  await expect(a.store.purge(W)).rejects.toMatchObject(refusedForOld)
  expect(kindsOf(engine, W).at(-1)).toBe('tombstone')
  await update()
  await a.store.purge(W)
  expect(kindsOf(engine, W)).toEqual(['purge'])
  await a.close()
})

it('[Q78] a takeover of an engine that was set back to a purged history which a living node could not read of, writes nothing', async () => {
  const { engine, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  await write(a, W, ['1'])
  const old = engine.log.read(engineNameOf(W), 0, 100)
  await a.store.tombstone(W)
  await a.store.purge(W)
  await setBack(engine, old)
  const update = await joinEarlier(engine, a)
  for (let n = 0; n < 3; n++) await expect(a.store.open(W)).rejects.toMatchObject(refusedForOld)
  // Not even an epoch, however often clients ask.
  expect(kindsOf(engine, W)).toEqual(old.map(({ headers }) => headers['Jy-Kind']))
  await update()
  await write(a, W, ['new'])
  expect(await textsOn(a, W)).toEqual(['new'])
  expect(kindsOf(engine, W)[0]).toBe('purge')
  await a.close()
})

it('[Q77] what was purged stays known while the engine does not answer, and over a restart of all nodes', async () => {
  const { engine, open, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const disk = openMemoryStore()
  const b = await open('b', new RunStore(disk))
  const generation = (await write(a, W, ['1'])) ?? ''
  await a.store.tombstone(W)
  await a.store.purge(W)
  await expect.poll(() => b.store.purgedOf(JOURNAL)).toEqual([generation])
  await Promise.all([a.close(), b.close()])
  engine.lose()
  const again = await open('b', new RunStore(disk))
  expect(again.store.purgedOf(W)).toEqual([generation])
  const c = await open('c')
  expect(c.store.purgedOf(W)).toEqual([generation])
  await Promise.all([again.close(), c.close()])
})

it('[Q77] a node that can’t reach the engine when it starts says so, and not that nothing was purged', async () => {
  const { engine, open, nodes } = await cluster('a')
  const link = engine.connect('b')
  const meta = { ...link.meta, watch: () => Promise.reject(new EngineError('unavailable', 'away')) }
  await expect(open('b', openMemoryStore(), { engine: { ...link, meta } })).rejects.toMatchObject({
    code: 'unavailable',
  })
  await Promise.all(nodes.map((node) => node.close()))
})
