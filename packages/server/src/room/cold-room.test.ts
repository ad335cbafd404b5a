import { LogError, type LogRecord } from '@joinery/log'
import { encodeAwareness, encodeAwarenessStates, encodeJoinery, encodeSyncStep2, encodeUpdate } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { ClientIdMemory } from '../content/client-id-memory.ts'
import { ColdCache } from '../content/cold-cache.ts'
import { ColdDocument } from '../content/cold-document.ts'
import { UNRULED } from '../content/document-rules.ts'
import { LoadTurns } from '../content/load-turns.ts'
import { AT_ONCE, doAll } from '../content/steps.ts'
import { StoredState } from '../content/stored-state.ts'
import { SERVER_LIMITS } from '../limits.ts'
import { GatedStore } from '../testing/gated-store.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

const storedOf = (tail: readonly LogRecord[]) => doAll(StoredState.making(undefined, tail, AT_ONCE))

let fixture: ServerFixture
afterEach(() => fixture?.close())

/** A store whose workspace `w` has the text `abc`: `ab` in a snapshot, `c` after it. Deletions are in both. */
async function storedAbc(): Promise<GatedStore> {
  const store = new GatedStore()
  const before = await ServerFixture.start({ store, snapshots: { records: 2 } })
  const writer = await before.client('w?joinery=1&actor=ada').synced()
  const write = async (edit: (text: Y.Text) => void): Promise<void> => {
    edit(writer.text)
    const frames = writer.sentUpdates
    await writer.until(() => writer.message('durable')?.frames === frames)
  }
  await write((text) => text.insert(0, 'ab-'))
  await write((text) => text.delete(2, 1))
  await expect.poll(() => before.server.counters.snapshots).toBe(1)
  await write((text) => text.insert(2, 'c'))
  await before.close()
  store.reads = 0
  store.opens = 0
  return store
}

const updatesOf = (client: RawClient): string[] =>
  client.frames.map(({ type }) => type).filter((type) => type === 'update' || type === 'syncStep2')

function gate(): { promise: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, open: resolve }
}

describe('joining', () => {
  it('[S27] a new client gets the snapshot and then, as SyncStep2, the records after it, and no document is made', async () => {
    fixture = await ServerFixture.start({ store: await storedAbc() })
    const client = await fixture.client('w').synced()
    expect(client.text.toString()).toBe('abc')
    expect(updatesOf(client)).toEqual(['update', 'syncStep2'])
    expect(fixture.server.load()).toMatchObject({ cold: 1, live: 0 })
    expect(fixture.server.counters.warmings).toBe(0)
  })

  it('[S27] a client with a copy gets what it lacks, made from the bytes', async () => {
    fixture = await ServerFixture.start({ store: await storedAbc() })
    const first = await fixture.client('w').synced()
    const again = fixture.client('w')
    Y.applyUpdate(again.doc, Y.encodeStateAsUpdate(first.doc))
    await again.synced()
    const sent = again.frames.flatMap((frame) =>
      frame.type === 'syncStep2' ? Y.decodeUpdate(frame.update).structs : [],
    )
    expect(sent).toEqual([])
    expect(again.text.toString()).toBe('abc')
    expect(fixture.server.load()).toMatchObject({ cold: 1, live: 0 })
  })

  it('[S28] twenty who join at once cost one read of the log', async () => {
    const store = await storedAbc()
    fixture = await ServerFixture.start({ store })
    const [reads, opens] = [store.reads, store.opens]
    const reading = gate()
    store.readGate = reading.promise
    const clients = Array.from({ length: 20 }, () => fixture.client('w'))
    await Promise.all(clients.map((client) => new Promise((resolve) => client.ws.once('open', resolve))))
    reading.open()
    await Promise.all(clients.map((client) => client.synced()))
    expect(new Set(clients.map((client) => client.text.toString()))).toEqual(new Set(['abc']))
    expect([store.reads - reads, store.opens - opens]).toEqual([1, 1])
  })

  it('[S28] a stored state is discarded between two sweeps in which nobody asked, and at once when there is too much', async () => {
    const cache = new ColdCache(1_000, new LoadTurns(SERVER_LIMITS))
    const log = await new GatedStore().open('w')
    const [a, b] = [new ColdDocument(log, cache, Uint8Array.of(0)), new ColdDocument(log, cache, Uint8Array.of(0))]
    const state = (bytes: number) =>
      storedOf([
        { lsn: 1 as never, at: 1, actor: 'a', source: 's', connection: 'c', touched: [], update: largeUpdate(bytes) },
      ])
    cache.put(a, state(200))
    expect(a.atHand).toBeDefined()
    cache.sweep()
    expect(a.atHand).toBeDefined()
    cache.sweep()
    cache.sweep()
    expect([a.atHand, cache.bytes]).toEqual([undefined, 0])
    cache.put(a, state(200))
    cache.put(b, state(350))
    expect([a.atHand, b.atHand !== undefined]).toEqual([undefined, true])
    cache.put(a, state(600))
    expect([a.atHand, b.atHand, cache.bytes]).toEqual([undefined, undefined, 0])
  })

  it('[S30] a client that asks gets all stamps from a cold room, and later those of a new writer', async () => {
    const rules = { open: () => ({ ...UNRULED, touched: () => ['b1/content'] }) }
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, rules, snapshots: { records: 1 } })
    const ada = await fixture.client('w?joinery=1&actor=ada').synced()
    ada.text.insert(0, 'x')
    await expect.poll(() => fixture.server.counters.snapshots).toBe(1)
    await fixture.close()
    fixture = await ServerFixture.start({ store, rules })
    const ben = await fixture.client('w?joinery=1&actor=ben').synced()
    ben.send(encodeJoinery({ type: 'watch' }))
    await ben.until(() => ben.message('provenance') !== undefined)
    expect(ben.message('provenance')?.stamps).toMatchObject([
      { path: 'b1/content', lsn: 1, actor: 'ada' },
      { path: 'b1', lsn: 1, actor: 'ada' },
    ])
    expect(fixture.server.load().cold).toBe(1)
    ben.text.insert(0, 'y')
    await ben.until(() => ben.message('provenance')?.stamps[0]?.actor === 'ben')
  })
})

function largeUpdate(bytes: number): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'x'.repeat(bytes))
  return Y.encodeStateAsUpdate(doc)
}

describe('the first write', () => {
  it('[S29] nothing is lost or out of order, and each is acknowledged, when many write while the room is still cold', async () => {
    const store = await storedAbc()
    fixture = await ServerFixture.start({ store, limits: { coldBytesMax: 0 } })
    const clients = await Promise.all(
      Array.from({ length: 10 }, (_, index) => fixture.client(`w?joinery=1&actor=a${index}`).synced()),
    )
    const reading = gate()
    store.readGate = reading.promise
    for (const [index, client] of clients.entries()) {
      for (let edit = 0; edit < 5; edit++) client.doc.getArray(`list ${index}`).push([edit])
    }
    const last = await fixture.client('other').synced()
    expect(last.closed).toBeUndefined()
    expect(fixture.server.load().live).toBe(0)
    reading.open()
    await Promise.all(
      clients.map((client) => client.until(() => client.message('durable')?.frames === client.sentUpdates)),
    )
    const reader = await fixture.client('w').synced()
    for (let index = 0; index < clients.length; index++) {
      expect(reader.doc.getArray(`list ${index}`).toArray()).toEqual([0, 1, 2, 3, 4])
    }
    expect(reader.text.toString()).toBe('abc')
    expect(fixture.server.counters.warmings).toBe(1)
  })

  it('[S29] clients that reconnect with what the room has are acknowledged and make no document', async () => {
    const store = await storedAbc()
    fixture = await ServerFixture.start({ store })
    const first = await fixture.client('w').synced()
    const again = fixture.client('w?joinery=1')
    Y.applyUpdate(again.doc, Y.encodeStateAsUpdate(first.doc))
    await again.synced()
    again.send(encodeSyncStep2(Y.encodeStateAsUpdate(first.doc)))
    again.send(encodeUpdate(Y.encodeStateAsUpdate(first.doc)))
    await again.until(() => again.message('durable')?.frames === 3)
    expect(fixture.server.load()).toMatchObject({ cold: 1, live: 0 })
    again.text.delete(0, 1)
    await first.until(() => first.text.toString() === 'bc')
    expect(fixture.server.load()).toMatchObject({ cold: 0, live: 1 })
  })

  it('[S29] a read that fails closes the waiting members to reconnect later, and loses nothing', async () => {
    const store = await storedAbc()
    fixture = await ServerFixture.start({ store, limits: { coldBytesMax: 0 } })
    const writer = await fixture.client('w?joinery=1').synced()
    store.readError = new Error('the disk is slow to answer')
    writer.text.insert(3, 'd')
    await writer.until(() => writer.closed !== undefined)
    expect(writer.closed?.code).toBe(1013)
    store.readError = undefined
    const again = fixture.client('w?joinery=1')
    Y.applyUpdate(again.doc, Y.encodeStateAsUpdate(writer.doc))
    await again.until(() => again.message('durable')?.frames === 1)
    const reader = await fixture.client('w').synced()
    expect(reader.text.toString()).toBe('abcd')
  })
})

it('[S31] client ids are remembered by generation, for one document at a time, and only so many', () => {
  const memory = new ClientIdMemory(2)
  memory.keep(undefined, new Map([['ada', 1]]))
  memory.keep('g0', new Map())
  for (const [index, generation] of ['g1', 'g2', 'g3'].entries()) memory.keep(generation, new Map([['ada', index]]))
  expect(['g0', 'g1', 'g2', 'g3', 'g3'].map((generation) => memory.take(generation)?.get('ada'))).toEqual([
    undefined,
    undefined,
    1,
    2,
    undefined,
  ])
})

describe('storage that fails', () => {
  it('[S15, S31] no room or connection ends for it, but a client that needs a read is closed to reconnect later', async () => {
    const store = await storedAbc()
    fixture = await ServerFixture.start({
      store,
      limits: { coolAfterMs: 0, roomIdleMs: 0, heartbeatMs: 5, coldBytesMax: 0 },
    })
    const { workspaces } = fixture.server
    const here = await fixture.client('w?joinery=1').synced()
    const live = await fixture.client('live?joinery=1').synced()
    live.text.insert(0, 'x')
    await live.until(() => live.message('durable')?.frames === 2)
    store.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    await here.until(() => here.message('writable')?.isWritable === false)
    here.text.insert(3, 'd')
    const comes = fixture.client('w')
    await comes.until(() => comes.closed !== undefined)
    expect(comes.closed?.code).toBe(1013)
    await expect(workspaces.read(W, () => 0)).rejects.toMatchObject({ code: 'storage_full' })
    expect([here.closed, here.message('durable')]).toEqual([undefined, expect.objectContaining({ frames: 1 })])
    store.state = { state: 'open' }
    await here.until(() => here.message('durable')?.frames === here.sentUpdates)
    const reader = await fixture.client('w').synced()
    await reader.until(() => reader.text.toString() === 'abcd')
  })
})

describe('cooling down', () => {
  it('[S31] a document that nobody writes to is dropped while people stay, and built again at the next write', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, limits: { coolAfterMs: 0, heartbeatMs: 5 } })
    const [ada, ben] = await Promise.all([
      fixture.client('w?joinery=1&actor=ada').synced(),
      fixture.client('w?joinery=1&actor=ben').synced(),
    ])
    for (let round = 1; round <= 5; round++) {
      ada.text.insert(0, `${round}`)
      await ben.until(() => ben.text.toString().startsWith(`${round}`))
      await expect.poll(() => fixture.server.load()).toMatchObject({ cold: 1, live: 0, connections: 2 })
      const state = { clientId: ada.doc.clientID, clock: round, json: `{"round":${round}}` }
      ada.send(encodeAwareness(encodeAwarenessStates([state])))
      await ben.until(() => ben.frames.filter(({ type }) => type === 'awareness').length >= round)
    }
    const late = await fixture.client('w').synced()
    expect(late.text.toString()).toBe('54321')
    expect([ada.closed, ben.closed]).toEqual([undefined, undefined])
    expect(fixture.server.counters).toMatchObject({ coolings: 5, warmings: 5 })
  })

  it('[S31] a room takes a snapshot before it drops its document when there are enough records', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({
      store,
      limits: { coolAfterMs: 0, heartbeatMs: 5 },
      snapshots: { records: 1e6, ms: 1e9 },
    })
    const { workspaces } = fixture.server
    const writer = { actor: 'engine', source: 'workflow_execution' }
    for (let edit = 0; edit < 120; edit++) {
      await workspaces.write(W, { writer, via: 'test', run: (doc) => doc.getText('t').insert(0, 'x') })
    }
    await fixture.client('w').synced()
    await expect.poll(() => fixture.server.load().cold).toBe(1)
    expect(fixture.server.counters.snapshots).toBeGreaterThan(0)
  })

  it('[S31] edits of one actor stay under one client id while the document and the room come and go', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, limits: { coolAfterMs: 0, roomIdleMs: 0, heartbeatMs: 5 } })
    const { workspaces } = fixture.server
    const client = await fixture.client('w').synced()
    const writer = { actor: 'engine', source: 'workflow_execution' }
    for (let round = 0; round < 3; round++) {
      await workspaces.write(W, { writer, via: 'test', run: (doc) => doc.getText('t').insert(0, 'x') })
      await expect.poll(() => fixture.server.load().cold).toBe(1)
    }
    await client.close()
    for (let round = 0; round < 3; round++) {
      await workspaces.write(W, { writer, via: 'test', run: (doc) => doc.getText('t').insert(0, 'x') })
      await expect.poll(() => store.openLogs).toBe(0)
    }
    expect(await workspaces.read(W, ({ doc }) => doc.store.clients.size)).toBe(1)
  })
})

describe('a large stored state', () => {
  it('[S162, S29] is read and sent in turns; repeated deletions build no document, and repeated structs build one', async () => {
    fixture = await ServerFixture.start({ limits: { coolAfterMs: 0, answerTurnMs: 0 } })
    const writer = { actor: 'engine', source: 'workflow_execution' }
    const { workspaces } = fixture.server
    const paragraph = 'Measure twice. '.repeat(6_000)
    for (let n = 0; n < 20; n++) {
      const run = (doc: Y.Doc) => {
        doc.getText('t').insert(n, paragraph)
        doc.getText('t').delete(n + 1, 1)
      }
      await workspaces.write(W, { writer, via: 'test', run })
    }
    const isCold = () => fixture.server.load().cold
    await expect.poll(isCold).toBe(1)
    const { counters } = fixture.server
    const { warmings } = counters
    const client = await fixture.client('w?joinery=1').synced()
    client.send(encodeUpdate(Y.encodeStateAsUpdate(client.doc, Y.encodeStateVector(client.doc))))
    await client.until(() => client.message('durable')?.frames === 2)
    expect(counters.warmings).toBe(warmings)
    client.send(encodeUpdate(Y.encodeStateAsUpdate(client.doc)))
    await client.until(() => client.message('durable')?.frames === 3)
    expect(counters.warmings).toBe(warmings + 1)
    expect(await workspaces.read(W, ({ doc }) => doc.getText('t').length)).toBe(client.text.length)
  })
})
