import { expect, it } from 'vitest'
import type { EventStore, WorkspaceLog } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import { listWorkspaces } from './list-workspaces.ts'
import { readAll } from './read-all.ts'
import { sampleEntry } from './sample-entry.ts'

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })

/** Everything that a log shows of itself. */
async function viewOf(log: WorkspaceLog) {
  const { head, generation, sinceSnapshot } = log
  const keys = await Promise.all(['k1', 'k2', 'k3'].map((key) => log.lsnOfKey(key)))
  const records = (await readAll(log)).map(({ lsn, update }) => [lsn, Buffer.from(update).toString()])
  return { head, generation, sinceSnapshot, keys, records }
}

/** The behaviour of every store in one turn of the event loop, and with system logs. `start` gives a fresh store. */
export function itWritesTurns(start: () => Promise<EventStore>, isWritingDeleted: boolean): void {
  it('[L68] work that throws leaves no trace, and what came before it in the same turn stands', async () => {
    const store = await start()
    const [a, b, fresh] = await Promise.all(['a', 'b', 'fresh'].map((name) => store.open(name)))
    if (a === undefined || b === undefined || fresh === undefined) throw new Error('three logs were to be opened')
    await a.append(sampleEntry(1, { idempotencyKey: 'k1' })).durable
    const kept = b.append(sampleEntry(1))
    const before = { head: 1, keys: [1, undefined, undefined], records: [[1, 'update 1']] }
    const spoil = (): never => {
      a.append(sampleEntry(2, { idempotencyKey: 'k2' }))
      b.append(sampleEntry(2))
      b.append(sampleEntry(3, { idempotencyKey: 'k3' }), { sync: true })
      fresh.append(sampleEntry(1, { idempotencyKey: 'k1' }))
      throw new Error('spoilt')
    }
    const { sinceSnapshot } = a
    expect(() => store.atomically(spoil)).toThrow('spoilt')
    expect(await viewOf(a)).toEqual({ ...before, generation: a.generation, sinceSnapshot })
    expect(await viewOf(b)).toMatchObject({ head: 1, keys: [undefined, undefined, undefined] })
    expect(await viewOf(fresh)).toMatchObject({ head: 0, generation: undefined, records: [] })
    await kept.durable
    expect(await listWorkspaces(store)).toEqual(['a', 'b'])
    const again = [
      a.append(sampleEntry(9, { idempotencyKey: 'k2' })),
      fresh.append(sampleEntry(9)),
      b.append(sampleEntry(9)),
    ]
    expect(again.map(({ lsn }) => lsn)).toEqual([2, 1, 2])
    await Promise.all(again.map(({ durable }) => durable))
    for (const log of [a, b, fresh]) await log.close()
    const reopened = await store.open('a')
    expect(await viewOf(reopened)).toMatchObject({ head: 2, keys: [1, 2, undefined] })
    expect(() => reopened.append(sampleEntry(2, { idempotencyKey: 'k2' }))).toThrow(code('duplicate_key'))
    expect((await readAll(await store.open('b'))).map(({ lsn }) => lsn)).toEqual([1, 2])
  })

  it('[L68] a key that was taken back may be given again in a later turn, and is then taken', async () => {
    const store = await start()
    const log = await store.open('a')
    const spoil = (): never => {
      log.append(sampleEntry(2, { idempotencyKey: 'k1' }))
      throw new Error('spoilt')
    }
    const first = log.append(sampleEntry(1))
    expect(() => store.atomically(spoil)).toThrow('spoilt')
    // The group that held the key is on its way by now.
    for (let n = 0; n < 3; n++) await new Promise((resolve) => setImmediate(resolve))
    const second = log.append(sampleEntry(2, { idempotencyKey: 'k1' }))
    const again = () => log.append(sampleEntry(3, { idempotencyKey: 'k1' }))
    expect(again).toThrow(code('duplicate_key'))
    await first.durable
    expect(again).toThrow(code('duplicate_key'))
    await second.durable
    expect(again).toThrow(code('duplicate_key'))
    expect(await log.lsnOfKey('k1')).toBe(2)
  })

  it('[L68] work in other work may be taken back alone, and goes with the whole', async () => {
    const store = await start()
    const log = await store.open('a')
    const fail = (n: number) => () => {
      log.append(sampleEntry(n))
      throw new Error('inner')
    }
    const value = store.atomically(() => {
      log.append(sampleEntry(1))
      expect(() => store.atomically(fail(2))).toThrow('inner')
      return store.atomically(() => log.append(sampleEntry(3)).lsn)
    })
    expect(value).toBe(2)
    const outer = () => {
      store.atomically(() => log.append(sampleEntry(4)))
      throw new Error('outer')
    }
    expect(() => store.atomically(outer)).toThrow('outer')
    await log.append(sampleEntry(5)).durable
    const updates = (await readAll(log)).map(({ update }) => Buffer.from(update).toString())
    expect(updates).toEqual(['update 1', 'update 3', 'update 5'])
  })

  it('[L68] work that returns a promise is invalid, and what it has appended is taken back', async () => {
    const store = await start()
    const log = await store.open('a')
    const work = async () => log.append(sampleEntry(1))
    expect(() => store.atomically(work)).toThrow(code('invalid'))
    expect(log.head).toBe(0)
    expect(log.append(sampleEntry(1)).lsn).toBe(1)
  })

  it('[L68] a store whose only appends were taken back writes on, and closes', async () => {
    const store = await start()
    const log = await store.open('a')
    const fail = () => {
      log.append(sampleEntry(1), { sync: true })
      throw new Error('spoilt')
    }
    expect(() => store.atomically(fail)).toThrow('spoilt')
    await new Promise((resolve) => setImmediate(resolve))
    await log.append(sampleEntry(1), { sync: true }).durable
    expect(() => store.atomically(fail)).toThrow('spoilt')
    await log.close()
    expect((await store.open('a')).head).toBe(1)
  })

  it('[L69] system logs are listed apart, and are no workspaces', async () => {
    const store = await start()
    for (const name of ['demo', '!work', '!work/demo', '!lease/demo', 'zoo']) {
      const log = await store.open(name)
      await log.append(sampleEntry(1)).durable
      await log.close()
    }
    expect(await listWorkspaces(store)).toEqual(['demo', 'zoo'])
    expect(await Array.fromAsync(store.systemLogs())).toEqual(['!lease/demo', '!work', '!work/demo'])
    for (const name of ['!work', '!work/demo']) await expect(store.tombstone(name)).rejects.toEqual(code('invalid'))
    for (const name of ['!work', '!work/demo']) await expect(store.purge(name)).rejects.toEqual(code('invalid'))
    expect((await store.open('!work/demo')).head).toBe(1)
  })

  it.runIf(isWritingDeleted)('[L69] purging a workspace purges its system logs, and no others', async () => {
    const store = await start()
    const kinds = ['!a', '!work', '!work-more', '!workers']
    for (const name of ['demo', 'demo/sub', ...kinds.flatMap((kind) => [kind, `${kind}/demo`, `${kind}/demo/sub`])]) {
      const log = await store.open(name)
      await log.append(sampleEntry(1)).durable
      await log.close()
    }
    await store.tombstone('demo')
    const journal = await store.open('!work/demo')
    await journal.append(sampleEntry(2)).durable
    await expect(store.purge('demo')).rejects.toEqual(code('locked'))
    expect(await Array.fromAsync(store.tombstones())).toEqual(['demo'])
    await journal.close()
    await store.purge('demo')
    const left = kinds.flatMap((kind) => [kind, `${kind}/demo/sub`])
    expect((await Array.fromAsync(store.systemLogs())).sort()).toEqual(left.sort())
    const next = await store.open('!work/demo')
    expect([next.head, next.generation]).toEqual([0, undefined])
  })

  it.runIf(isWritingDeleted)(
    '[L69] a system log whose workspace does not exist may be purged by its own name',
    async () => {
      const store = await start()
      const log = await store.open('!work/gone')
      await log.append(sampleEntry(1)).durable
      await expect(store.purge('!work/gone')).rejects.toEqual(code('locked'))
      await log.close()
      await store.purge('!work/gone')
      expect(await Array.fromAsync(store.systemLogs())).toEqual([])
    },
  )
}
