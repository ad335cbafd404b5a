import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { Database } from '../disk/database.ts'
import type { AdoptingStore, EventStore } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import { KIND, nameKey, numberOfKey } from '../records/key.ts'
import { listWorkspaces } from '../testing/list-workspaces.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { tamper } from '../testing/tamper.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
const open = (directory: string) => openLevelStore({ directory, durability: 'async' })
const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })
const SECRET = 'a word that must be gone'

async function fill(store: EventStore, workspace: string, records: number): Promise<void> {
  const log = await store.open(workspace)
  for (let n = 1; n <= records; n++) {
    log.append(sampleEntry(n, { actor: `${SECRET} in ${workspace}`, idempotencyKey: `${workspace} ${SECRET} ${n}` }))
  }
  await log.append(sampleEntry(0)).durable
  await log.snapshot({ lsn: log.head, state: Buffer.from(`state: ${SECRET} in ${workspace}`) })
  await log.close()
}

/** Copies of a store's directory after each write of `work`, as a killed process would leave it. */
async function imagesDuring(directory: string, work: () => Promise<void>): Promise<string[]> {
  const images: string[] = []
  const write = Database.prototype.write
  vi.spyOn(Database.prototype, 'write').mockImplementation(async function (this: Database, ...args) {
    await write.apply(this, args)
    // An entry that only causes an fsync.
    if (args[0].every(({ key }) => key[0] === KIND.syncMark)) return
    const image = await makeDirectory()
    await cp(directory, image, { recursive: true })
    images.push(image)
  })
  await work()
  vi.restoreAllMocks()
  return images
}

describe('removal', () => {
  it('[L47] no table or write-ahead log holds a byte of a purged workspace, whether it was in tables or not', async () => {
    const directory = await makeDirectory()
    const early = await open(directory)
    await fill(early, 'early', 300)
    await fill(early, 'kept', 300)
    await early.close()
    const store = await open(directory)
    await fill(store, 'late', 300)
    for (const workspace of ['early', 'late']) {
      await store.tombstone(workspace)
      await store.purge(workspace)
    }
    await store.close()
    const files = (await readdir(directory)).filter((name) => /\.(ldb|log)$/.test(name))
    const contents = Buffer.concat(await Promise.all(files.map((name) => readFile(join(directory, name)))))
    expect([contents.includes('early'), contents.includes('late')]).toEqual([false, false])
    expect(contents.includes(`kept ${SECRET}`)).toBe(true)
    const again = await open(directory)
    expect(await listWorkspaces(again)).toEqual(['kept'])
    expect((await again.open('kept')).head).toBe(301)
    await again.close()
  })

  it('[L179] a purge calls what is beside it when it can’t be taken back, and can be done again when that fails', async () => {
    const directory = await makeDirectory()
    const store = await open(directory)
    await fill(store, 'a', 10)
    const calls: string[] = []
    const beside = async (): Promise<void> => {
      calls.push((await Array.fromAsync(store.tombstones())).join())
      if (calls.length === 1) throw new Error('away')
    }
    await expect(store.purge('a', { beside })).rejects.toEqual(code('invalid'))
    expect(calls).toEqual([])
    await store.tombstone('a')
    await expect(store.purge('a', { beside })).rejects.toThrow('away')
    await expect(store.undelete('a')).rejects.toEqual(code('deleted'))
    await store.close()
    const again = await open(directory)
    await expect(again.undelete('a')).rejects.toEqual(code('deleted'))
    await expect(again.open('a')).rejects.toEqual(code('deleted'))
    const late = async (): Promise<void> => void calls.push((await Array.fromAsync(again.tombstones())).join())
    await again.purge('a', { beside: late })
    expect([calls, await Array.fromAsync(again.tombstones())]).toEqual([['a', 'a'], []])
    await again.close()
  })

  it('[L47] a purged number is never given again, and nobody takes it for a lost name', async () => {
    const directory = await makeDirectory()
    for (let n = 0; n < 3; n++) {
      const store = await open(directory)
      await fill(store, 'a', 10)
      await store.tombstone('a')
      await store.purge('a')
      await store.close()
    }
    const store = await open(directory)
    await fill(store, 'a', 5)
    await store.close()
    await tamper(directory, async (level) => {
      expect(Buffer.from((await level.get(nameKey(3))) ?? []).toString()).toBe('a')
      expect(await level.get(nameKey(2))).toHaveLength(0)
      for await (const key of level.keys({ gte: Buffer.from([KIND.record]) })) {
        if (key[0] !== KIND.syncMark) expect(numberOfKey(key)).toBe(3)
      }
    })
  })

  it('[L181] a discard cut short anywhere can be done again, and the log is deleted until then', async () => {
    const directory = await makeDirectory()
    const store = (await openLevelStore({ directory, durability: 'sync' })) as AdoptingStore
    await fill(store, 'a', 20)
    const images = await imagesDuring(directory, () => store.discard('a'))
    await store.close()
    images.pop()
    expect(images.length).toBeGreaterThan(2)
    for (const image of images) {
      const again = await open(image)
      await expect(again.open('a')).rejects.toEqual(code('deleted'))
      await again.discard('a')
      expect([(await again.open('a')).head, await listWorkspaces(again)]).toEqual([0, []])
      await again.close()
    }
  })

  it('[L47] a purge cut short anywhere can be done again, and not be taken back', async () => {
    const directory = await makeDirectory()
    // At async a write that only carries an fsync may come after the last one of the purge.
    const store = await openLevelStore({ directory, durability: 'sync' })
    await fill(store, 'a', 2_500)
    await store.tombstone('a')
    const images = await imagesDuring(directory, () => store.purge('a'))
    await store.close()
    expect(images.length).toBeGreaterThan(7)
    const last = images.pop()
    for (const image of images) {
      const again = await open(image)
      await expect(again.open('a')).rejects.toEqual(code('deleted'))
      await expect(again.undelete('a')).rejects.toEqual(code('deleted'))
      await again.purge('a')
      expect([(await again.open('a')).head, await listWorkspaces(again)]).toEqual([0, []])
      await again.close()
    }
    const done = await open(last ?? '')
    expect((await done.open('a')).head).toBe(0)
    await done.close()
  })
})
