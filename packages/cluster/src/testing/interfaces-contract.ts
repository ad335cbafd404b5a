import { afterEach, describe, expect, it } from 'vitest'
import type { ClusterInterfaces } from '../interfaces/open-interfaces.ts'

/** Two nodes of one cluster. On a single machine both are the same node. */
export interface InterfacesScene {
  readonly one: ClusterInterfaces
  readonly two: ClusterInterfaces
  /** Writes records into a workspace's history as another node does; undefined on a single machine, which has none. */
  readonly write?: (workspace: string, texts: readonly string[]) => Promise<void>
  close(): Promise<void>
}

/** Tests of the interfaces, the same in every deployment. `open` gives a new scene. */
export function describeInterfaces(name: string, open: () => Promise<InterfacesScene>): void {
  describe(`interfaces: ${name}`, () => {
    let scene: InterfacesScene
    afterEach(() => scene.close())

    it('[Q55] every proposal is decided once, at one place, and all nodes see the same row of decisions', async () => {
      scene = await open()
      const { one, two } = scene
      const proposed = Array.from({ length: 12 }, (_, value) =>
        (value % 2 === 0 ? one : two).consensus.propose('who is first', { value }),
      )
      const decided = await Promise.all(proposed.map((id, at) => (at % 2 === 0 ? one : two).consensus.commit(id)))
      expect(decided.map(({ number }) => number).toSorted((a, b) => a - b)).toEqual(proposed.map((_, at) => at + 1))
      const rows = await Promise.all([one, two].map(({ consensus }) => consensus.decisions('who is first')))
      expect(rows[0]).toEqual(decided.toSorted((a, b) => a.number - b.number))
      expect(rows[1]).toEqual(rows[0])
      for (const id of proposed) {
        expect(await two.consensus.status(id)).toEqual({ state: 'committed', decision: await one.consensus.commit(id) })
      }
      expect(await one.consensus.decisions('another group')).toEqual([])
    })

    it('[Q55] a status knows the last 100 decisions, and what was never proposed is unknown', async () => {
      scene = await open()
      const { consensus } = scene.one
      const ids: string[] = []
      for (let value = 0; value < 103; value++) {
        ids.push(consensus.propose('g', value))
        await consensus.commit(ids.at(-1) ?? '')
      }
      const [oldest = '', newest = ''] = [ids[0], ids.at(-1)]
      expect(await consensus.status(oldest)).toEqual({ state: 'unknown' })
      await expect(consensus.commit(oldest)).rejects.toMatchObject({ code: 'unknown_proposal' })
      expect(await consensus.status(newest)).toMatchObject({
        state: 'committed',
        decision: { number: 103, value: 102 },
      })
      await expect(consensus.status('none')).rejects.toMatchObject({ code: 'invalid' })
      expect(() => consensus.propose('g', 'x'.repeat(5_000))).toThrow(expect.objectContaining({ code: 'invalid' }))
      expect(() => consensus.propose('g', undefined)).toThrow(expect.objectContaining({ code: 'invalid' }))
      expect(() => consensus.propose('', 1)).toThrow(expect.objectContaining({ code: 'invalid' }))
    })

    it('[Q56] each part has a leader, and an election ends with one or says that there is nobody else', async () => {
      scene = await open()
      const { consensus } = scene.one
      const leaders = await consensus.leaders()
      expect(leaders.length).toBeGreaterThan(0)
      const [{ part, leader } = { part: '', leader: undefined }] = leaders
      expect(leader).toEqual(expect.any(String))
      const election = await consensus.triggerElection(part).then(
        () => 'elected',
        ({ code }) => code,
      )
      expect(['elected', 'unsupported']).toContain(election)
      await expect.poll(async () => (await consensus.leaders()).every((each) => each.leader !== undefined)).toBe(true)
      await expect(consensus.triggerElection('no part')).rejects.toMatchObject({ code: 'invalid' })
      const id = consensus.propose('g', 1)
      await expect(consensus.vote(id, false)).rejects.toMatchObject({ code: 'unsupported' })
      await consensus.commit(id)
    })

    it('[Q57] nodes are discovered, asked and told, and the topology has all of them', async () => {
      scene = await open()
      const { one, two } = scene
      const names = [...new Set([one, two].map(({ nodes }) => nodes.nodes.self.node))].toSorted()
      await expect.poll(() => one.nodes.discover().map(({ node }) => node)).toEqual(names)
      const topology = await two.nodes.topology()
      expect(topology).toMatchObject({ nodes: names.map((node) => ({ node, workspaces: 0 })), orphans: 0 })
      expect(topology.leaders).toEqual(await two.consensus.leaders())
      const { self } = two.nodes.nodes
      expect(await one.nodes.checkHealth(self.node)).toEqual({ state: 'healthy', info: self })
      const heard: string[] = []
      const stops = [one, two].map(({ nodes }) =>
        nodes.onBroadcast(({ kind, data, node }) => heard.push(`${kind} ${String(data)} of ${node}`)),
      )
      await expect
        .poll(() => {
          one.nodes.broadcast('hello', 1)
          return heard.length
        })
        .toBeGreaterThanOrEqual(2)
      expect(new Set(heard)).toEqual(new Set([`hello 1 of ${one.nodes.nodes.self.node}`]))
      for (const stop of stops) stop()
      await expect(one.nodes.handleOffline(self.node)).rejects.toMatchObject({ code: 'node_alive' })
    })

    it('[Q57] a node that drains says so, and one that has left or never was is offline', async () => {
      scene = await open()
      const { one, two } = scene
      const { self } = two.nodes.nodes
      await two.nodes.nodes.drain()
      expect(await one.nodes.checkHealth(self.node)).toMatchObject({ state: 'draining' })
      expect(await one.nodes.checkHealth('nobody')).toEqual({ state: 'offline' })
      expect(await one.nodes.handleOffline('nobody')).toBe(0)
      await two.nodes.leave()
      expect(await one.nodes.checkHealth(self.node)).toEqual({ state: 'offline' })
    })

    it('[Q17] a lock is tried, renewed, released and listed, and its numbers only grow', async () => {
      scene = await open()
      const { one, two } = scene
      const first = await one.locks.acquire('import', 'a', { ttlMs: 60_000 })
      expect(await two.locks.tryAcquire('import', 'b', 60_000)).toBeUndefined()
      await expect(two.locks.acquire('import', 'b', { ttlMs: 60_000 })).rejects.toMatchObject({ code: 'lock_held' })
      const renewed = await one.locks.renew(first, 60_000)
      expect(await two.locks.status('import')).toEqual(renewed)
      await expect.poll(() => two.locks.list()).toEqual([renewed])
      expect(await one.locks.release(first)).toBe(false)
      const waits = two.locks.acquire('import', 'b', { ttlMs: 60_000, waitMs: 240_000 })
      expect(await one.locks.release(renewed)).toBe(true)
      const next = await waits
      expect([first.fence < renewed.fence, renewed.fence < next.fence]).toEqual([true, true])
      await expect(one.locks.renew(renewed, 60_000)).rejects.toMatchObject({ code: 'not_held' })
    })

    it('[Q61] copies are synced with their history and compared with it on all nodes, and changes are told', async () => {
      scene = await open()
      const { one, two, write } = scene
      const heard: unknown[] = []
      const stop = two.state.subscribe('w', ({ data }) => heard.push(data))
      one.state.broadcastChange('v', 'of another workspace')
      one.state.broadcastChange('w', { lsn: 1 })
      await expect.poll(() => heard).toEqual([{ lsn: 1 }])
      stop()
      expect(await one.state.sync('w')).toBe(0)
      if (write === undefined) {
        expect(await one.state.checkConsistency('w')).toEqual([{ node: 'one', state: 'equal' }])
        expect(await one.state.forceSync()).toEqual(new Map())
        return
      }
      await write('w', ['a', 'b', 'c'])
      await expect.poll(() => one.state.sync('w')).toBe(3)
      await expect.poll(() => one.nodes.discover().length).toBe(2)
      await expect
        .poll(() => one.state.checkConsistency('w'))
        .toEqual([
          { node: 'one', state: 'equal' },
          { node: 'two', state: 'behind', records: 3 },
        ])
      await expect
        .poll(async () => {
          expect(await two.state.forceSync()).toEqual(new Map())
          return (await two.state.checkConsistency('w')).map(({ state }) => state)
        })
        .toEqual(['equal', 'equal'])
    })

    it('[Q19] an event reaches its listeners, a rule routes it, and all of it is counted', async () => {
      scene = await open()
      const { one, two } = scene
      const heard: string[] = []
      const stop = two.events.subscribe('done.*', ({ topic, data }) => heard.push(`${topic} ${String(data)}`))
      one.events.publish('done.task', 1)
      one.events.publish('other.task', 2)
      await expect.poll(() => heard).toEqual(['done.task 1'])
      const onlyHere: string[] = []
      one.events.subscribe('local.>', ({ topic }) => onlyHere.push(topic))
      one.events.publish('local.cache', 3)
      expect(onlyHere).toEqual(['local.cache'])
      expect(one.events.counts).toMatchObject({ published: 3, failed: 0, unreadable: 0 })
      expect(two.events.counts.delivered).toBeGreaterThanOrEqual(1)
      stop()
    })
  })
}
