import { expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { listWorkspaces } from './list-workspaces.ts'
import { readAll } from './read-all.ts'
import { sampleEntry } from './sample-entry.ts'

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })

async function fill(store: EventStore, workspace: string): Promise<string | undefined> {
  const log = await store.open(workspace)
  for (let n = 1; n <= 20; n++) log.append(sampleEntry(n, { idempotencyKey: `k${n}` }))
  await log.append(sampleEntry(21)).durable
  await log.snapshot({ lsn: 10 as Lsn, state: Buffer.from('state') })
  const { generation } = log
  await log.close()
  return generation
}

async function listTombstones(store: EventStore): Promise<string[]> {
  return listWorkspaces({ workspaces: () => store.tombstones() })
}

/** The behaviour of every store with deleted workspaces. `start` gives a fresh store. */
export function itDeletesWorkspaces(start: () => Promise<EventStore>): void {
  it('[L45] a deleted workspace throws deleted until it is undeleted, and has kept everything', async () => {
    const store = await start()
    const generation = await fill(store, 'a')
    await fill(store, 'b')
    await store.tombstone('a')
    await store.tombstone('a')
    await expect(store.open('a')).rejects.toEqual(code('deleted'))
    await expect(store.openDamaged('a')).rejects.toEqual(code('deleted'))
    expect([await listWorkspaces(store), await listTombstones(store)]).toEqual([['b'], ['a']])
    await store.undelete('a')
    await store.undelete('a')
    expect([await listWorkspaces(store), await listTombstones(store)]).toEqual([['a', 'b'], []])
    const log = await store.open('a')
    expect([log.head, log.snapshotLsn, log.generation]).toEqual([21, 10, generation])
    expect(await readAll(log)).toHaveLength(21)
  })

  it('[L45] an open workspace is locked, and one that does not exist invalid', async () => {
    const store = await start()
    const log = await store.open('a')
    await log.append(sampleEntry(1)).durable
    for (const act of ['tombstone', 'undelete', 'purge'] as const) {
      await expect(store[act]('a')).rejects.toEqual(code('locked'))
      await expect(store[act]('b')).rejects.toEqual(code('invalid'))
      await expect(store[act]('')).rejects.toEqual(code('invalid'))
    }
    await log.close()
    const deleting = store.tombstone('a')
    await deleting
    await store.undelete('a')
    expect((await store.open('a')).head).toBe(1)
  })

  it('[L46] purge leaves nothing, and the name may be used again', async () => {
    const store = await start()
    const generation = await fill(store, 'a')
    await fill(store, 'b')
    await expect(store.purge('a')).rejects.toEqual(code('invalid'))
    await store.tombstone('a')
    await store.purge('a')
    expect([await listWorkspaces(store), await listTombstones(store)]).toEqual([['b'], []])
    await expect(store.purge('a')).rejects.toEqual(code('invalid'))
    const log = await store.open('a')
    expect([log.head, log.snapshotLsn, log.generation, await log.lsnOfKey('k1')]).toEqual([0, 0, undefined, undefined])
    expect(log.append(sampleEntry(1, { idempotencyKey: 'k1' })).lsn).toBe(1)
    expect(log.generation).not.toBe(generation)
    const other = await store.open('b')
    expect([(await readAll(other)).length, await other.lsnOfKey('k20')]).toEqual([21, 20])
  })
}
