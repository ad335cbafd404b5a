import { LogError } from '@joinery/log'
import { encodeUpdate } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

/** One V1 update that inserts `text` into the root text `t`. */
function insertion(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

async function stored(store: GatedStore, workspace: string, text: string): Promise<void> {
  const log = await store.inner.open(workspace)
  await log.append({ update: insertion(text), actor: 'a', source: 'user_action', connection: 'c', touched: [] }).durable
  await log.close()
}

function gate(): { promise: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { promise, open: resolve }
}

describe('loading', () => {
  it('[S1] a room loads once and nobody is told synced before when 50 clients join meanwhile', async () => {
    const store = new GatedStore()
    await stored(store, 'w', 'stored')
    fixture = await ServerFixture.start({ store })
    const { opens } = store
    const loading = gate()
    store.openGate = loading.promise
    const clients = Array.from({ length: 50 }, () => fixture.client('w'))
    await Promise.all(clients.map((client) => new Promise((resolve) => client.ws.once('open', resolve))))
    expect(clients.every((client) => client.frames.length === 0)).toBe(true)
    loading.open()
    await Promise.all(clients.map((client) => client.synced()))
    expect(new Set(clients.map((client) => client.text.toString()))).toEqual(new Set(['stored']))
    expect(store.opens - opens).toBe(1)
  })

  it('[S3] a room writes nothing and says why when its workspace is damaged', async () => {
    const store = new GatedStore()
    await stored(store, 'w', 'stored')
    store.readError = new LogError('corrupted', 'workspace w: record 1 is damaged')
    fixture = await ServerFixture.start({ store })
    const client = fixture.client('w')
    const bystander = await fixture.client('other').synced()
    await client.until(() => client.closed !== undefined)
    expect(client.closed).toMatchObject({ code: 4410, reason: expect.stringContaining('record 1 is damaged') })
    expect(bystander.closed).toBeUndefined()
    store.readError = undefined
    const again = await fixture.client('w').synced()
    expect(again.text.toString()).toBe('stored')
    await again.close()
    await fixture.close()
    expect(await store.records('w')).toHaveLength(1)
  })

  it('[S3] a room tells clients to reconnect later when storage fails while it loads', async () => {
    const store = new GatedStore()
    store.openError = new LogError('storage_failed', 'read error')
    fixture = await ServerFixture.start({ store })
    const client = fixture.client('w')
    await client.until(() => client.closed !== undefined)
    expect(client.closed?.code).toBe(1013)
  })

  it('[S2] a room closes its log, and a join meanwhile waits, when nobody is there any more', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, limits: { roomIdleMs: 0, heartbeatMs: 5 } })
    for (let round = 0; round < 20; round++) {
      const client = await fixture.client('w').synced()
      client.text.insert(0, 'x')
      await client.close()
      if (round % 2 === 0) await expect.poll(() => store.openLogs).toBe(0)
    }
    const last = await fixture.client('w').synced()
    expect(last.text.toString()).toBe('x'.repeat(20))
    expect(store.openLogs).toBe(1)
  })
})

describe('closing', () => {
  it('[S20] a room that is still loading closes its log when the server closes', async () => {
    const store = new GatedStore()
    const loading = gate()
    store.openGate = loading.promise
    fixture = await ServerFixture.start({ store, limits: { drainMs: 50 } })
    const client = fixture.client('w')
    await new Promise((resolve) => client.ws.once('open', resolve))
    const closed = fixture.server.close()
    loading.open()
    await closed
    expect(store.openLogs).toBe(0)
  })
})

describe('writing', () => {
  it('[S4] a tick makes one record per connection, stamped with its writer, when it brings many updates', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const client = await fixture.client('w?joinery=1&actor=ann&source=polling_sync').synced()
    for (let i = 0; i < 100; i++) client.text.insert(0, 'x')
    await client.until(() => client.message('durable')?.frames === 101)
    await client.close()
    await fixture.close()
    const records = await store.records('w')
    expect(records.length).toBeLessThan(20)
    expect(records[0]).toMatchObject({ lsn: 1, actor: 'ann', source: 'polling_sync' })
    expect(new Set(records.map((record) => record.connection)).size).toBe(1)
    const doc = new Y.Doc()
    for (const record of records) Y.applyUpdate(doc, record.update)
    expect(doc.getText('t').toString()).toBe('x'.repeat(100))
  })

  it('[S5] everybody but the sole writer of a tick gets one frame when it brings many updates', async () => {
    fixture = await ServerFixture.start()
    const [writer, reader] = await Promise.all([fixture.client('w').synced(), fixture.client('w').synced()])
    for (let i = 0; i < 50; i++) writer.text.insert(i, 'y')
    await reader.until(() => reader.text.length === 50)
    expect(reader.frames.filter((frame) => frame.type === 'update').length).toBeLessThan(20)
    expect(writer.frames.filter((frame) => frame.type === 'update')).toHaveLength(0)
  })

  it('[S6] an update is acknowledged only when it is durable, no-ops too, and only to clients that asked', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const asked = await fixture.client('w?joinery=1').synced()
    const stock = await fixture.client('w').synced()
    await asked.until(() => asked.message('durable')?.frames === 1)
    const slow = gate()
    store.durableGate = slow.promise
    asked.text.insert(0, 'a')
    await stock.until(() => stock.text.length === 1)
    // A repeated update brings nothing new, yet it is no safer than the update that it repeats.
    asked.send(encodeUpdate(Y.encodeStateAsUpdate(asked.doc)))
    await asked.roundTrip()
    expect(asked.message('durable')?.frames).toBe(1)
    slow.open()
    await asked.until(() => asked.message('durable')?.frames === 3)
    expect(asked.message('durable')?.lsn).toBe(1)
    expect(stock.messages).toEqual([])
  })

  it('[S7] an update that builds on one not sent yet is in the log when the process dies before the other arrives', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const source = new Y.Doc()
    const updates: Uint8Array[] = []
    source.on('update', (update: Uint8Array) => updates.push(update))
    source.getText('t').insert(0, 'first')
    source.getText('t').insert(5, ' second')
    const client = await fixture.client('w?joinery=1').synced()
    client.send(encodeUpdate(updates[1] as Uint8Array))
    await client.close()
    await fixture.close()
    expect(await store.records('w')).toHaveLength(1)
    fixture = await ServerFixture.start({ store })
    const later = await fixture.client('w').synced()
    later.send(encodeUpdate(updates[0] as Uint8Array))
    const reader = fixture.client('w')
    await reader.until(() => reader.text.toString() === 'first second')
  })
})

describe('acknowledgement', () => {
  it('[S5, S7] an update that builds on one not sent yet, and those after it, are acknowledged when it shows; others do not wait', async () => {
    fixture = await ServerFixture.start()
    const source = new Y.Doc()
    const updates: Uint8Array[] = []
    source.on('update', (update: Uint8Array) => updates.push(update))
    for (const text of ['one', 'two', 'three']) source.getText('t').insert(0, text)
    const [first, second, third] = updates as [Uint8Array, Uint8Array, Uint8Array]
    const [client, other] = [await fixture.client('w?joinery=1').synced(), await fixture.client('w?joinery=1').synced()]
    await client.until(() => client.message('durable')?.frames === 1)
    client.send(encodeUpdate(third))
    // This update comes in a later tick than the waiting one.
    await client.roundTrip()
    client.doc.getMap('m').set('follows', true)
    await other.until(() => other.doc.getMap('m').has('follows'))
    other.send(encodeUpdate(first))
    await other.until(() => other.message('durable')?.frames === 2)
    expect(client.message('durable')?.frames).toBe(1)
    other.send(encodeUpdate(second))
    await client.until(() => client.message('durable')?.frames === 3)
    await other.until(() => other.message('durable')?.frames === 3)
    // `other` freed the third update. The room must send it to `other`, too: nobody else did.
    await other.until(() => other.doc.getText('t').toString() === source.getText('t').toString())
  })
})

describe('storage that fails', () => {
  it('[S15] updates are neither applied nor acknowledged, and asked for again, when storage fails and recovers', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const writer = await fixture.client('w?joinery=1').synced()
    const reader = await fixture.client('w').synced()
    await writer.until(() => writer.message('durable')?.frames === 1)
    store.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    await writer.until(() => writer.message('writable')?.isWritable === false)
    expect(writer.message('writable')).toMatchObject({ code: 'storage_full', reason: 'the test filled the disk' })
    writer.text.insert(0, 'kept ')
    await writer.roundTrip()
    const health = await fetch(`${fixture.server.url}/healthz`)
    expect([health.status, await health.json()]).toMatchObject([503, { storage: 'failed', code: 'storage_full' }])
    expect(reader.text.toString()).toBe('')
    expect(writer.message('durable')?.frames).toBe(1)
    store.state = { state: 'open' }
    writer.text.insert(5, 'on')
    await reader.until(() => reader.text.toString() === 'kept on')
    await writer.until(() => (writer.message('durable')?.frames ?? 0) >= 3)
    expect(writer.message('writable')?.isWritable).toBe(true)
    expect(writer.closed).toBeUndefined()
  })
})
