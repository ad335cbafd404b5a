import { type LogEntry, openMemoryStore, type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { expect, it } from 'vitest'
import { openClusterNode } from '../cluster-node.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { engineNameOf } from '../nodes/names.ts'
import { CutEngine } from '../testing/cut-engine.ts'
import { LosableOwnership } from '../testing/lost-holds.ts'
import { Purges } from './purges.ts'
import { ReplicatedStore } from './replicated-store.ts'

const NODE = { node: 'a', session: 'a-1', clock: systemSteadyClock, assertReadable: () => undefined }

const entry = (text: string, more: Partial<LogEntry> = {}): LogEntry => ({
  ...{ actor: 'ann', source: 'user_action', connection: 'c', touched: [], update: Buffer.from(text) },
  ...more,
})

/** A node that can be cut off from the engine: a new one, or `before` after a restart. */
async function open(before?: Opened) {
  const { engine, local } = before ?? { engine: new MemoryEngine(), local: openMemoryStore() }
  const link = new CutEngine(engine.connect('a'))
  const node = await openClusterNode({ engine: link.engine, store: local, node: 'a', advertise: 'a:1' })
  return { ...node, engine, local, link }
}
interface Opened {
  readonly engine: MemoryEngine
  readonly local: ReturnType<typeof openMemoryStore>
}

it('[Q87] a log is opened once the history has what this node alone had, so that all it has may be called saved', async () => {
  const a = await open()
  const log = await a.store.open('w')
  await log.append(entry('1')).durable
  a.link.isCut = true
  log.append(entry('2', { idempotencyKey: 'k' })).durable.catch(() => undefined)
  a.ownership.close()
  await log.close()
  await a.follower.close()
  await a.nodes.leave()
  const restarted = await open(a)
  const gate = Promise.withResolvers<void>()
  restarted.link.recordsWaitFor = gate.promise
  let isOpen = false
  const opening = restarted.store.open('w').then((opened) => {
    isOpen = true
    return opened
  })
  await expect
    .poll(async () => (await restarted.link.engine.log.last(engineNameOf('w')))?.headers['Jy-Epoch'])
    .toBe('2')
  expect(isOpen).toBe(false)
  gate.resolve()
  const opened = await opening
  expect([await opened.lsnOfKey('k'), opened.replication?.lsn]).toEqual([2, 2])
  await restarted.close()
})

it('[Q87] an engine that takes nothing of it for long ends the opening, and so does another owner; the next one goes on', async () => {
  const ownership = new LosableOwnership()
  const local = openMemoryStore()
  const link = new CutEngine(new MemoryEngine().connect('a'))
  const overdue: (() => void)[] = []
  const clock: SteadyClock = {
    ...systemSteadyClock,
    after: (ms, then) => {
      if (ms < 10_000) return systemSteadyClock.after(ms, then)
      overdue.push(then)
      return () => undefined
    },
  }
  const purges = await Purges.open(link.engine, local)
  const store = new ReplicatedStore({ ...NODE, clock, local, ownership, engine: link.engine, purges })
  const copy = await local.open('w')
  await copy.append(entry('1')).durable
  await copy.close()
  const gate = Promise.withResolvers<void>()
  link.recordsWaitFor = gate.promise
  for (const [waits, code, end] of [
    [2, 'storage_failed', () => overdue.at(-1)?.()],
    [4, 'fenced', () => ownership.lose('w')],
  ] as const) {
    const opening = store.open('w')
    opening.catch(() => undefined)
    // One for the takeover, and one for what is published after it.
    await expect.poll(() => overdue.length).toBe(waits)
    end()
    await expect(opening).rejects.toMatchObject({ code })
  }
  gate.resolve()
  expect((await store.open('w')).replication?.lsn).toBe(1)
})

/** A node whose log `w` has record 1 in the history, and record 2, with a key, here alone. */
async function withTail() {
  const a = await open()
  const log = await a.store.open('w')
  await log.append(entry('1', { idempotencyKey: 'old' })).durable
  a.link.isCut = true
  const { durable } = log.append(entry('2', { idempotencyKey: 'k' }))
  durable.catch(() => undefined)
  return { a, log }
}

it('[Q87] the LSN of a key is told once the history has its record, and not by an owner that has lost the workspace', async () => {
  const { a, log } = await withTail()
  expect(await log.lsnOfKey('old')).toBe(1)
  const [asked, told] = [log.lsnOfKey('k'), [] as (number | undefined)[]]
  void asked.then((lsn) => told.push(lsn))
  await new Promise(setImmediate)
  expect(told).toEqual([])
  a.link.isCut = false
  expect(await asked).toBe(2)
  a.link.isCut = true
  log.append(entry('3', { idempotencyKey: 'later' })).durable.catch(() => undefined)
  const late = log.lsnOfKey('later')
  if (!('fence' in log)) throw new Error('the log is not this node’s own')
  log.fence()
  await expect(late).rejects.toMatchObject({ code: 'fenced' })
  await a.close()
})

it('[Q87] a copy that is shown while nobody can be asked tells of keys that the history is known to have, and of no others', async () => {
  const { a, log } = await withTail()
  a.link.isAway = true
  a.ownership.close()
  await log.close()
  const copy = await a.store.openCopy('w' as WorkspaceId)
  expect(await copy?.lsnOfKey('old')).toBe(1)
  expect(await copy?.lsnOfKey('never')).toBeUndefined()
  await expect(copy?.lsnOfKey('k')).rejects.toMatchObject({ code: 'no_quorum' })
  a.link.isAway = false
  a.link.isCut = false
  await a.close()
})
