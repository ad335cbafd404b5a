import { LogError } from '@joinery/log'
import { encodeJoinery, type KeyedResult } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import type { Acquired } from '../leases/lease-book.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const author = { actor: 'ada', source: 'user_action' }
const lost = expect.objectContaining({ code: 'lease_lost' })

function acquire(name = 'index', ttlMs = 60_000): Promise<Acquired> {
  return fixture.server.workspaces.leases.acquire(W, { name, holder: 'job', author, ttlMs, waitMs: 0 })
}

async function tokenOf(asked: Promise<Acquired>): Promise<string> {
  const acquired = await asked
  if (acquired.outcome !== 'acquired') throw new Error('somebody else holds the lease')
  return acquired.token
}

const release = (token: string, name = 'index') => fixture.server.workspaces.leases.release(W, { name, token, author })

function updateOf(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('t').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}

function write(text: string, lease: string, idempotencyKey?: string) {
  return fixture.server.workspaces.write(W, {
    writer: author,
    via: 'http',
    lease,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    run: (doc: Y.Doc) => doc.getText('t').insert(0, text),
  } as Parameters<typeof fixture.server.workspaces.write<void>>[1])
}

const state = () =>
  fixture.server.workspaces.read(W, ({ doc, head }) => ({ text: doc.getText('t').toString(), head: Number(head) }))

describe('a write under a lease', () => {
  it('[S295] an edit and an update of a program are made while the lease stands, and then no more', async () => {
    fixture = await ServerFixture.start()
    const { workspaces } = fixture.server
    const token = await tokenOf(acquire())
    await write('edit', token)
    await workspaces.bring(W, { writer: author, via: 'http', update: updateOf('update '), lease: token } as never)
    const before = await state()
    expect(before.text.length).toBe('edit'.length + 'update '.length)
    await release(token)
    const next = await tokenOf(acquire())
    await expect(write('late', token, 'k')).rejects.toEqual(lost)
    const brought = workspaces.bring(W, {
      writer: author,
      via: 'http',
      update: updateOf('late'),
      lease: token,
    } as never)
    await expect(brought).rejects.toEqual(lost)
    await expect(workspaces.delete(W, { lease: token })).rejects.toEqual(lost)
    expect(await state()).toEqual(before)
    // The key of the refused edit is free.
    expect(await write('made ', next, 'k')).toMatchObject({ repeated: false })
  })

  it('[S295] it is refused in the turn in which it would be made, however long it waited for that turn', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const token = await tokenOf(acquire())
    await fixture.server.workspaces.leases.list(W)
    const opened = Promise.withResolvers<void>()
    await expect.poll(() => store.openLogs).toBe(2)
    // The write waits for its room, which another work keeps closed.
    const replaced = fixture.server.workspaces.replace('v' as never, () => opened.promise)
    const waiting = fixture.server.workspaces.write('v' as never, {
      writer: author,
      via: 'http',
      lease: token,
      run: (doc) => doc.getText('t').insert(0, 'late'),
    })
    opened.resolve()
    await replaced
    await expect(waiting).rejects.toEqual(lost)
    const text = await fixture.server.workspaces.read('v' as never, ({ doc }) => doc.getText('t').toString())
    expect(text).toBe('')
  })

  it('[S295] a keyed update of a client is made while the lease stands, and refused as a whole when it does not', async () => {
    fixture = await ServerFixture.start()
    const client = await fixture.client('w?joinery=1').synced()
    const resultsOf = (): KeyedResult[] => client.messages.filter((message) => message.type === 'keyedResult')
    const send = async (key: string, text: string, lease: string): Promise<KeyedResult | undefined> => {
      const nth = resultsOf().length
      client.send(encodeJoinery({ type: 'keyed', key, lease, update: updateOf(text) }))
      await client.until(() => resultsOf().length > nth)
      return resultsOf()[nth]
    }
    const token = await tokenOf(acquire())
    expect(await send('k1', 'one', token)).toMatchObject({ outcome: 'applied', lsn: 1 })
    await release(token)
    expect(await send('k2', 'late', token)).toMatchObject({ outcome: 'refused', code: 'lease_lost' })
    expect(await send('k1', 'one', token)).toMatchObject({ outcome: 'repeated', lsn: 1 })
    expect(await state()).toEqual({ text: 'one', head: 1 })
    expect(await send('k2', 'two', await tokenOf(acquire()))).toMatchObject({ outcome: 'applied', lsn: 2 })
  })
})

describe('what is told of leases', () => {
  it('[S291] nobody is told of a lease, of its end or of who has it before that is fsynced', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const { leases } = fixture.server.workspaces
    await acquire('warm')
    const told: string[] = []
    const note = (what: string, asked: Promise<unknown>) =>
      asked.then(
        () => told.push(what),
        () => told.push(what),
      )
    const slow = Promise.withResolvers<void>()
    store.durableGate = slow.promise
    const acquired = acquire()
    // The first record of the log begins this copy's part of it.
    await expect.poll(() => store.synced.length).toBe(3)
    expect(store.synced).toEqual([true, true, true])
    const all = [
      note('acquired', acquired),
      note('held', acquire()),
      note('list', leases.list(W)),
      note('find', leases.find(W, 'index')),
    ]
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual([])
    slow.resolve()
    await Promise.all(all)
    expect(told.sort()).toEqual(['acquired', 'find', 'held', 'list'])
    const token = await tokenOf(acquired)
    const slower = Promise.withResolvers<void>()
    store.durableGate = slower.promise
    const ended = [note('released', release(token)), note('lost', write('late', token))]
    await expect.poll(() => store.synced.length).toBe(4)
    expect(told).toHaveLength(4)
    slower.resolve()
    await Promise.all(ended)
    expect(told).toHaveLength(6)
    expect(store.synced.every((isSynced) => isSynced)).toBe(true)
  })

  it('[S291] while storage fails no lease is given, and one that stands is renewed', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const { leases } = fixture.server.workspaces
    const token = await tokenOf(acquire())
    store.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    const held = { name: 'index', token, author }
    expect(await leases.renew(W, held, undefined)).toMatchObject({ lease: { name: 'index' } })
    await expect(acquire('other')).rejects.toEqual(expect.objectContaining({ code: 'storage_full' }))
    await expect(leases.release(W, held)).rejects.toEqual(expect.objectContaining({ code: 'storage_full' }))
    await expect(leases.renew(W, held, 1_000)).rejects.toEqual(expect.objectContaining({ code: 'storage_full' }))
    store.state = { state: 'open' }
    expect((await leases.list(W)).map(({ lease }) => lease.ttlMs)).toEqual([60_000])
    await leases.release(W, held)
  })

  it('[S290] who only looks makes no log', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    expect(await fixture.server.workspaces.leases.list(W)).toEqual([])
    expect(await fixture.server.workspaces.leases.find(W, 'index')).toBeUndefined()
    await expect(fixture.server.workspaces.leases.assertStands(W, 'l1.x.y')).rejects.toEqual(lost)
    for await (const name of store.systemLogs()) expect(name).toBe('none')
    for await (const name of store.workspaces()) expect(name).toBe('none')
  })
})
