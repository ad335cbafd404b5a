import { type EventStore, LogError, openMemoryStore } from '@joinery/log'
import { afterEach, expect, it } from 'vitest'
import * as Y from 'yjs'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

async function fill(store: EventStore): Promise<void> {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'stored')
  const log = await store.open(W)
  const update = Y.encodeStateAsUpdate(doc)
  await log.append({ update, actor: 'ada', source: 'user_action', connection: 'c', touched: [] }).durable
  await log.close()
}

it('[S69] a workspace is read before the first connection, and closed again', async () => {
  const store = openMemoryStore()
  await fill(store)
  const opened: string[] = []
  const open = store.open.bind(store)
  store.open = (workspace) => {
    opened.push(workspace)
    return open(workspace)
  }
  fixture = await ServerFixture.start({ store })
  expect(opened).toEqual([W])
  expect(fixture.server.load()).toMatchObject({ rooms: 0 })
  expect(fixture.server.counters.loads).toBe(0)
  const client = await fixture.client('w').synced()
  expect(client.text.toString()).toBe('stored')
})

it('[S69] the server starts when a workspace can not be read', async () => {
  const store = new GatedStore()
  await fill(store)
  const open = store.open.bind(store)
  store.open = (workspace) => (workspace === W ? Promise.reject(new LogError('corrupted', 'no end')) : open(workspace))
  fixture = await ServerFixture.start({ store })
  await fixture.client('other').synced()
})
