import { openServedTasks } from '@joinery/api'
import { MemoryEngine, openClusterNode } from '@joinery/cluster'
import { type EventStore, openMemoryStore } from '@joinery/log'
import { HOOKS_LOG, Inbox, OUTBOX_ENTRY, OUTBOX_LOG, openOutboxJournal, Secrets, VectorStore } from '@joinery/resources'
import { ServerFixture } from '@joinery/server/testing'
import pino from 'pino'
import { expect, it } from 'vitest'
import { readLists } from '../machines-file.mts'
import { openServedOutbox } from '../resources/serve-outbox.mts'
import { temporaryDirectory } from '../testing/temporary-directory.mts'
import { followFates } from './follow-fates.mts'

const W = 'shop'
const SECRET = 'a-word-that-must-be-gone'
const BY = { actor: 'ada', source: 'user_action' }
const LOGS = ['!work', HOOKS_LOG, OUTBOX_LOG] as const
const logger = pino({ level: 'silent' })
const nothingIsSent = {
  check: (text: string) => new URL(text),
  request: () => Promise.reject(new Error('nothing is sent')),
}

/** Has the outbox of a node find that a workspace of another owner has something to tell, as after a takeover. */
async function notePending(store: EventStore): Promise<void> {
  const log = await store.open(OUTBOX_LOG)
  const journal = await openOutboxJournal(
    log,
    (work) => store.atomically(work),
    (error) => expect.fail(String(error)),
  )
  await journal.append([{ event: { type: 'pending', workspace: W, from: 1 }, ...OUTBOX_ENTRY }]).durable
  await journal.close()
  await log.close()
}

/** The bytes of each of a node's own journals. */
async function journalsOf(store: EventStore): Promise<string[]> {
  return await Promise.all(
    LOGS.map(async (name) => {
      const log = await store.open(name)
      const [records, snapshot] = [await Array.fromAsync(log.read()), await log.latestSnapshot()]
      await log.close()
      return Buffer.concat([...records.map(({ update }) => update), snapshot?.state ?? Buffer.alloc(0)]).toString(
        'latin1',
      )
    }),
  )
}

it('[A210] a node forgets the requests for tasks, the events, the messages and the vectors that it alone keeps of a workspace which another node purges', async () => {
  const engine = new MemoryEngine()
  const open = (name: string) =>
    openClusterNode({ engine: engine.connect(name), store: openMemoryStore(), node: name, advertise: `${name}:1` })
  const [owner, node] = [await open('owner'), await open('other')]
  const log = await owner.store.open(W)
  const record = { ...BY, connection: 'c', touched: [], update: Buffer.from('x') }
  await log.append(record).durable
  await expect.poll(() => node.store.local.generationOf(W)).toBe(log.generation)

  const { store } = node
  await notePending(store)
  const { server, ...served } = await serve(store, node.ownership)
  const { workspaces } = server
  const lists = await readLists(undefined)
  const ofTasks = await openServedTasks({ server, store, lists, limits: {}, logger })
  const inbox = await Inbox.open({
    ...{ endpoints: {}, adapters: new Map(), secrets: new Secrets({}), tasks: ofTasks.tasks, logger },
    hasWorkspace: async () => true,
    openLog: (name, release) => workspaces.openSystemLog(name, release),
    atomically: (work) => store.atomically(work),
  })
  const settings = { subscriptions: {}, secrets: new Secrets({}), egress: nothingIsSent }
  const outbox = await openServedOutbox(settings, { workspaces, store, lists, isShared: true, logger })
  const vectors = new VectorStore(await temporaryDirectory())
  followFates(store, { tasks: ofTasks.tasks, inbox, outbox, search: vectors })

  ofTasks.tasks.ask(W, undefined as never, { saga: 'none', input: SECRET, key: 'k', by: BY })
  inbox.learn({ workspace: W, block: 'order', machine: 'sync@1', name: 'main' }, SECRET)
  await vectors.add(W, 'model', new Map([['hash', new Float32Array([1])]]))
  expect(outbox.fold.pending.has(W)).toBe(true)
  expect(inbox.placeOf('sync@1', SECRET)).toBeDefined()

  await log.close()
  await owner.store.tombstone(W)
  await owner.store.purge(W)
  await expect.poll(() => node.store.local.generationOf(W)).toBeUndefined()
  expect(inbox.placeOf('sync@1', SECRET)).toBeUndefined()
  expect((await vectors.read(W, 'model')).size).toBe(0)
  await ofTasks.close()
  await served.close()
  const [work, hooks, outgoing] = await journalsOf(store)
  expect([work?.includes(SECRET), hooks?.includes(SECRET), outgoing?.includes(W)]).toEqual([false, false, false])
  await Promise.all([owner.close(), node.close()])
})

it('[A132] tasks of a workspace that was deleted when a node started go on there once another node has taken the deletion back', async () => {
  const engine = new MemoryEngine()
  const open = (name: string, store = openMemoryStore()) =>
    openClusterNode({ engine: engine.connect(name), store, node: name, advertise: `${name}:1`, copy: 'cluster' })
  const owner = await open('owner')
  const serveTasks = async (node: Awaited<ReturnType<typeof open>>) => {
    const { server, ...served } = await serve(node.store, node.ownership)
    const lists = await readLists(undefined)
    const ofTasks = await openServedTasks({ server, store: node.store, lists, limits: {}, logger })
    followFates(node.store, {
      tasks: ofTasks.tasks,
      inbox: undefined,
      outbox: undefined,
      search: { forget: async () => {} },
    })
    return { tasks: ofTasks.tasks, close: () => ofTasks.close().then(() => served.close()) }
  }
  const first = await serveTasks(owner)
  const log = await owner.store.open(W)
  await log.append({ ...BY, connection: 'c', touched: [], update: Buffer.from('x') }).durable
  await log.close()
  const serves = [{ name: 'saga', version: 1, digest: 'd', steps: [{ name: 'one', kind: 'step' as const }] }]
  const stop = new AbortController()
  await first.tasks.lease({ worker: 'w', serves, max: 1, waitMs: 0 }, () => false, stop.signal)
  await first.tasks.start(W, { saga: 'saga', input: {}, by: BY })
  await first.close()
  await owner.store.tombstone(W)

  const other = await open('other')
  await expect.poll(() => Array.fromAsync(other.store.tombstones())).toEqual([W])
  const second = await serveTasks(other)
  await owner.store.undelete(W)
  await owner.close()
  const given = async () => {
    // Its journal is opened once somebody asks for it.
    await second.tasks.list(W, { limit: 1 }).catch(() => undefined)
    return await second.tasks.lease({ worker: 'w', serves, max: 1, waitMs: 0 }, () => true, stop.signal)
  }
  await expect.poll(given).toMatchObject([{ saga: 'saga', step: 'one' }])
  await second.close()
  await other.close()
})

async function serve(store: EventStore, ownership: Awaited<ReturnType<typeof openClusterNode>>['ownership']) {
  const fixture = await ServerFixture.start({ store, ownership })
  return { server: fixture.server, close: () => fixture.close() }
}
