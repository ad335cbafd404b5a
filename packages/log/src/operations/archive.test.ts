import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { EventStore, LogRecord } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { openLevelStore } from '../store/level-store.ts'
import { readAll } from '../testing/read-all.ts'
import { archiveOf, makeRichStore, once } from '../testing/rich-store.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { exportArchive } from './export-archive.ts'
import { importArchive } from './import-archive.ts'
import { inspectStore } from './inspect-store.ts'
import { readArchive } from './read-archive.ts'
import { readHistory } from './read-history.ts'
import { restoreArchive } from './restore-archive.ts'
import { isIntact, verifyDirectory } from './verify-directory.ts'
import { verifyStore } from './verify-store.ts'

const makeDirectory = testDirectories()
const open = (directory: string) => openLevelStore({ directory, durability: 'async' })
const refusal = (code: LogError['code'], message = '') =>
  expect.objectContaining({ name: 'LogError', code, message: expect.stringContaining(message) })

/** All content of a store, by workspace. */
async function contentsOf(store: EventStore): Promise<Record<string, unknown>> {
  const contents: Record<string, unknown> = {}
  for await (const name of store.workspaces()) {
    const log = await store.open(name)
    const records = (await readAll(log)).map((record: LogRecord) => ({
      ...record,
      update: Buffer.from(record.update).toString(),
    }))
    const snapshots: unknown[] = []
    for (let at = log.head; at > 0; ) {
      const found = await log.latestSnapshot({ atOrBefore: at })
      if (found === undefined) break
      snapshots.push({
        ...found,
        state: Buffer.from(found.state).toString(),
        annex: Buffer.from(found.annex).toString(),
      })
      at = (found.lsn - 1) as Lsn
    }
    const key = await log.lsnOfKey('key 15 🪚')
    contents[name] = {
      generation: log.generation,
      head: log.head,
      snapshotLsn: log.snapshotLsn,
      records,
      snapshots,
      key,
    }
    await log.close()
  }
  const deleted: string[] = []
  for await (const name of store.tombstones()) deleted.push(name)
  return { ...contents, deleted }
}

describe('an archive', () => {
  it('[L80] brings back all that was kept: records, snapshots, keys, generations, and what is deleted', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store)
    const directory = join(await makeDirectory(), 'restored')
    const outcome = await restoreArchive(directory, () => once(archive))
    expect(outcome.workspaces.map(({ workspace, records }) => `${workspace} ${records}`)).toEqual([
      'a 40',
      'b 25',
      'empty 0',
      'gone 3',
    ])
    expect(isIntact(await verifyDirectory(directory))).toBe(true)
    const restored = await open(directory)
    expect(await contentsOf(restored)).toEqual(await contentsOf(store))
    await restored.undelete('gone')
    expect((await restored.open('gone')).head).toBe(3)
    await restored.close()
    await store.close()
  })

  it('[L80] brings back records that were packed into segments', async () => {
    const store = await open(await makeDirectory())
    const log = await store.open('a')
    for (let n = 1; n <= 500; n++) log.append(sampleEntry(n, n % 100 === 0 ? { idempotencyKey: `key ${n}` } : {}))
    await log.append(sampleEntry(501)).durable
    expect((await log.seal({ through: 400 as Lsn })).records).toBe(400)
    await log.close()
    const archive = await archiveOf(store)
    const other = await open(await makeDirectory())
    await importArchive(other, () => once(archive))
    expect(await contentsOf(other)).toEqual(await contentsOf(store))
    expect((await readHistory(store, { workspace: 'a', limit: 3 })).map(({ lsn }) => lsn)).toEqual([499, 500, 501])
    const [a] = (await inspectStore(store)).workspaces
    expect(a).toMatchObject({ head: 501, records: { count: 101 }, segments: { count: 1 } })
    await Promise.all([store.close(), other.close()])
  })

  it('[L80] brings back a workspace whose oldest records were dropped, and its keys, and it can be kept up', async () => {
    const store = await open(await makeDirectory())
    const log = await store.open('a')
    for (let n = 1; n <= 300; n++) {
      await log.append(sampleEntry(n, n % 15 === 0 ? { idempotencyKey: `key ${n} 🪚` } : {})).durable
      if (n % 100 === 0) await log.snapshot({ lsn: n as Lsn, state: Buffer.from(`state ${n}`) })
    }
    await log.append(sampleEntry(301)).durable
    const verify = (): void => undefined
    expect((await log.compact({ keepHistory: { events: 150 }, verify })).firstLsn).toBe(101)
    await log.close()
    const archive = await archiveOf(store)
    const directory = join(await makeDirectory(), 'restored')
    await restoreArchive(directory, () => once(archive))
    const other = await open(directory)
    expect(await contentsOf(other)).toEqual(await contentsOf(store))
    const restored = await other.open('a')
    expect([restored.firstLsn, await restored.lsnOfKey('key 15 🪚'), await restored.lsnOfKey('key 300 🪚')]).toEqual([
      101, 15, 300,
    ])
    expect((await restored.seal()).records).toBe(200)
    expect((await restored.compact({ keepHistory: { events: 50 }, verify })).firstLsn).toBe(201)
    expect((await verifyStore(other)).workspaces[0]).toMatchObject({ firstLsn: 201, head: 301, problemCount: 0 })
    await Promise.all([store.close(), other.close()])
  })

  it('[L81] shows one moment: what is appended while it is made is not in it, what was acknowledged before is', async () => {
    const store = await open(await makeDirectory())
    const log = await store.open('a')
    for (let n = 1; n <= 200; n++) log.append(sampleEntry(n))
    await log.append(sampleEntry(201)).durable
    const chunks: Uint8Array[] = []
    for await (const chunk of exportArchive(store)) {
      chunks.push(chunk)
      await log.append(sampleEntry(999)).durable
    }
    const other = await open(await makeDirectory())
    const outcome = await importArchive(other, () => once(Buffer.concat(chunks)))
    expect(outcome.workspaces).toEqual([{ workspace: 'a', head: 201, records: 201 }])
    await Promise.all([store.close(), other.close()])
  })

  it('[L82] cut short after any byte is refused with that byte, and nothing is imported', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store, ['b'])
    await store.close()
    const other = await open(await makeDirectory())
    for (let length = 0; length < archive.length; length++) {
      const read = async () => {
        for await (const _ of readArchive(once(archive.subarray(0, length))));
      }
      await expect(read()).rejects.toEqual(refusal('corrupted', `at byte ${length}: it is cut short`))
    }
    await expect(importArchive(other, () => once(archive.subarray(0, -1)))).rejects.toEqual(refusal('corrupted'))
    expect(await contentsOf(other)).toEqual({ deleted: [] })
    await other.close()
  })

  it('[L84] replaces nothing: a workspace that is there, deleted or not, is refused, and so is one that is not in it', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store)
    const before = await contentsOf(store)
    for (const workspaces of [['a'], ['gone']]) {
      const again = importArchive(store, () => once(archive), { workspaces })
      await expect(again).rejects.toEqual(refusal('invalid', 'is there already'))
    }
    const absent = importArchive(store, () => once(archive), { workspaces: ['nowhere'] })
    await expect(absent).rejects.toEqual(refusal('invalid', 'is not in the archive'))
    // The first of two must not stay when the second can't come.
    const half = importArchive(store, () => once(archive), {
      workspaces: ['a', 'b'],
      rename: (name) => (name === 'a' ? 'copy' : name),
    })
    await expect(half).rejects.toEqual(refusal('invalid', 'workspace b is there already'))
    expect(await contentsOf(store)).toEqual(before)
    expect((await verifyStore(store)).problems).toEqual([])
    await store.close()
  })

  it('[L85] comes in under another name as a copy with a generation of its own', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store, ['a'])
    await importArchive(store, () => once(archive), { rename: () => 'a-copy' })
    const { a, 'a-copy': copy } = (await contentsOf(store)) as Record<string, { generation: string }>
    expect(copy).toEqual({ ...a, generation: copy?.generation })
    expect(copy?.generation).not.toBe(a?.generation)
    const all = await archiveOf(store)
    await expect(importArchive(store, () => once(all), { rename: () => 'one' })).rejects.toEqual(
      refusal('invalid', 'workspaces for one name'),
    )
    await store.close()
  })

  it('[L86] stays hidden until it was read back and loaded, and leaves nothing when that fails', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store)
    await store.close()
    const other = await open(await makeDirectory())
    const load = (workspace: string) => ({
      add: () => {
        if (workspace === 'b') throw new Error('no document')
      },
      finish: () => undefined,
    })
    await expect(importArchive(other, () => once(archive), { load })).rejects.toEqual(
      refusal('corrupted', 'no document'),
    )
    expect(await contentsOf(other)).toEqual({ deleted: [] })
    await importArchive(other, () => once(archive))
    expect((await verifyStore(other)).problems).toEqual([])
    await other.close()
  })

  it('[L86] leaves a workspace whose purge has begun when it is cut short', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store, ['a'])
    await store.close()
    const directory = await makeDirectory()
    const other = await open(directory)
    const reached = Promise.withResolvers<void>()
    let passes = 0
    const source = async function* () {
      passes++
      yield archive.subarray(0, passes === 1 ? archive.length : archive.length - 200)
      // The second time it never ends.
      if (passes === 2) {
        reached.resolve()
        await new Promise<never>(() => undefined)
      }
    }
    void importArchive(other, source)
    await reached.promise
    await other.close()
    const again = await open(directory)
    expect(await contentsOf(again)).toEqual({ deleted: ['a'] })
    await expect(again.open('a')).rejects.toEqual(refusal('deleted'))
    await expect(again.undelete('a')).rejects.toEqual(refusal('deleted'))
    expect((await verifyStore(again)).problems).toEqual([])
    await again.purge('a')
    await importArchive(again, () => once(archive))
    expect((await again.open('a')).head).toBe(40)
    await again.close()
  })

  it('[L87] leaves a damaged workspace out and says so, and refuses it by name', async () => {
    const directory = await makeDirectory()
    await (await makeRichStore(directory)).close()
    const { tamper } = await import('../testing/tamper.ts')
    const { recordKey } = await import('../records/key.ts')
    await tamper(directory, (level) => level.del(recordKey(0, 7 as Lsn)))
    const store = await open(directory)
    const archive = await archiveOf(store)
    await expect(archiveOf(store, ['a'])).rejects.toEqual(refusal('corrupted', 'record 7 of workspace a'))
    await expect(archiveOf(store, ['nowhere'])).rejects.toEqual(refusal('invalid', 'no workspace nowhere'))
    await store.close()
    const other = await open(await makeDirectory())
    const outcome = await importArchive(other, () => once(archive))
    expect(outcome.workspaces.map(({ workspace }) => workspace)).toEqual(['b', 'empty', 'gone'])
    expect(outcome.damaged).toEqual([{ workspace: 'a', reason: expect.stringContaining('record 7 of workspace a') }])
    await other.close()
  })

  it('[L88] is restored into a new directory only, which is not there before all of it is', async () => {
    const store = await makeRichStore(await makeDirectory())
    const archive = await archiveOf(store)
    await store.close()
    const full = await makeDirectory()
    await writeFile(join(full, 'holiday.jpg'), '')
    await expect(restoreArchive(full, () => once(archive))).rejects.toEqual(refusal('invalid', 'is not empty'))
    const target = join(await makeDirectory(), 'deep', 'data')
    await expect(restoreArchive(target, () => once(archive.subarray(0, 900)))).rejects.toEqual(refusal('corrupted'))
    expect(await readdir(dirname(target))).toEqual([])
    await mkdir(target)
    await restoreArchive(target, () => once(archive))
    expect(isIntact(await verifyDirectory(target))).toBe(true)
  })
})

it('[L98] a text that is attached to an archive comes back, and a restore is completed before it appears', async () => {
  const store = await open(await makeDirectory())
  await store.open('w').then(async (log) => {
    log.append(sampleEntry(1))
    await log.close()
  })
  const parts: Uint8Array[] = []
  for await (const chunk of exportArchive(store, { attached: async () => 'a “note”' })) parts.push(Buffer.from(chunk))
  await store.close()
  const archive = Buffer.concat(parts)
  const items = []
  for await (const item of readArchive(once(archive))) items.push(item)
  expect(items[0]).toMatchObject({ kind: 'head', head: { attached: 'a “note”' } })
  const directory = join(await makeDirectory(), 'data')
  const complete = async (draft: string) => writeFile(join(draft, 'NOTE'), 'attached')
  await restoreArchive(directory, () => once(archive), { complete })
  expect(await readdir(directory)).toContain('NOTE')
  const failing = join(dirname(directory), 'other')
  const fail = () => Promise.reject(new Error('no'))
  await expect(restoreArchive(failing, () => once(archive), { complete: fail })).rejects.toThrow('no')
  expect(await readdir(dirname(directory))).toEqual(['data'])
})
