import { mkdir, readdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { reopenDelayMs } from '../disk/back-off.ts'
import { Database } from '../disk/database.ts'
import type { Durability, EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { listWorkspaces } from '../testing/list-workspaces.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { makeTestClock } from '../testing/test-clock.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
const stores: EventStore[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const store of stores.splice(0)) await store.close()
})

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })
const NO_SPACE = 'IO error: /data/000005.log: No space left on device'

/** Makes the next write of every handle fail. The handle acknowledges later writes and loses them, as LevelDB does. */
function breakHandles(message = NO_SPACE): void {
  const broken = new WeakSet<Database>()
  vi.spyOn(Database.prototype, 'write').mockImplementation(async function (this: Database) {
    if (broken.has(this)) return
    broken.add(this)
    throw new Error(message)
  })
}

async function startStore(durability: Exclude<Durability, 'memory'>) {
  const clock = makeTestClock()
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability, clock })
  stores.push(store)
  /** Waits for the pause before the next attempt to reopen. */
  const untilPaused = () => expect.poll(() => store.state.state === 'failed' && clock.timersPending === 1).toBe(true)
  const states: string[] = []
  store.onStateChange((state) => states.push(state.state === 'failed' ? state.error.code : state.state))
  return { clock, directory, store, states, untilPaused }
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const settled = promise.then(
    () => false,
    () => false,
  )
  return Promise.race([settled, setImmediate(true)])
}

describe('recovery', () => {
  for (const durability of ['async', 'sync'] as const) {
    it(`[L23, L24] a failed write at ${durability} is not acknowledged until it is written again, under its LSN`, async () => {
      const { store, states, clock, directory, untilPaused } = await startStore(durability)
      const log = await store.open('a')
      await log.append(sampleEntry(1)).durable
      breakHandles()
      const failed = log.append(sampleEntry(2))
      await untilPaused()
      expect(store.state).toEqual({ state: 'failed', error: code('storage_full') })
      expect(await isPending(failed.durable)).toBe(true)
      expect(() => log.append(sampleEntry(3))).toThrow(code('storage_full'))
      clock.advance(reopenDelayMs(0))
      await untilPaused()
      await expect(store.open('b')).rejects.toEqual(code('storage_full'))
      await expect(readAll(log)).rejects.toEqual(code('storage_full'))
      vi.restoreAllMocks()
      clock.advance(reopenDelayMs(1))
      await failed.durable
      expect([failed.lsn, log.head]).toEqual([2, 2])
      expect(states).toEqual(['storage_full', 'open'])
      await log.append(sampleEntry(3)).durable
      await store.close()
      const again = await openLevelStore({ directory, durability })
      stores.push(again)
      const records = await readAll(await again.open('a'))
      expect(records.map(({ lsn, update }) => [lsn, Buffer.from(update).toString()])).toEqual([
        [1, 'update 1'],
        [2, 'update 2'],
        [3, 'update 3'],
      ])
    })
  }

  it('[L54] what is on the disk is read as long as nothing can be written, and all of it is there afterwards', async () => {
    const { store, clock, directory, untilPaused } = await startStore('async')
    const cold = await store.open('cold')
    cold.append(sampleEntry(1, { idempotencyKey: 'one' }))
    await cold.append(sampleEntry(2)).durable
    await cold.snapshot({ lsn: 1 as Lsn, state: Buffer.from('state') })
    await cold.close()
    const log = await store.open('a')
    await log.append(sampleEntry(1)).durable
    breakHandles()
    const { durable } = log.append(sampleEntry(2))
    await untilPaused()
    // No file of this name can be made, as if there were no room for one.
    await mkdir(join(directory, 'JOINERY.probe'))
    for (let attempt = 0; attempt < 3; attempt++) {
      clock.advance(reopenDelayMs(attempt))
      await untilPaused()
      expect((await readAll(log)).map(({ lsn }) => lsn)).toEqual([1, 2])
      const found = await store.open('cold')
      expect((await readAll(found)).map(({ lsn }) => lsn)).toEqual([1, 2])
      expect([await found.lsnOfKey('one'), await found.lsnAt(Number.MAX_SAFE_INTEGER)]).toEqual([1, 2])
      expect(Buffer.from((await found.latestSnapshot())?.state ?? [])).toEqual(Buffer.from('state'))
      expect(await listWorkspaces(store)).toEqual(['a', 'cold'])
      expect(() => found.append(sampleEntry(3))).toThrow(code('storage_failed'))
      await expect(found.create()).rejects.toEqual(code('storage_failed'))
      await expect(found.snapshot({ lsn: 2 as Lsn, state: Buffer.alloc(1) })).rejects.toEqual(code('storage_failed'))
      await expect(found.seal()).rejects.toEqual(code('storage_failed'))
      await expect(store.tombstone('other')).rejects.toEqual(code('storage_failed'))
      await found.close()
    }
    const handles = new Set(vi.mocked(Database.prototype.write).mock.contexts)
    expect(handles.size).toBe(1)
    await log.close()
    // The end of its log is on its way to the disk: opening it would wait for that.
    await expect(store.open('a')).rejects.toEqual(code('storage_failed'))
    vi.restoreAllMocks()
    await rmdir(join(directory, 'JOINERY.probe'))
    clock.advance(reopenDelayMs(3))
    await durable
    expect((await readAll(await store.open('a'))).map(({ lsn }) => lsn)).toEqual([1, 2])
    expect(await readdir(directory)).not.toContain('JOINERY.probe')
  })

  it('[L23] a handle that has failed is never written to again', async () => {
    const { store, clock, untilPaused } = await startStore('sync')
    const log = await store.open('a')
    await log.append(sampleEntry(1)).durable
    breakHandles()
    const { durable } = log.append(sampleEntry(2))
    for (let attempt = 0; attempt < 5; attempt++) {
      await untilPaused()
      clock.advance(reopenDelayMs(attempt))
    }
    await untilPaused()
    const handles = vi.mocked(Database.prototype.write).mock.contexts
    expect(handles).toHaveLength(6)
    expect(new Set(handles).size).toBe(6)
    expect(await isPending(durable)).toBe(true)
    vi.restoreAllMocks()
    clock.advance(5_000)
    await durable
  })

  it('[L24] what async had acknowledged since the last fsync is written again', async () => {
    const { store, clock, directory, untilPaused } = await startStore('async')
    const log = await store.open('a')
    await log.append(sampleEntry(1)).durable
    // The handle acknowledges this one and loses it, as after an error that only the next write reports.
    const lossy = vi.spyOn(Database.prototype, 'write').mockResolvedValueOnce()
    await log.append(sampleEntry(2)).durable
    lossy.mockRejectedValueOnce(new Error(NO_SPACE))
    const failed = log.append(sampleEntry(3))
    await untilPaused()
    vi.restoreAllMocks()
    clock.advance(reopenDelayMs(0))
    await failed.durable
    expect(clock.timersPending).toBe(0)
    expect((await readAll(log)).map(({ lsn }) => lsn)).toEqual([1, 2, 3])
    await store.close()
    const again = await openLevelStore({ directory, durability: 'async' })
    stores.push(again)
    expect(await readAll(await again.open('a'))).toHaveLength(3)
  })

  it('[L24] a durable record that is gone after reopening keeps the store failed as corrupted', async () => {
    const { store, clock, states, untilPaused } = await startStore('sync')
    const log = await store.open('a')
    vi.spyOn(Database.prototype, 'write').mockResolvedValueOnce()
    await log.append(sampleEntry(1)).durable
    breakHandles()
    const { durable } = log.append(sampleEntry(2))
    await untilPaused()
    vi.restoreAllMocks()
    clock.advance(reopenDelayMs(0))
    await untilPaused()
    expect(store.state).toEqual({ state: 'failed', error: code('corrupted') })
    expect(states).toEqual(['storage_full', 'corrupted'])
    expect(await isPending(durable)).toBe(true)
    await expect(store.close()).rejects.toEqual(code('corrupted'))
    stores.length = 0
    await expect(durable).rejects.toEqual(code('closed'))
  })

  it('[L24] attempts to reopen come after 50 ms, then ever less often, down to one in 5 s', () => {
    const delays = Array.from({ length: 10 }, (_, attempt) => reopenDelayMs(attempt))
    expect(delays).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000])
    expect(reopenDelayMs(1_000_000)).toBe(5_000)
  })

  for (const [message, expected] of [
    [NO_SPACE, 'storage_full'],
    ['IO error: /data/000005.log: Disk quota exceeded', 'storage_full'],
    ['IO error: /data/000005.log: File too large', 'storage_full'],
    ['IO error: /data/000005.log: Input/output error', 'storage_failed'],
    ['anything else', 'storage_failed'],
  ] as const) {
    it(`[L26] a write that fails with "${message}" is ${expected}`, async () => {
      const { store, clock, untilPaused } = await startStore('sync')
      const log = await store.open('a')
      breakHandles(message)
      const { durable } = log.append(sampleEntry(1))
      await untilPaused()
      expect(store.state).toEqual({ state: 'failed', error: code(expected) })
      vi.restoreAllMocks()
      clock.advance(reopenDelayMs(0))
      await durable
    })
  }

  it('[L25] close while storage fails tries once more, at once', async () => {
    const { store, directory, untilPaused } = await startStore('async')
    const log = await store.open('a')
    breakHandles()
    const { durable } = log.append(sampleEntry(1))
    await untilPaused()
    vi.restoreAllMocks()
    await store.close()
    await durable
    const again = await openLevelStore({ directory, durability: 'async' })
    stores.push(again)
    expect((await again.open('a')).head).toBe(1)
  })

  it('[L25] close while storage goes on failing rejects, as do the receipts, and releases the directory', async () => {
    const { store, directory, untilPaused } = await startStore('sync')
    const log = await store.open('a')
    breakHandles()
    const { durable } = log.append(sampleEntry(1))
    await untilPaused()
    await expect(store.close()).rejects.toEqual(code('storage_full'))
    stores.length = 0
    await expect(durable).rejects.toEqual(code('closed'))
    await expect(durable).rejects.toHaveProperty('cause', code('storage_full'))
    vi.restoreAllMocks()
    const again = await openLevelStore({ directory, durability: 'sync' })
    stores.push(again)
    expect((await again.open('a')).head).toBe(0)
  })

  it('[L24] a directory that has vanished is corrupted, not made anew', async () => {
    const { store, clock, untilPaused } = await startStore('sync')
    const log = await store.open('a')
    const opened = vi.spyOn(Database, 'open').mockRejectedValueOnce(new LogError('corrupted', 'gone'))
    breakHandles()
    const { durable } = log.append(sampleEntry(1))
    await untilPaused()
    clock.advance(reopenDelayMs(0))
    await untilPaused()
    expect(opened.mock.calls[0]?.[1]?.storeId).toMatch(/^[\w-]{22}$/)
    vi.restoreAllMocks()
    clock.advance(reopenDelayMs(1))
    await durable
  })
})
