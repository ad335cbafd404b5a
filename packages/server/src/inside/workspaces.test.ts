import { LogError, openMemoryStore, systemClock } from '@joinery/log'
import { afterEach, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { UNRULED } from '../content/document-rules.ts'
import { GatedStore } from '../testing/gated-store.ts'
import { ServerFixture, W } from '../testing/server-fixture.ts'

let fixture: ServerFixture
afterEach(() => fixture.close())

const writer = { actor: 'engine', source: 'workflow_execution' }

describe('edits from inside', () => {
  it('[S24] an edit is stamped, seen by live clients and durable when it resolves', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const client = await fixture.client('w').synced()
    client.text.insert(0, 'typed')
    const { value, lsn } = await fixture.server.workspaces.write(W, {
      writer,
      via: 'http',
      run: (doc) => {
        doc.getText('t').insert(0, 'run ')
        return 'done'
      },
    })
    await client.until(() => client.text.toString().includes('run ') && client.text.toString().includes('typed'))
    expect(value).toBe('done')
    await client.close()
    await fixture.close()
    expect((await store.records('w')).find((record) => record.lsn === lsn)).toMatchObject({
      actor: 'engine',
      source: 'workflow_execution',
      connection: 'http',
    })
  })

  it("[S24] an edit resolves with its own record, not with that of a pruning or of somebody else's edit", async () => {
    const rules = {
      open: (doc: Y.Doc) => ({
        ...UNRULED,
        touched: () => ['b/content'],
        prune: () => doc.getText('t').delete(0, 1),
      }),
    }
    fixture = await ServerFixture.start({ rules })
    const { workspaces } = fixture.server
    const edit = { writer, via: 'http', run: (doc: Y.Doc) => doc.getText('t').insert(0, 'ab') }
    const first = await workspaces.write(W, edit)
    expect(first.record).toMatchObject({ lsn: 1, actor: 'engine', touched: ['b/content'] })
    expect(first.lsn).toBe(1)
    expect(await workspaces.position(W)).toMatchObject({ head: 2 })
    const nothing = await workspaces.write(W, { ...edit, run: () => undefined })
    expect(nothing).toMatchObject({ record: undefined, lsn: 2 })
  })

  it('[S24] check and edit see the same state when 50 writers count at once', async () => {
    fixture = await ServerFixture.start()
    const { workspaces } = fixture.server
    const count = (): Promise<number> => workspaces.read(W, ({ doc }) => doc.getText('t').length)
    const increment = async (): Promise<void> => {
      for (;;) {
        const expected = await count()
        const isDone = await workspaces
          .write(W, {
            writer,
            via: 'http',
            check: ({ doc }) => {
              if (doc.getText('t').length !== expected) throw new Error('moved')
            },
            run: (doc) => doc.getText('t').insert(0, 'x'),
          })
          .then(
            () => true,
            () => false,
          )
        if (isDone) return
      }
    }
    await Promise.all(Array.from({ length: 50 }, increment))
    expect(await count()).toBe(50)
  })

  it('[S24] what an edit did before it threw is undone, and the room goes on', async () => {
    fixture = await ServerFixture.start()
    const client = await fixture.client('w').synced()
    client.text.insert(0, 'kept')
    const broken = fixture.server.workspaces.write(W, {
      writer,
      via: 'http',
      run: (doc) => {
        doc.getText('t').insert(0, 'half ')
        throw new Error('the program is wrong')
      },
    })
    await expect(broken).rejects.toThrow('the program is wrong')
    await expect
      .poll(() => fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString()).catch(() => ''))
      .toBe('kept')
    client.text.insert(4, ' on')
    const fresh = fixture.client('w')
    await fresh.until(() => fresh.text.toString() === 'kept on')
  })

  it('[S24] an edit is refused before anything is done when storage fails', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await fixture.client('w').synced()
    store.state = { state: 'failed', error: new LogError('storage_full', 'the test filled the disk') }
    let hasRun = false
    const write = fixture.server.workspaces.write(W, {
      writer,
      via: 'http',
      run: () => {
        hasRun = true
      },
    })
    await expect(write).rejects.toMatchObject({ code: 'storage_full' })
    expect(hasRun).toBe(false)
  })
})

describe('edits under a key', () => {
  const append = (fixture: ServerFixture, letter: string, key: string, sync = false) =>
    fixture.server.workspaces.write(W, {
      writer,
      via: 'http',
      idempotencyKey: key,
      sync,
      run: (doc) => {
        doc.getText('t').insert(0, letter)
        return letter
      },
    })
  const text = (fixture: ServerFixture) => fixture.server.workspaces.read(W, ({ doc }) => doc.getText('t').toString())

  it('[S34] a key counts once, and later callers get the first LSN, whoever they are and after a restart', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    expect(await append(fixture, 'a', 'k1')).toMatchObject({ repeated: false, value: 'a', lsn: 1 })
    expect(await append(fixture, 'b', 'k2')).toMatchObject({ repeated: false, lsn: 2 })
    expect(await append(fixture, 'c', 'k1')).toEqual({ repeated: true, value: undefined, lsn: 1 })
    await fixture.close()
    fixture = await ServerFixture.start({ store })
    expect(await append(fixture, 'd', 'k2')).toEqual({ repeated: true, value: undefined, lsn: 2 })
    expect(await text(fixture)).toBe('ba')
  })

  it('[S34] of many under one key at once one is made, and the others wait until that is durable', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const client = await fixture.client('w').synced()
    const slow = Promise.withResolvers<void>()
    store.durableGate = slow.promise
    let settled = 0
    const writes = Array.from({ length: 10 }, (_, n) => append(fixture, `${n}`, 'k').finally(() => settled++))
    await expect.poll(() => store.synced.length).toBe(1)
    expect(settled).toBe(0)
    slow.resolve()
    await client.until(() => client.text.length === 1)
    const results = await Promise.all(writes)
    expect(results.filter(({ repeated }) => !repeated)).toHaveLength(1)
    expect(new Set(results.map(({ lsn }) => lsn))).toEqual(new Set([1]))
    expect(await text(fixture)).toHaveLength(1)
  })

  it('[S34] a key is kept when its edit changed nothing, and is free again when the edit was refused', async () => {
    fixture = await ServerFixture.start()
    const { workspaces } = fixture.server
    const nothing = { writer, via: 'http', idempotencyKey: 'k', run: () => undefined }
    expect(await workspaces.write(W, nothing)).toMatchObject({ repeated: false, lsn: 1 })
    expect(await append(fixture, 'a', 'k')).toMatchObject({ repeated: true, lsn: 1 })
    const refuse = (): void => {
      throw new Error('not now')
    }
    await expect(workspaces.write(W, { ...nothing, idempotencyKey: 'k2', check: refuse })).rejects.toThrow('not now')
    expect(await append(fixture, 'b', 'k2')).toMatchObject({ repeated: false, lsn: 2 })
  })

  it('[S24] an edit with sync asks the log for an fsync, one without does not', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    await append(fixture, 'a', 'k1', true)
    await append(fixture, 'b', 'k2')
    expect(store.synced).toEqual([true, false])
  })
})

describe('the past', () => {
  it('[S35] it is the state and the stamps as of an LSN or a time, from a snapshot or from the first record', async () => {
    let nowMs = 1_000
    const store = openMemoryStore({ clock: { ...systemClock, now: () => nowMs } })
    const rules = { open: () => ({ ...UNRULED, touched: () => ['b/content'] }) }
    fixture = await ServerFixture.start({ store, rules, snapshots: { records: 2 } })
    const { workspaces, counters } = fixture.server
    for (const letter of 'abcde') {
      const actor = `writer of ${letter}`
      await workspaces.write(W, {
        writer: { ...writer, actor },
        via: 'test',
        run: (doc) => doc.getText('t').insert(doc.getText('t').length, letter),
      })
      nowMs += 100
      if (letter === 'c') await expect.poll(() => counters.snapshots).toBeGreaterThan(0)
    }
    const past = async (point: Parameters<typeof workspaces.past>[1]) => {
      const { lsn, at, doc, stamps } = await workspaces.past(W, point)
      const shown = [lsn, at, doc.getText('t').toString(), stamps.of('b')?.actor]
      doc.destroy()
      return shown
    }
    for (const [index, letter] of [...'abcde'].entries()) {
      const expected = [index + 1, 1_000 + index * 100, 'abcde'.slice(0, index + 1), `writer of ${letter}`]
      expect(await past({ lsn: index + 1 })).toEqual(expected)
      expect(await past({ at: 1_050 + index * 100 })).toEqual(expected)
      expect(await workspaces.lsnAt(W, 1_050 + index * 100)).toBe(index + 1)
    }
    expect(await past({ lsn: 99 })).toEqual([5, 1_400, 'abcde', 'writer of e'])
    expect(await past({ lsn: 0 })).toEqual([0, 0, '', undefined])
    expect(await past({ at: 999 })).toEqual([0, 0, '', undefined])
    const own = (await workspaces.past(W, { lsn: 5 })).doc
    own.getText('t').insert(0, 'mine')
    expect(await workspaces.read(W, ({ doc }) => doc.getText('t').toString())).toBe('abcde')
  })

  it('[S35] records and the past are read without a document, and the room stays open meanwhile', async () => {
    const store = new GatedStore()
    fixture = await ServerFixture.start({ store })
    const { workspaces } = fixture.server
    for (let n = 0; n < 5; n++) {
      await workspaces.write(W, { writer, via: 'test', run: (doc) => doc.getText('t').insert(0, 'x') })
    }
    await fixture.close()
    fixture = await ServerFixture.start({ store, limits: { roomIdleMs: 0, heartbeatMs: 5 } })
    const { server } = fixture
    const seen: number[] = []
    for await (const { lsn } of server.workspaces.records(W)) {
      seen.push(lsn)
      if (lsn > 1) continue
      // A sweep closes idle rooms, but not this one, which is being read.
      await server.workspaces.position('other' as typeof W)
      await expect.poll(() => store.openLogs).toBe(1)
    }
    expect(seen).toEqual([1, 2, 3, 4, 5])
    expect(await server.workspaces.position(W)).toMatchObject({ head: 5, firstLsn: 1 })
    ;(await server.workspaces.past(W, { lsn: 3 })).doc.destroy()
    expect([server.counters.warmings, server.load().live]).toEqual([0, 0])
    await expect.poll(() => store.openLogs).toBe(0)
  })
})

describe('the costs of programs', () => {
  it('[S183] the payer of an edit pays for it, also when it is refused, and other principals owe nothing', async () => {
    const limits = {
      principalCostShare: 1e-6,
      principalCostBurstMs: 0,
      workspaceCostBurstMs: 1e9,
      costContentionMs: 1e9,
    }
    fixture = await ServerFixture.start({ limits })
    const { workspaces, costs } = fixture.server
    const edit = (payer: string | undefined, check = () => undefined) => {
      const run = (doc: Y.Doc) => doc.getText('t').insert(0, 'x')
      return workspaces.write(W, { writer, via: 'http', check, run, ...(payer !== undefined && { payer }) })
    }
    const restOf = (principal: string) => costs.restOf({ principal, workspace: W })
    await edit('ann')
    await edit('bob')
    await edit(undefined)
    const refuse = () => {
      throw new Error('no')
    }
    await expect(edit('eve', refuse)).rejects.toThrow('no')
    await edit('dan')
    expect(['ann', 'bob', 'eve', 'engine'].map((name) => restOf(name) > 0)).toEqual([false, true, true, false])
  })

  it('[S326] a program pays when a document is built for it, later ones do not, and nobody pays for a rebuild', async () => {
    const store = openMemoryStore()
    const log = await store.open(W)
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    // So many that a document is built from them at once.
    for (let n = 0; n < 2_001; n++) doc.getText('t').insert(n, 'x')
    for (const update of updates) void log.append({ update, ...writer, connection: 'c', touched: [] })
    await log.close()
    const limits = {
      principalCostShare: 1e-6,
      principalCostBurstMs: 0,
      workspaceCostBurstMs: 1e9,
      costContentionMs: 1e9,
    }
    fixture = await ServerFixture.start({ store, limits })
    const { workspaces, costs, counters } = fixture.server
    const read = (payer: string) => workspaces.read(W, (view) => view.head, payer)
    const owes = (principal: string) => costs.restOf({ principal, workspace: W }) > 0
    costs.book({ principal: 'zoe', workspace: undefined }, performance.now() - 1)
    expect([await read('ann'), await read('bob')]).toEqual([2_001, 2_001])
    costs.book({ principal: 'zoe', workspace: undefined }, performance.now() - 1)
    expect(['ann', 'bob'].map(owes)).toEqual([true, false])
    const run = () => {
      throw new Error('spoilt')
    }
    await expect(workspaces.write(W, { writer, via: 'http', run })).rejects.toThrow('spoilt')
    expect([await read('bob'), counters.rebuilds, owes('bob')]).toEqual([2_001, 1, false])
  })
})
