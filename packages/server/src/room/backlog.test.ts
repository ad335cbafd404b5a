import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { GatedStore } from '../testing/gated-store.ts'
import type { RawClient } from '../testing/raw-client.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const BYTES_MAX = 8 * 1024
const EDITS = 64
const writer = { actor: 'engine', source: 'workflow_execution' }

/** A server whose storage makes nothing durable until `open` is called, and a client that types until it is held. */
async function flooded(limits: { heartbeatMs?: number } = {}) {
  const store = new GatedStore()
  fixture = await ServerFixture.start({ store, limits: { backlogBytesMax: BYTES_MAX, ...limits } })
  const [typist, watcher] = await Promise.all([
    fixture.client('w?joinery=1').synced(),
    fixture.client('w?joinery=1').synced(),
  ])
  const gate = Promise.withResolvers<void>()
  store.durableGate = gate.promise
  for (let edit = 0; edit < EDITS; edit++) {
    typist.text.insert(typist.text.length, 'x'.repeat(1024))
    // Each edit in a turn of its own: edits that come at once would be one record.
    await heard(watcher, typist)
    if (fixture.server.load().held > 0) break
  }
  return { store, typist, watcher, open: gate.resolve }
}

/** Resolves when the watcher has everything that the typist typed, or when the typist is held. */
async function heard(watcher: RawClient, typist: RawClient): Promise<void> {
  const { length } = typist.text
  await expect.poll(() => watcher.text.length === length || fixture.server.load().held > 0, { interval: 1 }).toBe(true)
}

describe('storage that is behind', () => {
  it('[S42] a connection that brings more is not read from, and everything arrives once storage has caught up', async () => {
    const { store, typist, watcher, open } = await flooded()
    expect(fixture.server.load()).toMatchObject({ held: 1 })
    const { backlogBytes } = fixture.server.load()
    expect(backlogBytes).toBeGreaterThan(BYTES_MAX)
    // The client has the answer to SyncStep1 and nothing after it.
    expect(typist.message('durable')?.frames ?? 0).toBeLessThanOrEqual(1)
    for (let edit = 0; edit < EDITS; edit++) typist.text.insert(0, 'y'.repeat(1024))
    // Once the kernel has the edits, another client makes round trips: if the server read the typist, the edits would
    // come too.
    await expect.poll(() => typist.ws.bufferedAmount, { interval: 1 }).toBe(0)
    for (let trip = 0; trip < 5; trip++) {
      await watcher.roundTrip()
    }
    expect(fixture.server.load().backlogBytes).toBe(backlogBytes)
    expect(watcher.text.toString()).not.toContain('y')

    store.durableGate = undefined
    open()
    await watcher.until(() => watcher.text.toString() === typist.text.toString())
    await typist.until(() => typist.message('durable')?.frames === typist.sentUpdates)
    expect(fixture.server.load()).toMatchObject({ held: 0, backlogBytes: 0 })
    expect(fixture.server.counters.holds).toBe(1)
    await fixture.close()
    const doc = new Y.Doc()
    for (const record of await store.records('w')) Y.applyUpdate(doc, record.update)
    expect(doc.getText('t').toString()).toBe(typist.text.toString())
  })

  it('[S42] a held connection is kept alive, and one that goes is forgotten', async () => {
    const { typist, watcher, open } = await flooded({ heartbeatMs: 20 })
    let pings = 0
    typist.ws.on('ping', () => pings++)
    await expect.poll(() => pings).toBeGreaterThan(4)
    expect(typist.closed).toBeUndefined()
    expect(watcher.closed).toBeUndefined()
    typist.ws.terminate()
    open()
    await expect.poll(() => fixture.server.load()).toMatchObject({ held: 0, backlogBytes: 0, connections: 1 })
  })

  it('[S42] a program is told too_slow before anything is done, and edits when storage has caught up', async () => {
    const { store, open } = await flooded()
    const edit = () =>
      fixture.server.workspaces.write(W, {
        writer,
        via: 'test',
        run: (doc) => doc.getText('t').insert(0, 'program '),
      })
    const before = fixture.server.counters.records
    await expect(edit()).rejects.toMatchObject({ code: 'too_slow' })
    expect(fixture.server.counters).toMatchObject({ records: before, rebuilds: 0 })
    store.durableGate = undefined
    open()
    await expect.poll(() => fixture.server.load().backlogBytes).toBe(0)
    await edit()
    expect(fixture.server.counters.records).toBe(before + 1)
  })
})
