import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventStore, LogError, openLevelStore, openMemoryStore, type WorkspaceLog } from '@joinery/log'
import { FencingStore } from '@joinery/log/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'
import type { WorkspaceEdit } from './workspaces.ts'

const writer = { actor: 'engine', source: 'workflow_execution' }
const event = (text: string, idempotencyKey?: string) => ({
  ...{ update: Buffer.from(text), actor: 'joinery', source: 'server', connection: 'test', touched: [] },
  ...(idempotencyKey !== undefined && { idempotencyKey }),
})
const insert = (text: string) => (doc: Y.Doc) => doc.getText('t').insert(0, text)

let directory: string
let store: EventStore
let fixture: ServerFixture
let journal: WorkspaceLog

async function start(opened: EventStore): Promise<void> {
  store = opened
  fixture = await ServerFixture.start({ store })
  journal = await fixture.server.workspaces.openSystemLog('!work/w', () => undefined)
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'joinery-beside-'))
})
afterEach(async () => {
  await fixture.close()
  await store.close()
  await rm(directory, { recursive: true, force: true })
})

const open = () => openLevelStore({ directory, durability: 'async' })
const write = <T>(edit: Partial<WorkspaceEdit<T>> & Pick<WorkspaceEdit<T>, 'run'>) =>
  fixture.server.workspaces.write(W, { writer, via: 'test', ...edit })
const textOf = () => fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString())
const updatesOf = async (log: WorkspaceLog) =>
  (await Array.fromAsync(log.read())).map(({ update }) => Buffer.from(update).toString())
/** The text once the room has made its document anew. */
const rebuilt = () => expect.poll(() => textOf().catch(() => undefined))

describe('a record beside an edit', () => {
  it('[S200] is given the edit’s record in the same turn, and both are there when the write resolves', async () => {
    await start(await open())
    const seen: unknown[] = []
    const written = await write({
      run: insert('a'),
      beside: (record) => {
        seen.push(record)
        return journal.append(event(`after ${record?.lsn}`))
      },
    })
    expect(seen).toEqual([written.repeated ? undefined : written.record])
    expect(written).toMatchObject({ lsn: 1, record: { lsn: 1, actor: 'engine' } })
    await fixture.close()
    await store.close()
    store = await open()
    expect(await updatesOf(await store.open('!work/w'))).toEqual(['after 1'])
    expect((await store.open('w')).head).toBe(1)
  })

  it('[S200] has no edit’s record when nothing changed, and the write resolves when it is durable', async () => {
    const gated = new GatedStore()
    await start(gated)
    await write({ run: insert('a') })
    const gate = Promise.withResolvers<void>()
    gated.durableGate = gate.promise
    let isDone = false
    const written = write({ run: () => 7, beside: (record) => journal.append(event(`lsn ${record?.lsn}`)) })
    void written.then(() => {
      isDone = true
    })
    await expect.poll(() => journal.head).toBe(1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(isDone).toBe(false)
    gate.resolve()
    expect(await written).toMatchObject({ value: 7, record: undefined, lsn: 1 })
    expect(await updatesOf(journal)).toEqual(['lsn undefined'])
  })

  it('[S200] is not asked for when the check or the edit itself throws', async () => {
    await start(await open())
    await write({ run: insert('kept') })
    const beside = () => expect.fail('nothing was written')
    const check = () => {
      throw new Error('fenced off')
    }
    await expect(write({ check, run: insert('a'), beside })).rejects.toThrow('fenced off')
    const run = (doc: Y.Doc) => {
      insert('half ')(doc)
      throw new Error('spoilt')
    }
    await expect(write({ run, beside })).rejects.toThrow('spoilt')
    await rebuilt().toBe('kept')
    expect(journal.head).toBe(0)
  })

  const failures: [why: string, beside: WorkspaceEdit<void>['beside'], error: object][] = [
    [
      'throws at once',
      () => {
        throw new Error('no')
      },
      { message: 'no' },
    ],
    [
      'throws after it has appended',
      () => {
        journal.append(event('lost'))
        throw new Error('late')
      },
      { message: 'late' },
    ],
    [
      'meets a key that is taken',
      () => {
        journal.append(event('lost'))
        return journal.append(event('x', 'once'))
      },
      { code: 'duplicate_key' },
    ],
    ['appends what is invalid', () => journal.append(event('x', '\ud800')), { code: 'invalid' }],
    ['awaits something', (async () => journal.append(event('lost'))) as never, { code: 'invalid' }],
  ]
  for (const [why, beside, error] of failures) {
    for (const idempotencyKey of [undefined, 'key']) {
      it(`[S200] takes the edit with it when it ${why}${idempotencyKey === undefined ? '' : ', under a key'}`, async () => {
        await start(await open())
        await journal.append(event('first', 'once')).durable
        await write({ run: insert('kept') })
        const client = await fixture.client('w').synced()
        const others: number[] = []
        const unlisten = fixture.server.workspaces.listen((_, { lsn }) => others.push(lsn))
        const key = idempotencyKey === undefined ? {} : { idempotencyKey }
        await expect(write({ run: insert('never '), beside, ...key })).rejects.toMatchObject(error)
        expect([journal.head, await updatesOf(journal), others]).toEqual([1, ['first'], []])
        await rebuilt().toBe('kept')
        // The next edit has the LSN and the key that were taken back.
        const next = await write({ run: insert('so '), beside: () => journal.append(event('second')), ...key })
        expect(next).toMatchObject({ lsn: 2, repeated: false })
        unlisten()
        const late = fixture.client('w')
        await late.until(() => late.text.toString() === 'so kept')
        expect(client.frames.filter(({ type }) => type === 'update').length).toBeLessThanOrEqual(1)
        await fixture.close()
        await store.close()
        store = await open()
        expect(await updatesOf(await store.open('!work/w'))).toEqual(['first', 'second'])
        expect((await store.open('w')).head).toBe(2)
      })
    }
  }

  it('[S200] is made once for a key, however often the edit is asked for', async () => {
    await start(await open())
    const edit = () =>
      write({
        run: insert('a'),
        idempotencyKey: 'k',
        beside: (record) => journal.append(event(`after ${record?.lsn}`)),
      })
    const both = await Promise.all([edit(), edit(), edit()])
    expect(both.map(({ repeated, lsn }) => [repeated, lsn])).toEqual([
      [false, 1],
      [true, 1],
      [true, 1],
    ])
    expect(await updatesOf(journal)).toEqual(['after 1'])
    // A keyed edit that changes nothing has a record all the same.
    const empty = await write({
      run: () => undefined,
      idempotencyKey: 'e',
      beside: (record) => journal.append(event(`after ${record?.lsn}`)),
    })
    expect(empty.lsn).toBe(2)
    expect(await updatesOf(journal)).toEqual(['after 1', 'after 2'])
  })

  it('[S200] nothing is made in a room that is fenced, or beside a log that is', async () => {
    const fencing = new FencingStore(openMemoryStore())
    await start(fencing)
    await write({ run: insert('kept') })
    fencing.fence('!work/w')
    const beside = () => journal.append(event('never'))
    await expect(write({ run: insert('a'), beside })).rejects.toMatchObject({ code: 'fenced' })
    await rebuilt().toBe('kept')
    expect((await fixture.server.workspaces.position(W)).head).toBe(1)
    fencing.fence('w')
    const other = await store.open('!other')
    const besideOther = () => other.append(event('never'))
    await expect(write({ run: insert('a'), beside: besideOther })).rejects.toMatchObject({ code: 'moved' })
    expect(other.head).toBe(0)
  })

  it('[S200] nothing is made while storage fails, in a damaged workspace, or in a deleted one', async () => {
    const gated = new GatedStore()
    await start(gated)
    await write({ run: insert('kept') })
    const beside = () => expect.fail('nothing was written')
    const refused = (code: string) => expect(write({ run: insert('a'), beside })).rejects.toMatchObject({ code })
    gated.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    await refused('storage_full')
    gated.state = { state: 'open' }
    expect(await textOf()).toBe('kept')
    await fixture.server.workspaces.delete(W)
    await refused('workspace_deleted')
    await fixture.server.workspaces.undelete(W)
    await write({ run: insert('and ') })
    await fixture.server.workspaces.replace(W, async () => undefined)
    gated.damagedLsn = 2
    await refused('quarantined')
    expect(journal.head).toBe(0)
  })

  it('[S321] an update that a program brings has records beside it, and a repeat and a refused one have none', async () => {
    await start(await open())
    const theirs = new Y.Doc()
    theirs.getText('t').insert(0, 'brought')
    const brought = {
      ...{ writer: { ...writer, access: 'write', sources: undefined } as never, via: 'test', idempotencyKey: 'k' },
      update: Y.encodeStateAsUpdate(theirs),
      beside: (record: { lsn: number } | undefined) => journal.append(event(`after ${record?.lsn}`)),
    }
    const { workspaces } = fixture.server
    expect(await workspaces.bring(W, brought)).toMatchObject({ repeated: false, lsn: 1 })
    expect(await workspaces.bring(W, brought)).toMatchObject({ repeated: true, lsn: 1 })
    theirs.getText('t').insert(0, 'and ')
    const failing = {
      ...{ ...brought, idempotencyKey: 'l', update: Y.encodeStateAsUpdate(theirs) },
      beside: () => {
        throw new Error('the journal is wrong')
      },
    }
    await expect(workspaces.bring(W, failing)).rejects.toThrow('the journal is wrong')
    await rebuilt().toBe('brought')
    expect([journal.head, (await workspaces.position(W)).head]).toEqual([1, 1])
  })
})
