import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { LogError, openLevelStore } from '@joinery/log'
import { encodeUpdate } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { UNRULED } from '../content/document-rules.ts'
import type { Workspaces } from '../inside/workspaces.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'
import { Turns } from '../turns.ts'

let fixture: ServerFixture
afterEach(() => fixture?.close())

const writer = { actor: 'engine', source: 'workflow_execution' }
const append = (workspaces: Workspaces, text: string, workspace = W) =>
  workspaces.write(workspace, {
    writer,
    via: 'test',
    run: (doc) => {
      const t = doc.getText('t')
      t.insert(t.length, text)
    },
  })
const textOf = (workspaces: Workspaces) => workspaces.read(W, ({ doc }) => doc.getText('t').toString())
const NEVER = { records: 1e9, bytes: 1e12, ms: 1e12 }

async function withSnapshot(store: GatedStore): Promise<void> {
  const before = await ServerFixture.start({ store, snapshots: { records: 3 } })
  const { workspaces } = before.server
  for (const letter of 'abc') await append(workspaces, letter)
  await expect.poll(() => before.server.counters.snapshots).toBe(1)
  await append(workspaces, 'd')
  await before.close()
}

describe('taking', () => {
  it('[S32] a room takes a snapshot when the policy says so, and traffic goes on meanwhile', async () => {
    const store = new GatedStore()
    const storing = Promise.withResolvers<void>()
    store.snapshotGate = storing.promise
    fixture = await ServerFixture.start({ store, snapshots: { records: 3 } })
    const client = await fixture.client('w?joinery=1').synced()
    for (let n = 0; n < 10; n++) {
      client.text.insert(0, 'x')
      const frames = client.sentUpdates
      await client.until(() => client.message('durable')?.frames === frames)
    }
    expect(fixture.server.counters.snapshots).toBe(0)
    storing.resolve()
    await expect.poll(() => fixture.server.counters.snapshots).toBeGreaterThan(0)
  })

  it('[S32, S352] a snapshot that takes many turns has the edits that are made meanwhile', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, limits: { answerTurnMs: 0 }, snapshots: { records: 300 } })
    const { workspaces } = fixture.server
    // Letters before each other are structs of their own.
    const insert = () => workspaces.write(W, { writer, via: 'test', run: (doc) => doc.getText('t').insert(0, 'x') })
    let edits = 0
    for (; edits < 300 || fixture.server.counters.snapshots === 0; edits++) {
      await insert()
      await nextTurn()
    }
    await fixture.close()
    fixture = await ServerFixture.start({ store })
    expect(await textOf(fixture.server.workspaces)).toBe('x'.repeat(edits))
  })

  it('[S32] snapshots of many rooms are taken one at a time', async () => {
    const store = new GatedStore()
    let running = 0
    let most = 0
    store.aroundSnapshot = async (take) => {
      most = Math.max(most, ++running)
      await take()
      running--
    }
    fixture = await ServerFixture.start({ store, snapshots: { records: 1 } })
    const { workspaces, counters } = fixture.server
    await Promise.all(Array.from({ length: 30 }, (_, n) => append(workspaces, 'x', `w${n}` as typeof W)))
    await expect.poll(() => counters.snapshots).toBe(30)
    expect(most).toBe(1)
  })

  it('[S32] a room that closes takes a snapshot when there are enough records', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, snapshots: NEVER })
    const { workspaces, counters } = fixture.server
    for (let n = 0; n < 120; n++) await append(workspaces, 'x')
    await append(workspaces, 'x', 'small' as typeof W)
    await fixture.close()
    expect(counters.snapshots).toBe(1)
    expect((await store.inner.open('w')).snapshotLsn).toBe(120)
    expect((await store.inner.open('small')).snapshotLsn).toBe(0)
  })

  it('[S20, S32] the server closes without a snapshot that waits for storage', async () => {
    const store = new GatedStore()
    const storing = Promise.withResolvers<void>()
    store.snapshotGate = storing.promise
    fixture = await ServerFixture.start({ store, snapshots: { records: 1 } })
    await append(fixture.server.workspaces, 'a')
    const closed = fixture.server.close()
    store.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    await closed
    expect(store.openLogs).toBe(0)
    expect(fixture.server.counters.snapshots).toBe(0)
    storing.resolve()
  })

  it('[S32] a snapshot that fails costs nobody anything, and is taken later', async () => {
    const store = new GatedStore()
    store.snapshotError = new Error('no room for a snapshot')
    fixture = await ServerFixture.start({ store, snapshots: { records: 1 } })
    const { workspaces, counters } = fixture.server
    await append(workspaces, 'a')
    await append(workspaces, 'b')
    expect(counters.snapshots).toBe(0)
    store.snapshotError = undefined
    await append(workspaces, 'c')
    await expect.poll(() => counters.snapshots).toBeGreaterThan(0)
    expect(await textOf(workspaces)).toBe('abc')
  })

  it('[S32] a snapshot that goes on failing is tried again after a quarter more records, not at every edit', async () => {
    const store = new GatedStore()
    let tries = 0
    store.aroundSnapshot = async () => {
      tries++
      throw new Error('no room for a snapshot')
    }
    fixture = await ServerFixture.start({ store, snapshots: { records: 1 } })
    const { workspaces } = fixture.server
    for (let n = 1; n <= 40; n++) {
      await append(workspaces, 'x')
      await new Promise(setImmediate)
    }
    expect(tries).toBeGreaterThan(1)
    expect(tries).toBeLessThan(20)
  })
})

describe('loading', () => {
  it('[S32] a workspace is its newest snapshot and the records after it', async () => {
    const store = new GatedStore()
    await withSnapshot(store)
    fixture = await ServerFixture.start({ store })
    const read: number[] = []
    store.onRecord = (lsn) => read.push(lsn)
    expect(await textOf(fixture.server.workspaces)).toBe('abcd')
    expect(read).toEqual([4])
  })

  it('[S32] a snapshot that the rules can’t read any more is not used while all records are there', async () => {
    const store = new GatedStore()
    await withSnapshot(store)
    const rules = {
      open: (_doc: Y.Doc, authors?: Uint8Array) => {
        if (authors !== undefined) throw new Error('of a version yet to come')
        return { ...UNRULED, encodeAuthors: () => Uint8Array.of(1) }
      },
    }
    fixture = await ServerFixture.start({ store, rules, snapshots: { records: 1 } })
    await append(fixture.server.workspaces, 'e')
    await expect.poll(() => fixture.server.counters.snapshots).toBe(1)
    await fixture.close()
    fixture = await ServerFixture.start({ store, rules, snapshots: NEVER })
    expect(await textOf(fixture.server.workspaces)).toBe('abcde')
  })

  it('[S30] owners of client ids and stamps are known from the snapshot', async () => {
    const store = new GatedStore()
    const restored: Uint8Array[] = []
    const rules = {
      open: (_doc: Y.Doc, authors?: Uint8Array) => {
        if (authors !== undefined) restored.push(authors)
        return { ...UNRULED, touched: () => ['b1/content'], encodeAuthors: () => Uint8Array.of(7, 8) }
      },
    }
    fixture = await ServerFixture.start({ store, rules, snapshots: { records: 1 } })
    const { lsn } = await append(fixture.server.workspaces, 'a')
    await expect.poll(() => fixture.server.counters.snapshots).toBe(1)
    await fixture.close()
    fixture = await ServerFixture.start({ store, rules })
    const stamp = await fixture.server.workspaces.read(W, ({ stamps }) => stamps.of('b1'))
    expect([stamp, restored]).toMatchObject([{ lsn, actor: 'engine' }, [Uint8Array.of(7, 8)]])
  })

  it('[S7] an update that waits for another that never came is in the snapshot, too', async () => {
    const store = new GatedStore()
    const source = new Y.Doc()
    const updates: Uint8Array[] = []
    source.on('update', (update: Uint8Array) => updates.push(update))
    source.getText('t').insert(0, 'first')
    source.getText('t').insert(5, ' second')
    fixture = await ServerFixture.start({ store, snapshots: { records: 1 } })
    const client = await fixture.client('w').synced()
    client.send(encodeUpdate(updates[1] as Uint8Array))
    await expect.poll(() => fixture.server.counters.snapshots).toBe(1)
    await fixture.close()
    fixture = await ServerFixture.start({ store })
    const later = fixture.client('w')
    Y.applyUpdate(later.doc, updates[0] as Uint8Array)
    const reader = fixture.client('w')
    await reader.until(() => reader.text.toString() === 'first second')
  })

  it('[S38] no more than so many workspaces are read at once', async () => {
    const turns = new Turns(3)
    const gates = Array.from({ length: 10 }, () => Promise.withResolvers<void>())
    let running = 0
    const begun: number[] = []
    const done = gates.map((gate, index) =>
      turns.take(async () => {
        expect(++running).toBeLessThanOrEqual(3)
        begun.push(index)
        await gate.promise
        running--
        if (index === 4) throw new Error('this one fails')
      }),
    )
    for (const gate of gates) {
      gate.resolve()
      await Promise.resolve()
    }
    const outcomes = await Promise.allSettled(done)
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1)
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('[S38] a thousand workspaces load after a restart when a thousand clients reconnect at once', async () => {
    const store = new GatedStore()
    const before = await ServerFixture.start({ store })
    const names = Array.from({ length: 1_000 }, (_, n) => `w${n}` as typeof W)
    await Promise.all(names.map((name) => append(before.server.workspaces, name, name)))
    await before.close()
    fixture = await ServerFixture.start({ store })
    const clients = await Promise.all(names.map((name) => fixture.client(name).synced()))
    expect(clients.map((client) => client.text.toString())).toEqual(names)
    expect(fixture.server.load()).toMatchObject({ rooms: 1_000, cold: 1_000, live: 0 })
  })
})

describe('after a snapshot', () => {
  it('[S37] the records it covers are packed, and read as before', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'joinery-'))
    const store = await openLevelStore({ directory, durability: 'async' })
    try {
      fixture = await ServerFixture.start({ store, snapshots: { records: 200 } })
      const { workspaces, counters } = fixture.server
      for (let n = 0; n < 250; n++) await append(workspaces, `${n % 10}`)
      await expect.poll(() => counters.sealed).toBeGreaterThan(0)
      expect(await Array.fromAsync(workspaces.records(W), ({ lsn }) => lsn)).toEqual(
        Array.from({ length: 250 }, (_, index) => index + 1),
      )
      const { doc } = await workspaces.past(W, { lsn: 5 })
      expect(doc.getText('t').toString()).toBe('01234')
      doc.destroy()
    } finally {
      await fixture.close()
      await store.close()
      await rm(directory, { recursive: true })
    }
  })

  it('[S37] history that is not kept is dropped, and the state, its writers and the kept history stay', async () => {
    const rules = { open: () => ({ ...UNRULED, touched: () => ['b/content'] }) }
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store, rules, keepHistory: { events: 3 }, snapshots: { records: 5 } })
    const { workspaces, counters } = fixture.server
    const client = await fixture.client('w?joinery=1').synced()
    for (let n = 0; n < 5; n++) await append(workspaces, `${n}`)
    await expect.poll(() => counters.snapshots).toBe(1)
    for (let n = 5; n < 10; n++) await append(workspaces, `${n}`)
    await expect.poll(() => counters.dropped).toBeGreaterThan(0)
    expect(counters.snapshotsVerified).toBeGreaterThan(0)
    expect(counters.snapshotsUnusable).toBe(0)
    const { firstLsn } = await workspaces.position(W)
    expect(firstLsn).toBeGreaterThan(1)
    await fixture.close()
    fixture = await ServerFixture.start({ store, rules })
    const again = fixture.server.workspaces
    expect(await textOf(again)).toBe('0123456789')
    expect(await again.read(W, ({ stamps }) => stamps.of('b')?.lsn)).toBe(10)
    const { doc } = await again.past(W, { lsn: 10 })
    expect(doc.getText('t').toString()).toBe('0123456789')
    await expect(again.past(W, { lsn: 1 })).rejects.toMatchObject({ code: 'history_dropped' })
    expect(client.text.toString()).toBe('0123456789')
  })

  it('[S37] all history is kept unless somebody says otherwise', async () => {
    fixture = await ServerFixture.start({ snapshots: { records: 2 } })
    const { workspaces, counters } = fixture.server
    for (let taken = 1; taken <= 3; taken++) {
      for (let n = 0; n < 3; n++) await append(workspaces, `${n}`)
      await expect.poll(() => counters.snapshots).toBeGreaterThanOrEqual(taken)
    }
    expect(await workspaces.position(W)).toMatchObject({ firstLsn: 1 })
  })
})
