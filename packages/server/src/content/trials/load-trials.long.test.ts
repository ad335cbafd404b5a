import { openMemoryStore } from '@joinery/log'
import { expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { offlineLists } from '../../testing/offline-lists.ts'
import { ServerFixture, W } from '../../testing/server-fixture.ts'

const AUTHOR = { actor: 'ada', source: 'user_action', connection: 'c', touched: [] }

/** A store with a workspace that a server without bounds has written. */
async function storeOf(updates: readonly Uint8Array[]) {
  const store = openMemoryStore()
  const log = await store.open(W)
  for (const update of updates) await log.append({ ...AUTHOR, update }).durable
  await log.close()
  return store
}
async function start(...options: Parameters<typeof ServerFixture.start>): Promise<ServerFixture> {
  const fixture = await ServerFixture.start(...options)
  onTestFinished(() => fixture.close())
  return fixture
}

it('[S245] a workspace that takes too long to load is not served, nobody else waits, and it is tried once', async () => {
  const fixture = await start({ store: await storeOf(offlineLists(8_000)), limits: { loadMsMax: 1_500 } })
  const ada = fixture.client('w?joinery=1')
  const stock = fixture.client('w')
  const bystander = await fixture.client('elsewhere?joinery=1').synced()
  for (let edit = 0; edit < 3; edit++) {
    bystander.text.insert(0, 'x')
    await bystander.until(() => bystander.message('durable')?.frames === bystander.sentUpdates)
  }
  // Others were served while the load was tried.
  expect([ada.closed, stock.closed, fixture.server.counters.loads]).toEqual([undefined, undefined, 1])
  await Promise.all([ada, stock].map((client) => client.until(() => client.closed !== undefined)))
  const told = { code: 4010, reason: expect.stringMatching(/^too_costly: .*1500 ms.*restore or repair it/) }
  expect([ada.closed, stock.closed]).toEqual([told, told])
  await expect(fixture.server.workspaces.read(W, () => undefined)).rejects.toMatchObject({ code: 'too_costly' })
  await expect(fixture.server.workspaces.past(W, { lsn: 2 })).rejects.toMatchObject({ code: 'too_costly' })
  expect(fixture.server.counters).toMatchObject({ loadTrials: 1, costlyLoads: 1 })
  expect([...fixture.server.costlyWorkspaces]).toEqual([['w', 'it takes more than 1500 ms']])
  expect(fixture.server.load()).toMatchObject({ quarantined: 0 })
})

it('[S245] a workspace that takes too much memory to load is not served, and the server goes on', async () => {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (let key = 0; key < 100_000; key++) doc.getMap('m').set(`${key}`, [key])
  })
  const store = await storeOf([Y.encodeStateAsUpdate(doc)])
  const fixture = await start({ store, limits: { trialHeapBytes: 16 * 1024 * 1024 } })
  const ada = fixture.client('w')
  await ada.until(() => ada.closed !== undefined)
  expect(ada.closed).toMatchObject({ code: 4010, reason: expect.stringMatching(/16 MiB .*trialHeapBytes/) })
  await fixture.client('elsewhere').synced()
  await fixture.close()
  // A server that allows more serves it, with nothing lost.
  const generous = await start({ store })
  expect((await generous.client('w').synced()).doc.getMap('m').size).toBe(100_000)
})

it('[S245, S246, S247] a large workspace is tried once, loads in turns, and never again once a room took a snapshot', async () => {
  const [list] = offlineLists(8_000) as [Uint8Array]
  const text = new Y.Doc()
  text.getText('t').insert(0, 'x'.repeat(200_000))
  const store = await storeOf([list, Y.encodeStateAsUpdate(text)])
  for (const trials of [1, 0]) {
    const fixture = await ServerFixture.start({ store })
    const ada = await fixture.client('w?joinery=1').synced()
    expect([ada.doc.getArray('list').length, ada.text.length]).toEqual([8_000, trials === 1 ? 200_000 : 200_020])
    // So many records are worth a snapshot when the room closes.
    for (let edit = 0; edit < 20; edit++) {
      ada.text.insert(0, 'y'.repeat(trials))
      await ada.until(() => ada.message('durable')?.frames === ada.sentUpdates)
    }
    expect(fixture.server.counters.loadTrials).toBe(trials)
    await fixture.server.workspaces.maintain(W, async () => undefined)
    await fixture.close()
    if (trials === 1) {
      const log = await store.open(W)
      await log.close()
    }
  }
})
