import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openServedTasks } from '@joinery/api'
import { createBlock, SYNC as SYNC_MACHINE } from '@joinery/blocks'
import { MemoryEngine, openClusterNode } from '@joinery/cluster'
import { openMemoryStore } from '@joinery/log'
import type { SagaShape } from '@joinery/protocol'
import { signStandard } from '@joinery/resources'
import { ServerFixture } from '@joinery/server/testing'
import pino from 'pino'
import { expect, it, onTestFinished, vi } from 'vitest'
import { readLists } from '../machines-file.mts'
import { loadResourceSagas } from '../resources/resource-worker.mts'
import { readServedResources } from '../resources/serve-resources.mts'
import type { ServeConfig } from '../serve-config.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { announceSagas } from '../work/announce-sagas.mts'
import { SharedHooks } from './shared-hooks.mts'

const SECRET = 'whsec_c2VjcmV0'
const MACHINE = 'sync@1'
const PLACE = { workspace: 'shop', block: 'order', machine: MACHINE, name: 'main' }
const STATUS = { at: '/state', map: { ready: 'synced' }, otherwise: 'syncing' }
const SYNC = { method: 'PUT', url: 'https://crm.example/records' }
/** Events name the id of the service alone. */
const RESOURCES = {
  adapters: {
    [MACHINE]: { kind: 'http', sync: SYNC, query: { ...SYNC, method: 'GET' }, status: STATUS, hook: { id: '/id' } },
  },
  hooks: { crm: { scheme: 'standard', secrets: ['crm'], machine: MACHINE } },
}

/** The file of resources that all nodes have, and its sagas. */
async function resourcesFile(): Promise<{ path: string; sagas: SagaShape[] }> {
  vi.stubEnv('JOINERY_SECRET_CRM', SECRET)
  onTestFinished(() => void vi.unstubAllEnvs())
  const path = join(await temporaryDirectory(), 'resources.json')
  await writeFile(path, JSON.stringify(RESOURCES))
  return { path, sagas: (await loadResourceSagas(path, undefined, undefined)).map(({ shape }) => shape) }
}

/** A node of a cluster with an inbox, whose tasks are done by the test. */
async function startNode(engine: MemoryEngine, name: string, { path, sagas }: { path: string; sagas: SagaShape[] }) {
  const link = engine.connect(name)
  const logger = pino({ level: 'silent' })
  const store = openMemoryStore()
  const node = await openClusterNode({ engine: link, store, node: name, advertise: `${name}:1` })
  const served = await ServerFixture.start({ store: node.store, ownership: node.ownership })
  const { workspaces, costs } = served.server
  const lists = await readLists(undefined)
  const place = { server: served.server, store: node.store, lists, adapters: [MACHINE], limits: {}, logger }
  const { tasks, close } = await openServedTasks(place)
  const resources = await readServedResources({ resourcesFile: path, limits: {} } as ServeConfig)
  await announceSagas(tasks, sagas)
  const shared = new SharedHooks({ engine: link, node, logger })
  const inbox = await resources?.openInbox({ workspaces, costs, store: node.store, tasks, lists, shared, logger })
  if (inbox === undefined) throw new Error('the node has no inbox')
  const door = createServer((request, response) => void inbox.handle(request, response)).listen(0, '127.0.0.1')
  await once(door, 'listening')
  onTestFinished(async () => {
    door.close()
    await inbox.close()
    await close()
    await served.close()
    shared.close()
    await node.close()
  })
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}/v1/hooks/crm`
  return {
    ...{ node, inbox, tasks, workspaces },
    stateOf: (id: string) => inbox.find('crm', id)?.state,
    /** Sends an event about the resource of an id. */
    async send(event: string, id: string): Promise<number> {
      const body = JSON.stringify({ id })
      const signed = signStandard(event, Math.floor(Date.now() / 1_000), Buffer.from(body), [SECRET])
      const answer = await fetch(url, { method: 'POST', body, headers: { ...signed } })
      await answer.body?.cancel()
      return answer.status
    },
    /** Does the next task, as the worker of this node. Returns what it looks at. */
    async work(): Promise<unknown> {
      const ask = { worker: 'w', serves: sagas, max: 1, waitMs: 10_000 }
      for (;;) {
        const [lease] = await tasks.lease(ask, () => true, new AbortController().signal)
        if (lease === undefined) continue
        await tasks.done(lease.token, { result: { status: 'synced' } })
        return lease.input
      }
    },
    async tasksOf(workspace: string): Promise<string[]> {
      const { tasks: all } = await tasks.list(workspace, { limit: 10 })
      return all.map(({ state }) => state)
    },
  }
}

it('[RS61, RS62] an event that came to another node than the owner is handled by the owner, once, also if two nodes took it', async () => {
  const [engine, file] = [new MemoryEngine(), await resourcesFile()]
  const [a, b] = [await startNode(engine, 'a', file), await startNode(engine, 'b', file)]
  await a.workspaces.write(PLACE.workspace as never, {
    ...{ writer: { actor: 'p', source: 'agent' }, via: 'program' },
    run: (doc) => void doc.getMap('blocks').set('order', 'x'),
  })
  await expect.poll(() => b.node.ownerOf('shop')?.node).toBe('a')
  // The event overtakes the answer that tells whose it is.
  expect(await b.send('evt_1', 'ext-1')).toBe(202)
  await new Promise(setImmediate)
  expect(b.stateOf('evt_1')).toBe('received')
  a.inbox.learn(PLACE, 'ext-1')
  expect(await a.work()).toMatchObject({ block: 'order', name: 'main', externalId: 'ext-1' })
  await expect.poll(() => b.stateOf('evt_1')).toBe('handled')
  expect(await a.send('evt_1', 'ext-1')).toBe(202)
  await expect.poll(() => a.stateOf('evt_1')).toBe('handled')
  expect(await a.tasksOf('shop')).toEqual(['done'])
  // One that has learned nothing yet asks.
  const c = await startNode(engine, 'c', file)
  expect(await c.send('evt_2', 'ext-1')).toBe(202)
  await a.work()
  await expect.poll(() => c.stateOf('evt_2')).toBe('handled')
  expect(a.node.ownerOf('shop')?.node).toBe('a')
  // One of a workspace that is not there, and one whose id another event had.
  a.inbox.learn({ ...PLACE, workspace: 'none' }, 'ext-2')
  await c.send('evt_3', 'ext-2')
  await expect
    .poll(() => c.inbox.find('crm', 'evt_3'))
    .toMatchObject({ state: 'parked', why: expect.stringMatching(/no such workspace/) })
  a.inbox.learn({ ...PLACE, name: 'other' }, 'ext-3')
  await c.send('evt_1', 'ext-3')
  await expect
    .poll(() => c.inbox.find('crm', 'evt_1'))
    .toMatchObject({ state: 'parked', why: expect.stringMatching(/of the same id/) })
})

it('[RS64] a node that takes a workspace over learns the ids that it shows: the owner before may be gone with them', async () => {
  const [engine, file] = [new MemoryEngine(), await resourcesFile()]
  const [a, b] = [await startNode(engine, 'a', file), await startNode(engine, 'b', file)]
  await a.workspaces.write(PLACE.workspace as never, {
    ...{ writer: { actor: 'joinery', source: 'resources' }, via: 'program' },
    run: (doc) => {
      const statuses = createBlock(doc, 'order', { type: 'order' }).statuses(SYNC_MACHINE)
      const run = statuses.startRun('main', { actor: 'joinery', source: 'resources', runId: 'r1' })
      statuses.report('main', run, 'synced', { actor: 'joinery', source: 'resources', detail: { id: 'ext-1' } })
    },
  })
  await a.workspaces.release(PLACE.workspace as never)
  await expect.poll(() => b.node.ownerOf('shop')).toBeUndefined()
  expect(b.inbox.placeOf(MACHINE, 'ext-1')).toBeUndefined()
  await b.workspaces.position(PLACE.workspace as never)
  const { machine: _, ...place } = PLACE
  await expect.poll(() => b.inbox.placeOf(MACHINE, 'ext-1')).toEqual(place)
})
