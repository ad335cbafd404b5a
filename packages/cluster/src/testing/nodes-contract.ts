import type { WorkspaceId } from '@joinery/protocol'
import { describeOwnership } from '@joinery/server/testing'
import { afterEach, describe, expect, it } from 'vitest'
import { ClusterOwnership } from '../nodes/cluster-ownership.ts'
import { Events } from '../nodes/events.ts'
import { Locks } from '../nodes/locks.ts'
import { type NodeInfo, Nodes } from '../nodes/nodes.ts'
import type { EngineScene } from './engine-contract.ts'

const infoOf = (node: string, session = `${node}-1`): NodeInfo => ({
  node,
  session,
  address: `127.0.0.1:${node.length}`,
  version: '0.1.0',
  isDraining: false,
})

/** Tests of nodes, ownership and locks, on any engine. `open` gives a new scene. */
export function describeNodes(name: string, open: () => Promise<EngineScene>): void {
  const scenes: EngineScene[] = []
  const opened = async (): Promise<EngineScene> => {
    const scene = await open()
    scenes.push(scene)
    return scene
  }
  afterEach(async () => {
    for (const scene of scenes.splice(0)) await scene.close()
  })

  describeOwnership(name, async () => {
    const { one, two } = await opened()
    const mine = await ClusterOwnership.open(one, await Nodes.join({ engine: one, self: infoOf('one') }))
    const other = await ClusterOwnership.open(two, await Nodes.join({ engine: two, self: infoOf('two') }))
    return { mine, other, give: async (workspace) => void (await other.seize(workspace)) }
  })

  describe(`nodes: ${name}`, () => {
    it('[Q15] nodes see each other, ask each other, and are gone when they leave', async () => {
      const { one, two } = await opened()
      const a = await Nodes.join({ engine: one, self: infoOf('a') })
      const b = await Nodes.join({ engine: two, self: infoOf('b') })
      await expect.poll(() => a.list().map(({ node }) => node)).toEqual(['a', 'b'])
      expect(await a.ask('b')).toMatchObject({ node: 'b', address: '127.0.0.1:1', isDraining: false })
      await b.drain()
      await expect.poll(() => a.list()[1]?.isDraining).toBe(true)
      expect(await a.ask('b')).toMatchObject({ isDraining: true })
      await b.leave()
      await b.leave()
      await expect.poll(() => a.list().map(({ node }) => node)).toEqual(['a'])
      expect(await a.ask('b')).toBeUndefined()
      await a.leave()
    })

    it('[Q15] a name that a living node has is refused, and that of a killed one is taken over', async () => {
      const { one, two } = await opened()
      await Nodes.join({ engine: one, self: infoOf('a') })
      const second = () => Nodes.join({ engine: two, self: infoOf('a', 'a-2') })
      await expect(second()).rejects.toMatchObject({ code: 'name_taken' })
      await one.close()
      const again = await second()
      expect(again.list()).toMatchObject([{ session: 'a-2' }])
      const named = Nodes.join({ engine: two, self: infoOf('no name') })
      await expect(named).rejects.toMatchObject({ code: 'invalid' })
    })

    it('[Q16] a workspace of a node that is gone, or of an earlier run of this one, is taken over at the next claim', async () => {
      const { one, two } = await opened()
      const [w, v] = ['w', 'räume/1'] as WorkspaceId[] as [WorkspaceId, WorkspaceId]
      const first = await ClusterOwnership.open(one, await Nodes.join({ engine: one, self: infoOf('a') }))
      const before = await first.claim(w)
      await first.claim(v)
      if (!('held' in before)) throw new Error('nobody else holds it')
      expect(await first.claim(w)).toMatchObject({ held: { token: before.held.token } })
      await one.close()
      const nodes = await Nodes.join({ engine: two, self: infoOf('b') })
      const second = await ClusterOwnership.open(two, nodes)
      const after = await second.claim(w)
      if (!('held' in after)) throw new Error('its owner is gone')
      expect(after.held.token).toBeGreaterThan(before.held.token)
      const later = await ClusterOwnership.open(two, await Nodes.join({ engine: two, self: infoOf('a', 'a-2') }))
      expect(await later.claim(v)).toMatchObject({ held: { token: expect.any(Number) } })
    })

    it('[Q17] a lock has one holder, ends by itself unless it is renewed, and its number only grows', async () => {
      const { one, two } = await opened()
      const [locks, others] = [new Locks(one), new Locks(two)]
      const first = await locks.acquire('nightly index', 'a', { ttlMs: 60_000 })
      expect(await others.tryAcquire('nightly index', 'b', 60_000)).toBeUndefined()
      await expect(others.acquire('nightly index', 'b', { ttlMs: 60_000 })).rejects.toMatchObject({ code: 'lock_held' })
      expect(await others.status('nightly index')).toEqual(first)
      const renewed = await locks.renew(first, 1_000)
      expect(renewed.fence).toBeGreaterThan(first.fence)
      await expect(locks.renew(first, 1_000)).rejects.toMatchObject({ code: 'not_held' })
      const next = await others.acquire('nightly index', 'b', { ttlMs: 60_000, waitMs: 240_000 })
      expect(next.fence).toBeGreaterThan(renewed.fence)
      expect(await locks.release(renewed)).toBe(false)
      await expect.poll(() => locks.list()).toEqual([next])
      expect(await others.release(next)).toBe(true)
      expect(await locks.status('nightly index')).toBeUndefined()
      await expect(locks.tryAcquire('', 'a', 1_000)).rejects.toMatchObject({ code: 'invalid' })
      const stopped = locks.acquire('x', 'a', { ttlMs: 1_000, signal: AbortSignal.abort(new Error('stopped')) })
      await expect(stopped).rejects.toThrow('stopped')
    })

    it('[Q19] an event goes where its rule says, once to each listener, and a listener that throws harms no other', async () => {
      const { one, two } = await opened()
      const rules = [
        { pattern: 'cache.>', to: 'local' },
        { pattern: 'wake.*', to: 'cluster' },
      ] as const
      const a = new Events(one.bus, { node: 'a', session: 'a-1' }, rules)
      const b = new Events(two.bus, { node: 'b', session: 'b-1' })
      await one.bus.settled()
      await two.bus.settled()
      const heard: string[] = []
      a.subscribe('>', () => {
        throw new Error('a listener of a test fails')
      })
      a.subscribe('>', ({ topic, data, node }) => heard.push(`a ${topic} ${String(data)} of ${node}`))
      const stop = b.subscribe('*.task', ({ topic, data, node }) => heard.push(`b ${topic} ${String(data)} of ${node}`))
      a.publish('cache.task', 1)
      a.publish('wake.task', 2)
      a.publish('done.task', 3)
      a.publish('done.other', 4)
      await one.bus.settled()
      await expect.poll(() => heard.length).toBe(5)
      expect(heard.toSorted()).toEqual([
        'a cache.task 1 of a',
        'a done.other 4 of a',
        'a done.task 3 of a',
        'b done.task 3 of a',
        'b wake.task 2 of a',
      ])
      expect(a.counts).toEqual({ published: 4, received: 0, delivered: 6, failed: 3, unreadable: 0 })
      await expect.poll(() => b.counts).toEqual({ published: 0, received: 3, delivered: 2, failed: 0, unreadable: 0 })
      one.bus.publish('jy.evt.done.task', new Uint8Array([1, 2]))
      await expect.poll(() => b.counts.unreadable).toBe(1)
      stop()
      a.close()
      b.close()
    })
  })
}
