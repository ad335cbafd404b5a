import { openMemoryStore, type SteadyClock, systemSteadyClock } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import { expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import type { Engine } from '../engine/engine.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { engineNameOf } from '../nodes/names.ts'
import { RunStore } from '../simulation/run-store.ts'
import { writeHistory } from '../testing/scenes.ts'

function cluster() {
  const engine = new MemoryEngine()
  const open = (node: string, store = openMemoryStore(), clock: SteadyClock = systemSteadyClock) =>
    openClusterNode({ engine: engine.connect(node), store, node, advertise: `${node}:1`, clock })
  return { engine, open }
}
type Node = Awaited<ReturnType<ReturnType<typeof cluster>['open']>>

const entry = (text: string) => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Buffer.from(text) },
})
const textsAt = async ({ store }: Node, name: string): Promise<string[]> => {
  const records = await store.withCopy(name, (log) => Array.fromAsync(log.read()))
  return (records ?? []).map(({ update }) => Buffer.from(update).toString())
}

/** Node `a` owns a log. Node `b` has stopped, and its store has a record of that log which it has told nobody. */
async function ownerAndTail() {
  const { engine, open } = cluster()
  const [a, local] = [await open('a'), openMemoryStore()]
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  const b = await open('b', local)
  await expect.poll(() => textsAt(b, 'w')).toEqual(['1'])
  await b.follower.close()
  await b.nodes.leave()
  const own = await local.open('w')
  own.append(entry('never replicated'))
  await own.close()
  return { engine, open, a, local, log }
}

it('[Q30] every node has a copy of every log, system logs of workspaces included, and one with an empty disk reads all of it', async () => {
  const { open } = cluster()
  const [a, b] = [await open('a'), await open('b')]
  const logs = await Promise.all(['w', '!work/w', 'v'].map((name) => a.store.open(name)))
  for (const log of logs)
    for (const text of ['1', '2', '3']) await log.append(entry(`${log.workspace} ${text}`)).durable
  await logs[0]?.append({ ...entry('large'), update: Buffer.alloc(2_000_000, Math.random().toString()) }).durable
  const c = await open('c')
  for (const node of [b, c]) {
    for (const { workspace, head, generation } of logs) {
      await expect.poll(() => node.store.withCopy(workspace, async (log) => log.head)).toBe(head)
      expect(await node.store.withCopy(workspace, async (log) => log.generation)).toBe(generation)
    }
  }
  expect(await textsAt(c, '!work/w')).toEqual(['!work/w 1', '!work/w 2', '!work/w 3'])
  expect(await Array.fromAsync(b.store.workspaces())).toEqual(['v', 'w'])
  await Promise.all([a, b, c].map((node) => node.close()))
})

it('[Q30] a node goes on from where it was, and cuts off what the others do not have', async () => {
  const { open, a, local, log } = await ownerAndTail()
  await log.append(entry('2')).durable
  const again = await open('b', local)
  await expect.poll(() => textsAt(again, 'w')).toEqual(['1', '2'])
  await Promise.all([a, again].map((node) => node.close()))
})

it('[Q30] a history that can’t be followed is said, and the others are followed', async () => {
  const { engine, open } = cluster()
  const [a, b] = [await open('a'), await open('b')]
  const body = Buffer.from('x')
  engine.log.append(engineNameOf('bad'), { id: '1', headers: { 'Jy-Kind': 'of the future' }, body }, 0)
  engine.log.append(engineNameOf('worse'), { id: '2', headers: {}, body }, 0)
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  await expect.poll(() => textsAt(b, 'w')).toEqual(['1'])
  await expect.poll(() => [...b.follower.problems.keys()].toSorted()).toEqual(['bad', 'worse'])
  await expect(b.store.open('bad')).rejects.toMatchObject({ code: 'storage_failed' })
  await Promise.all([a, b].map((node) => node.close()))
})

it('[Q30] a node reads what comes within a quarter of a second in one go, and is not woken by what it writes itself', async () => {
  const { engine, open } = cluster()
  const [clock, connected] = [new HandClock(), engine.connect('b')]
  let reads = 0
  const readPart: Engine['log']['readPart'] = (...asked) => {
    reads++
    return connected.log.readPart(...asked)
  }
  const counted = { ...connected, log: { ...connected.log, readPart } }
  const place = { store: openMemoryStore(), node: 'b', advertise: 'b:1', clock }
  const [a, b] = [await open('a'), await openClusterNode({ ...place, engine: counted })]
  await expect.poll(() => reads).toBe(1)
  // A takeover writes before the log is open.
  const own = await b.store.open('own')
  clock.pass(250)
  await expect.poll(() => reads).toBe(2)
  await own.append(entry('own')).durable
  clock.pass(250)
  const log = await a.store.open('w')
  for (const text of ['1', '2', '3']) await log.append(entry(text)).durable
  expect(reads).toBe(2)
  clock.pass(250)
  await expect.poll(() => textsAt(b, 'w')).toEqual(['1', '2', '3'])
  expect(reads).toBe(3)
  await Promise.all([a, b].map((node) => node.close()))
})

/** A connection that counts how often a part was asked for what follows the end of a log, which was read then. */
function countingPasses(engine: MemoryEngine, name: string) {
  const link = engine.connect('b')
  const counts = { passes: 0 }
  const readPart: Engine['log']['readPart'] = (part, after, limit) => {
    if (after > 0 && after === engine.log.last(engineNameOf(name))?.sequence) counts.passes++
    return link.log.readPart(part, after, limit)
  }
  return { link: { ...link, log: { ...link.log, readPart } }, counts }
}

it('[Q30] a copy has what others wrote while its node took the log for its own, also if nothing comes after it', async () => {
  const { engine } = cluster()
  const { link, counts } = countingPasses(engine, 'w')
  const clock = new HandClock()
  const b = await openClusterNode({ engine: link, store: openMemoryStore(), node: 'b', advertise: 'b:1', clock })
  const timer = setInterval(() => clock.pass(1_000), 5)
  try {
    const log = await b.store.open('w')
    await log.append(entry('1')).durable
    // Nobody tells this node of the other owner.
    await writeHistory(engine.connect('x').log, 'w', ['2'])
    counts.passes = 0
    await expect.poll(() => counts.passes).toBeGreaterThan(2)
    expect(b.store.owned.get('w')?.isFenced).toBe(false)
    await log.close()
    await expect.poll(() => textsAt(b, 'w')).toEqual(['1', '2'])
  } finally {
    clearInterval(timer)
  }
  await b.close()
})

it('[Q30] a copy agrees with all of its history also where its owner was killed before the mark was kept', async () => {
  const { engine, open } = cluster()
  const { link, counts } = countingPasses(engine, 'w')
  const [disk, clock] = [openMemoryStore(), new HandClock()]
  const run = new RunStore(disk)
  const b = await openClusterNode({ engine: link, store: run, node: 'b', advertise: 'b:1', clock })
  clock.pass(600)
  const log = await b.store.open('w')
  await log.append(entry('1')).durable
  const end = engine.log.last(engineNameOf('w'))?.sequence
  // The follower looks twice before the mark's time.
  clock.pass(400)
  const passed = (): number => {
    if (clock.monotonicMs() < 2_500) clock.pass(50)
    return counts.passes
  }
  await expect.poll(passed).toBeGreaterThan(0)
  expect(b.store.owned.get('w')?.markedSequence).toBeLessThan(end ?? 0)
  run.kill()
  void link.close()
  const again = await open('b', disk)
  const markOf = () => again.store.withCopy('w', async (copy) => (await copy.readMark())?.sequence)
  await expect.poll(markOf).toBe(end)
  b.ownership.close()
  await Promise.all([b.follower.close(), again.close()])
})

it('[Q33] a node whose engine was set back compares its copies anew, and follows what comes then', async () => {
  const { engine, open } = cluster()
  const clock = new HandClock()
  const link = engine.connect('b')
  let reads = 0
  const read: Engine['log']['read'] = (...asked) => {
    reads++
    return link.log.read(...asked)
  }
  const place = { store: openMemoryStore(), node: 'b', advertise: 'b:1', clock }
  const [a, b] = [await open('a'), await openClusterNode({ ...place, engine: { ...link, log: { ...link.log, read } } })]
  const timer = setInterval(() => clock.pass(1_000), 5)
  try {
    const log = await a.store.open('w')
    for (const text of ['1', '2', '3']) await log.append(entry(text)).durable
    await expect.poll(() => textsAt(b, 'w')).toEqual(['1', '2', '3'])
    await log.close()
    const [first] = engine.log.read(engineNameOf('w'), 0, 1)
    expect(reads).toBe(0)
    engine.log.setBack(engineNameOf('w'), (first?.sequence ?? 0) + 1)
    await expect.poll(() => reads).toBeGreaterThan(0)
    // The next owner publishes what is missing, and goes on.
    const again = await a.store.open('w')
    expect(a.store.counts.regressions).toBeGreaterThanOrEqual(1)
    await again.append(entry('4')).durable
    await expect.poll(() => textsAt(b, 'w')).toEqual(['1', '2', '3', '4'])
    await expect.poll(() => b.store.withCopy('w', async (copy) => (await copy.readMark())?.lsn)).toBe(4)
    // Messages from now on are taken as ever, without a look at what stands before it.
    const readsBefore = reads
    await again.append(entry('5')).durable
    await expect.poll(() => textsAt(b, 'w')).toEqual(['1', '2', '3', '4', '5'])
    expect(reads).toBe(readsBefore)
  } finally {
    clearInterval(timer)
  }
  expect([...b.follower.problems]).toEqual([])
  await Promise.all([a.close(), b.close()])
})

it('[Q33] a replica that lags is no loss: a copy keeps no record for it that nobody has acknowledged', async () => {
  const { engine, a, local, log } = await ownerAndTail()
  const link = engine.connect('b')
  let [isLagging, looks] = [true, 0]
  const lagging: Engine['log'] = {
    ...link.log,
    endOf: async (part) => (isLagging ? 1 : await link.log.endOf(part)),
    read: async (subject, after, limit) => {
      const messages = await link.log.read(subject, after, limit)
      return isLagging ? messages.filter(({ sequence }) => sequence === 1) : messages
    },
    last: async (subject) => {
      looks++
      return isLagging ? engine.log.read(subject, 0, 1)[0] : await link.log.last(subject)
    },
  }
  const place = { store: local, node: 'b', advertise: 'b:1' }
  const again = await openClusterNode({ ...place, engine: { ...link, log: lagging } })
  await expect.poll(() => looks).toBeGreaterThan(0)
  isLagging = false
  await log.append(entry('2')).durable
  await expect.poll(() => textsAt(again, 'w')).toEqual(['1', '2'])
  expect([again.store.counts.regressions, ...again.follower.problems]).toEqual([0])
  await Promise.all([a, again].map((node) => node.close()))
})

it('[Q71] a copy keeps what was acknowledged when the engine is emptied and an empty node begins anew: it says so, and cuts off nothing', async () => {
  const { engine, open } = cluster()
  const clock = new HandClock()
  const [a, b] = [await open('a', openMemoryStore(), clock), await open('b', openMemoryStore(), clock)]
  const timer = setInterval(() => clock.pass(1_000), 5)
  try {
    const log = await a.store.open('w')
    for (const text of ['1', '2', '3']) await log.append(entry(text)).durable
    await expect.poll(() => textsAt(b, 'w')).toEqual(['1', '2', '3'])
    await log.close()
    engine.log.setBack(engineNameOf('w'), 0)
    // Somebody who has no copy, and whom nobody tells of one, writes another history.
    await writeHistory(engine.connect('x').log, 'w', ['other 1', 'other 2'])
    for (const node of [a, b]) {
      await expect.poll(() => node.follower.problems.get('w')).toMatch(/up to 3 that were acknowledged: both are kept/)
      expect(await textsAt(node, 'w')).toEqual(['1', '2', '3'])
    }
  } finally {
    clearInterval(timer)
  }
  await expect(b.store.open('w')).rejects.toMatchObject({ code: 'storage_failed' })
  expect(await textsAt(b, 'w')).toEqual(['1', '2', '3'])
  await Promise.all([a.close(), b.close()])
})
