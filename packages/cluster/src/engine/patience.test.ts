import { openMemoryStore } from '@joinery/log'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { openClusterNode } from '../cluster-node.ts'
import { clusterIdentity } from '../nodes/cluster-identity.ts'
import { SharedTable } from '../nodes/shared-table.ts'
import { VirtualTime } from '../simulation/virtual-time.ts'
import type { Engine } from './engine.ts'
import { EngineError } from './engine-error.ts'
import { MemoryEngine } from './memory/memory-engine.ts'
import { Patience } from './patience.ts'

const unanswered = () => new EngineError('unavailable', 'the test does not answer')

/** A connection that does not answer some of its calls. `fails` gets their numbers; a call may have been done all the same. */
function deaf(engine: Engine, fails: (call: number) => 'before' | 'after' | undefined) {
  let calls = 0
  const over = <T extends object>(target: T): T =>
    new Proxy(target, {
      get: (_, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return (...args: unknown[]) => {
          const done = (): unknown => Reflect.apply(method, target, args)
          if (['subscribe', 'respond', 'publish', 'onAppend', 'request'].includes(String(name))) return done()
          const fault = fails(++calls)
          if (fault === 'before') return Promise.reject(unanswered())
          const answer = Promise.resolve(done())
          return fault === 'after' ? answer.then(() => Promise.reject(unanswered())) : answer
        }
      },
    })
  const { meta, live, bus, log } = engine
  return { engine: { ...engine, meta: over(meta), live: over(live), bus: over(bus), log }, calls: () => calls }
}

/** Starts a node as a server does. Resolves with the number of calls that this took. */
async function start(fails: (call: number) => 'before' | 'after' | undefined, waitMs = 30_000) {
  const time = new VirtualTime()
  const { clock } = time
  const warned: object[] = []
  const patience = new Patience({ waitMs, clock, logger: { warn: (details) => warned.push(details) } })
  const { engine, calls } = deaf(new MemoryEngine({ clock }).connect('a'), fails)
  const starting = (async () => {
    const identity = await patience.ask('the name', () => clusterIdentity(engine))
    const node = await openClusterNode({
      ...{ engine, identity, patience, clock, store: openMemoryStore(), node: 'a', advertise: 'a:1' },
    })
    await patience.ask('values', () => SharedTable.open(engine.meta, { prefix: 'p', schema: z.string() }))
    return node
  })()
  let isOver = false
  const settled = starting.catch(() => undefined).finally(() => (isOver = true))
  while (!isOver) await time.pass(100)
  await settled
  return { starting, calls: calls(), warned }
}

it('[Q81] a node starts although the engine does not answer one of the calls of its start, whichever that is', async () => {
  const { calls, warned } = await start(() => undefined)
  expect([calls > 5, warned]).toEqual([true, []])
  for (const fault of ['before', 'after'] as const) {
    for (let failed = 1; failed <= calls; failed++) {
      const tried = await start((call) => (call === failed ? fault : undefined))
      expect((await tried.starting).nodes.list()).toMatchObject([{ node: 'a' }])
      expect(tried.warned).toMatchObject([{ reason: 'the test does not answer', leftMs: expect.any(Number) }])
    }
  }
})

it('[Q81] an engine that does not answer for good ends the start by an error that says for how long it was asked, and what to do', async () => {
  const { starting, warned } = await start(() => 'before')
  await expect(starting).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(
      /did not answer within 30 s when it was asked for the name: .*start this node again/,
    ),
  })
  expect(warned.length).toBeGreaterThan(10)
  await expect((await start(() => 'before', 0)).starting).rejects.toMatchObject({ message: 'the test does not answer' })
  const patience = new Patience({ waitMs: 30_000 })
  const refusal = new EngineError('misconfigured', 'other settings')
  await expect(patience.ask('x', () => Promise.reject(refusal))).rejects.toBe(refusal)
})
