import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AdoptingLog,
  type AdoptingStore,
  type LogEntry,
  type LogRecord,
  type Lsn,
  openLevelStore,
  openMemoryStore,
  type SteadyClock,
  systemSteadyClock,
  type WorkspaceLog,
} from '@joinery/log'
import { describeEventStore, describeFencing } from '@joinery/log/testing'
import type { WorkspaceId } from '@joinery/protocol'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { EngineError } from '../engine/engine-error.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { engineNameOf } from '../nodes/names.ts'
import { CutEngine } from '../testing/cut-engine.ts'
import { LosableOwnership } from '../testing/lost-holds.ts'
import { Purges } from './purges.ts'
import { ReplicatedStore } from './replicated-store.ts'

const NODE = { node: 'a', session: 'a-1', clock: systemSteadyClock, assertReadable: () => undefined }

describeFencing('replicated', async (clock) => {
  const ownership = new LosableOwnership()
  const local = openMemoryStore({ clock })
  const engine = new MemoryEngine().connect('a')
  const store = new ReplicatedStore({ ...NODE, local, ownership, engine, purges: await Purges.open(engine, local) })
  return { store, fence: (workspace) => ownership.lose(workspace) }
})

describeEventStore(
  'replicated',
  async (clock) => {
    const engine = new MemoryEngine().connect('a')
    const local = openMemoryStore({ clock })
    const purges = await Purges.open(engine, local)
    return new ReplicatedStore({ ...NODE, engine, local, purges, ownership: new LosableOwnership() })
  },
  { isWritingDeleted: false, isCompacting: false },
)

const entry = (text: string, more: Partial<LogEntry> = {}): LogEntry => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Buffer.from(text) },
  ...more,
})
const textsOf = (records: readonly LogRecord[]) => records.map(({ update }) => Buffer.from(update).toString())
const textsIn = async (log: Pick<WorkspaceLog, 'read'>) => textsOf(await Array.fromAsync(log.read()))

/** Some nodes of one cluster, each of which can be cut off from the engine. */
async function cluster(...names: string[]) {
  const engine = new MemoryEngine()
  const open = async (name: string, local = openMemoryStore(), clock: SteadyClock = systemSteadyClock) => {
    const link = new CutEngine(engine.connect(name))
    const node = await openClusterNode({
      ...{ engine: link.engine, store: local, node: name, advertise: `${name}:1`, clock },
    })
    return { ...node, local, link }
  }
  return { engine, open, nodes: await Promise.all(names.map((name) => open(name))) }
}
type Node = Awaited<ReturnType<Awaited<ReturnType<typeof cluster>>['open']>>

it('[Q24] an append is durable once this node and the history have it, and says before when this node has it', async () => {
  const { nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  a.link.isCut = true
  const { durable, stored } = log.append(entry('2'))
  let isDurable = false
  void durable.then(() => {
    isDurable = true
  })
  await stored
  const snapshot = log.snapshot({ lsn: log.head, state: Buffer.from('state') })
  const chain = log.chainAt()
  await new Promise((resolve) => setImmediate(resolve))
  expect([isDurable, log.replication?.lsn, log.snapshotLsn]).toEqual([false, 1, 0])
  a.link.isCut = false
  await Promise.all([durable, snapshot, chain])
  expect([isDurable, log.replication, log.snapshotLsn]).toEqual([true, { lsn: 2, waitsMs: 0, isAwaited: true }, 2])
  await a.close()
})

it('[Q25] opening a log on another node is `not_owner`, and once the owner has closed it the other has all of it', async () => {
  const { nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const log = await a.store.open('w')
  const generation = await log.create()
  await log.append(entry('1', { idempotencyKey: 'k' })).durable
  await expect(b.store.open('w')).rejects.toMatchObject({ code: 'not_owner', message: expect.stringContaining('a:1') })
  await log.close()
  const taken = await b.store.open('w')
  expect([taken.generation, await textsIn(taken), await taken.lsnOfKey('k')]).toEqual([generation, ['1'], 1])
  expect(await taken.chainAt()).toBe(await a.store.withCopy('w', (copy) => copy.chainAt()))
  await Promise.all([a.close(), b.close()])
})

it('[Q25] a generation that was made without a record is the one that the next owner has', async () => {
  const { nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const log = await a.store.open('w')
  const generation = await log.create()
  await log.close()
  expect(await (await b.store.open('w')).create()).toBe(generation)
  await Promise.all([a.close(), b.close()])
})

it('[Q26] an owner whose workspace is seized is fenced, what it alone had is cut off, and the cut stays noted', async () => {
  const { nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const log = await a.store.open('w')
  await log.append(entry('kept')).durable
  a.link.isCut = true
  const lost = log.append(entry('lost'))
  const seized = await b.ownership.seize('w' as WorkspaceId)
  const taken = await b.store.open('w')
  await taken.append(entry('others')).durable
  await expect(lost.durable).rejects.toMatchObject({ code: 'fenced' })
  expect(log.state.state).toBe('fenced')
  expect(() => log.append(entry('x'))).toThrow(expect.objectContaining({ code: 'fenced' }))
  a.link.isCut = false
  await Promise.all([taken.close(), seized.release()])
  // The fenced log was not closed: the next open does that.
  const again = await a.store.open('w')
  expect(await textsIn(again)).toEqual(['kept', 'others'])
  await again.close()
  expect(await a.store.withCopy('w', (copy) => copy.readCut())).toMatchObject({ lsn: 1, head: 2 })
  await Promise.all([a.close(), b.close()])
})

it('[Q27] of a turn in two logs the system log’s record is never in the history without the workspace’s', async () => {
  const { engine, nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const [log, work] = [await a.store.open('w'), await a.store.open('!work/w')]
  const turn = async (text: string) => {
    const receipts = a.store.atomically(() => [
      work.append(entry(`journal ${text}`)),
      log.append(entry(`edit ${text}`)),
    ])
    await Promise.all(receipts.map(({ durable }) => durable))
  }
  await turn('1')
  const order: string[] = []
  const stop = engine.log.onAppend((subject) => order.push(subject))
  await turn('2')
  expect(order).toEqual(['w', '!work/w'].map(engineNameOf))
  expect(() =>
    a.store.atomically(() => {
      work.append(entry('journal back'))
      log.append(entry('edit back'))
      throw new Error('back')
    }),
  ).toThrow('back')
  stop()
  // The node is killed with a turn that only its own disk has, and another node owns the workspace meanwhile.
  a.link.isCut = true
  turn('3').catch(() => undefined)
  const seized = await b.ownership.seize('w' as WorkspaceId)
  const taken = await b.store.open('w')
  await taken.append(entry('others')).durable
  await Promise.all([taken.close(), seized.release()])
  await expect.poll(() => work.state.state).toBe('fenced')
  a.link.isCut = false
  await Promise.all([log.close(), work.close()])
  const again = [await a.store.open('!work/w'), await a.store.open('w')]
  expect(await Promise.all(again.map(textsIn))).toEqual([
    ['journal 1', 'journal 2'],
    ['edit 1', 'edit 2', 'others'],
  ])
  await Promise.all([a.close(), b.close()])
})

it('[Q27] where a system log’s own records can’t be cut off, its workspace is not taken over, and the next attempt cuts them off', async () => {
  const { engine, nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const [log, work] = [await a.store.open('w'), await a.store.open('!work/w')]
  await log.append(entry('1')).durable
  a.link.isCut = true
  work.append(entry('journal')).durable.catch(() => undefined)
  const seized = await b.ownership.seize('w' as WorkspaceId)
  await (await b.store.open('w')).close()
  await seized.release()
  await expect.poll(() => work.state.state).toBe('fenced')
  await Promise.all([log.close(), work.close()])
  a.link.isCut = false
  const { append } = a.link.engine.log
  const refusing = vi.spyOn(a.link.engine.log, 'append').mockImplementation(async (subject, ...message) => {
    if (subject === engineNameOf('!work/w')) throw new EngineError('invalid', 'the test refuses it')
    return await append(subject, ...message)
  })
  const before = engine.log.last(engineNameOf('w'))
  await expect(a.store.open('w')).rejects.toThrow('the test refuses it')
  expect(engine.log.last(engineNameOf('w'))).toEqual(before)
  refusing.mockRestore()
  const again = [await a.store.open('w'), await a.store.open('!work/w')]
  expect(await Promise.all(again.map(textsIn))).toEqual([['1'], []])
  await Promise.all([a.close(), b.close()])
})

it('[Q27] what a node alone has after a kill is published at its next opening, the workspace’s before its system logs’', async () => {
  const { engine, open, nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const [log, work] = [await a.store.open('w'), await a.store.open('!work/w')]
  await log.append(entry('1')).durable
  a.link.isCut = true
  a.store.atomically(() => {
    log.append(entry('edit'))
    work.append(entry('journal'))
  })
  a.ownership.close()
  await Promise.all([log.close(), work.close()])
  a.link.isCut = false
  const order: string[] = []
  engine.log.onAppend((subject) => order.push(subject))
  await a.follower.close()
  await a.nodes.leave()
  const restarted = await open('a', a.local)
  const again = await restarted.store.open('!work/w')
  await again.append(entry('later')).durable
  expect(await textsIn(again)).toEqual(['journal', 'later'])
  const records = order.map((subject, n) => [subject, n]).filter(([subject]) => subject === engineNameOf('!work/w'))
  expect(order.lastIndexOf(engineNameOf('w'))).toBeLessThan(Number(records.at(-1)?.[1]))
  expect(await textsIn(await restarted.store.open('w'))).toEqual(['1', 'edit'])
  await restarted.close()
})

it('[Q28] a node’s own system logs are not replicated', async () => {
  const { engine, nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  await Promise.all(
    [a, b].map(async ({ store }, n) => (await store.open('!work')).append(entry(`of node ${n}`)).durable),
  )
  expect(engine.log.subjects()).toEqual([])
  await Promise.all([a.close(), b.close()])
})

it('[Q29] all history is kept, so that the chains of all copies are the same', async () => {
  const { nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const log = await a.store.open('w')
  for (const text of ['1', '2', '3']) await log.append(entry(text)).durable
  await log.snapshot({ lsn: log.head, state: Buffer.from('state') })
  const dropped = await log.compact({ keepHistory: { events: 1 }, verify: () => undefined })
  expect([dropped, await textsIn(log)]).toEqual([{ dropped: 0, firstLsn: 1 }, ['1', '2', '3']])
  await a.close()
})

/** Writes eight records on a single machine, and drops the first five: a snapshot stands for them. */
async function compacted(store: AdoptingStore): Promise<void> {
  const log = await store.open('w')
  for (const text of ['1', '2', '3', '4', '5', '6', '7', '8']) {
    await log.append(entry(text, { idempotencyKey: `key ${text}` })).durable
  }
  await log.snapshot({ lsn: 5 as Lsn, state: Buffer.from('state of 5') })
  await log.compact({ keepHistory: { events: 3 }, verify: () => undefined })
  expect(log.firstLsn).toBe(6)
  await log.close()
}

for (const kind of ['in memory', 'on a disk']) {
  it(`[Q63] a log whose first records were dropped on a single machine joins with what stands for them, ${kind}`, async () => {
    const home = await mkdtemp(join(tmpdir(), 'joinery-cluster-'))
    onTestFinished(() => rm(home, { recursive: true }))
    const stores = await Promise.all(
      ['a', 'b', 'c'].map(async (name) =>
        kind === 'in memory'
          ? openMemoryStore()
          : await openLevelStore({ directory: join(home, name), durability: 'async' }),
      ),
    )
    const { engine, open } = await cluster()
    const [ofA, ofB, ofC] = stores as [AdoptingStore, AdoptingStore, AdoptingStore]
    await compacted(ofA)
    const [a, b] = [await open('a', ofA), await open('b', ofB)]
    const log = await a.store.open('w')
    await log.append(entry('9')).durable
    const chain = await log.chainAt()
    const beginning = async (copy: AdoptingLog) => {
      const snapshot = await copy.latestSnapshot()
      return [copy.firstLsn, String(snapshot?.state), await copy.lsnOfKey('key 2'), await copy.chainAt()]
    }
    await expect.poll(() => b.store.withCopy('w', async ({ head }) => head)).toBe(9)
    expect(await b.store.withCopy('w', beginning)).toEqual([6, 'state of 5', 2, chain])
    await log.close()
    const taken = await b.store.open('w')
    expect(() => taken.append(entry('2', { idempotencyKey: 'key 2' }))).toThrow(/key 2/)
    await taken.append(entry('10')).durable
    // A node that comes later reads all of it from the engine alone.
    const c = await open('c', ofC)
    await expect.poll(() => c.store.withCopy('w', async ({ head }) => head)).toBe(10)
    expect(await c.store.withCopy('w', textsIn)).toEqual(['6', '7', '8', '9', '10'])
    const states = async () => (await Array.fromAsync(c.check()))[0]?.copies.map(({ state }) => state)
    await expect.poll(states).toEqual(['equal', 'equal', 'equal'])
    // The engine loses all of it: the next owner publishes it again.
    await taken.close()
    engine.log.setBack(engineNameOf('w'), 0)
    const again = await c.store.open('w')
    await again.append(entry('11')).durable
    expect(c.store.counts.regressions).toBeGreaterThan(0)
    await again.close()
    await expect.poll(() => a.store.withCopy('w', async ({ head }) => head)).toBe(11)
    expect(await a.store.withCopy('w', (copy) => copy.chainAt())).toBe(
      await c.store.withCopy('w', (copy) => copy.chainAt()),
    )
    await Promise.all([a.close(), b.close(), c.close()])
  })
}

it('[Q32] a deleted workspace is deleted on every node until it is undeleted, and keeps everything', async () => {
  const { nodes } = await cluster('a', 'b')
  const [a, b] = nodes as [Node, Node]
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  await expect(a.store.tombstone('w')).rejects.toMatchObject({ code: 'locked' })
  await expect(b.store.tombstone('w')).rejects.toMatchObject({ code: 'not_owner' })
  await log.close()
  await a.store.tombstone('w')
  // Also before the other node has followed.
  await expect(b.store.open('w')).rejects.toMatchObject({ code: 'deleted' })
  await expect(a.store.open('w')).rejects.toMatchObject({ code: 'deleted' })
  for (const { store } of [a, b]) await expect.poll(() => Array.fromAsync(store.tombstones())).toEqual(['w'])
  await b.store.undelete('w')
  for (const { store } of [a, b]) {
    await expect.poll(() => Array.fromAsync(store.workspaces())).toEqual(['w'])
    expect(await Array.fromAsync(store.tombstones())).toEqual([])
  }
  const again = await a.store.open('w')
  await again.append(entry('2')).durable
  expect(await textsIn(again)).toEqual(['1', '2'])
  await expect.poll(() => b.store.withCopy('w', textsIn)).toEqual(['1', '2'])
  await Promise.all([a.close(), b.close()])
})

it('[Q25] the mark is kept while the owner writes on, so that a takeover after a kill has little to read', async () => {
  const { nodes } = await cluster('a')
  const [a] = nodes as [Node]
  const log = await a.store.open('w')
  for (let turn = 0; turn < 6; turn++) {
    let last = Promise.resolve()
    for (let n = 0; n < 200; n++) last = log.append(entry(`${turn} ${n}`)).durable
    await last
  }
  await expect.poll(async () => (await a.store.owned.get('w')?.inner.readMark())?.lsn).toBeGreaterThanOrEqual(1_000)
  await a.close()
})
