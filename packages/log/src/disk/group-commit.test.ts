import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import { KIND } from '../records/key.ts'
import type { Write } from '../records/write.ts'
import { openLevelStore } from '../store/level-store.ts'
import { gateStore } from '../testing/gated-store.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { makeTestClock } from '../testing/test-clock.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { reopenDelayMs } from './back-off.ts'
import { Database } from './database.ts'

const makeDirectory = testDirectories()
const stores: EventStore[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const store of stores.splice(0)) await store.close()
})

const gatedStore = async (durability: 'async' | 'sync') => gateStore(await makeDirectory(), durability, stores)

/** Whether `promise` has settled by the end of the next turn of the event loop. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), setImmediate(false)])
}

const isRecord = ({ key }: Write): boolean => key[0] === KIND.record

describe('group commit', () => {
  it('[L4] append at sync resolves only when an fsynced write has it', async () => {
    const { store, nextWrite, openGate } = await gatedStore('sync')
    const log = await store.open('a')
    const arrived = nextWrite()
    const { durable } = log.append(sampleEntry(1))
    const write = await arrived
    expect(write.sync).toBe(true)
    expect(await hasSettled(durable)).toBe(false)
    openGate()
    await durable
  })

  it('[L4] append at async resolves when LevelDB has it in its log', async () => {
    const { store, nextWrite, openGate } = await gatedStore('async')
    const log = await store.open('a')
    const arrived = nextWrite()
    const { durable } = log.append(sampleEntry(1))
    const write = await arrived
    expect(write.sync).toBe(false)
    expect(await hasSettled(durable)).toBe(false)
    openGate()
    await durable
  })

  it('[L42] append with sync resolves at async only when an fsync that began after its write has ended', async () => {
    const { store, clock, nextWrite, nextSync, openGate } = await gatedStore('async')
    const log = await store.open('a')
    const [firstWritten, firstSynced] = [nextWrite(), nextSync()]
    const first = log.append(sampleEntry(1), { sync: true })
    ;(await firstWritten).release()
    const endFirst = await firstSynced
    const secondWritten = nextWrite()
    const second = log.append(sampleEntry(2), { sync: true })
    ;(await secondWritten).release()
    const secondSynced = nextSync()
    endFirst()
    await first.durable
    const endSecond = await secondSynced
    expect(await hasSettled(second.durable)).toBe(false)
    endSecond()
    await second.durable
    expect(clock.timersPending).toBe(0)
    openGate()
  })

  it('[L5] one write carries what all workspaces append in one turn, and the next what came meanwhile', async () => {
    const { store, writes, nextWrite, openGate } = await gatedStore('sync')
    const logs = await Promise.all(['a', 'b', 'c'].map((name) => store.open(name)))
    const firstArrived = nextWrite()
    const first = logs.map((log) => log.append(sampleEntry(1)))
    const write = await firstArrived
    // Each new workspace writes two entries beside its record.
    expect(write.writes).toHaveLength(9)
    for (let turn = 0; turn < 5; turn++) {
      for (const log of logs) log.append(sampleEntry(turn))
      await setImmediate()
    }
    expect(writes).toHaveLength(1)
    const secondArrived = nextWrite()
    write.release()
    await first[0]?.durable
    expect((await secondArrived).writes).toHaveLength(15)
    expect(writes).toHaveLength(2)
    openGate()
  })

  it('[L5] one write carries what turns append that follow each other without a pause', async () => {
    const { store, writes, nextWrite, openGate } = await gatedStore('sync')
    const log = await store.open('a')
    const arrived = nextWrite()
    for (let turn = 0; turn < 3; turn++) {
      log.append(sampleEntry(turn))
      await setImmediate()
    }
    // The workspace is born with two entries beside its records.
    expect((await arrived).writes).toHaveLength(5)
    expect(writes).toHaveLength(1)
    openGate()
  })

  it('[L5] a write does not wait for ever for a pause', async () => {
    const { store, writes, openGate } = await gatedStore('sync')
    const log = await store.open('a')
    // A turn takes so long, also on a busy machine.
    let nowMs = 0
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
    for (let turn = 0; writes.length === 0; turn++) {
      log.append(sampleEntry(turn))
      nowMs += 0.2
      await setImmediate()
    }
    expect(writes[0]?.writes.filter(isRecord).length).toBeGreaterThan(1)
    openGate()
  })

  it('[L13] one fsync per window covers what async wrote in it, and none runs while nothing is dirty', async () => {
    const { store, clock, writes, nextWrite, syncs, nextSync, openGate } = await gatedStore('async')
    const log = await store.open('a')
    expect(clock.timersPending).toBe(0)
    for (let n = 1; n <= 3; n++) {
      const arrived = nextWrite()
      const { durable } = log.append(sampleEntry(n))
      ;(await arrived).release()
      await durable
      expect(clock.timersPending).toBe(1)
    }
    clock.advance(9)
    await setImmediate()
    expect(syncs).toHaveLength(0)
    const synced = nextSync()
    clock.advance(1)
    await synced
    expect(syncs).toHaveLength(1)
    // Nothing is written for it.
    expect(writes.map(({ sync }) => sync)).toEqual([false, false, false])
    openGate()
    await store.close()
    expect(clock.timersPending).toBe(0)
  })

  it('[L13] what is written while an fsync is under way has a window of its own', async () => {
    const { store, clock, nextWrite, syncs, nextSync, openGate } = await gatedStore('async')
    const log = await store.open('a')
    const synced = nextSync()
    for (const n of [1, 2]) {
      const written = nextWrite()
      const { durable } = log.append(sampleEntry(n))
      ;(await written).release()
      await durable
      if (n === 1) clock.advance(10)
    }
    ;(await synced)()
    expect(clock.timersPending).toBe(1)
    const again = nextSync()
    clock.advance(10)
    ;(await again)()
    await expect.poll(() => clock.timersPending).toBe(0)
    expect(syncs).toHaveLength(2)
    openGate()
  })

  it('[L13] a write-ahead log that ends costs an fsync or a few, however much is written', async () => {
    const store = await openLevelStore({
      directory: await makeDirectory(),
      durability: 'async',
      windowMs: 10,
      clock: makeTestClock(),
    })
    stores.push(store)
    const log = await store.open('a')
    const written = vi.spyOn(Database.prototype, 'write')
    for (let group = 0; group < 600; group++) {
      for (let n = 1; n < 100; n++) log.append(sampleEntry(n))
      await log.append(sampleEntry(100)).durable
    }
    const synced = written.mock.calls.filter(([, sync]) => sync).length
    expect(synced).toBeGreaterThan(0)
    // Each group needs an fsync while LevelDB leaves its log. On a busy machine that takes as long as dozens of groups.
    expect(synced).toBeLessThan(300)
  })

  for (const failing of ['a write', 'an attempt to reopen'] as const) {
    it(`[L65] ${failing} that throws fenced is the last: what waits is rejected, and all logs are fenced for good`, async () => {
      const clock = makeTestClock()
      const store = await openLevelStore({ directory: await makeDirectory(), durability: 'sync', clock })
      const [log, other] = [await store.open('a'), await store.open('b')]
      await log.append(sampleEntry(1)).durable
      const heard: string[] = []
      const fenced = Promise.withResolvers<void>()
      log.onStateChange(({ state }) => state === 'fenced' && fenced.resolve())
      store.onStateChange(({ state }) => heard.push(`store ${state}`))
      other.onStateChange(({ state }) => heard.push(`log ${state}`))
      const fence = new LogError('fenced', 'another process holds the directory')
      const written = vi.spyOn(Database.prototype, 'write')
      const opened = vi.spyOn(Database, 'open')
      const inFlight = Promise.withResolvers<void>()
      written.mockReturnValueOnce(inFlight.promise)
      const waiting = [log.append(sampleEntry(2)).durable]
      await expect.poll(() => written.mock.calls.length).toBe(1)
      waiting.push(log.append(sampleEntry(3)).durable, other.append(sampleEntry(1)).durable)
      if (failing === 'a write') inFlight.reject(fence)
      else {
        opened.mockRejectedValueOnce(fence)
        inFlight.reject(new Error('IO error: /data/000005.log: Input/output error'))
        await expect.poll(() => clock.timersPending).toBe(1)
        clock.advance(reopenDelayMs(0))
      }
      await fenced.promise
      for (const outcome of await Promise.allSettled(waiting)) {
        expect(outcome).toEqual({ status: 'rejected', reason: fence })
      }
      expect(store.state).toEqual({ state: 'failed', error: fence })
      expect([log.state, other.state]).toEqual(Array(2).fill({ state: 'fenced', error: fence }))
      expect(() => log.append(sampleEntry(4))).toThrow(fence)
      await log.close()
      if (failing === 'a write') expect((await readAll(await store.open('a'))).map(({ lsn }) => lsn)).toEqual([1])
      else await expect(store.open('a')).rejects.toBe(fence)
      await expect(store.close()).rejects.toBe(fence)
      expect([clock.timersPending, written.mock.calls.length]).toEqual([0, 1])
      expect([opened.mock.calls.length, log.state.state]).toEqual([failing === 'a write' ? 0 : 1, 'fenced'])
      const before = failing === 'a write' ? [] : ['store failed', 'log failed']
      expect(heard).toEqual([...before, 'store failed', 'log fenced', 'store closed'])
    })
  }

  it('[L12] close writes what waits and makes one last fsync', async () => {
    const directory = await makeDirectory()
    const clock = makeTestClock()
    const store = await openLevelStore({ directory, durability: 'async', clock })
    const log = await store.open('a')
    const written = vi.spyOn(Database.prototype, 'write')
    const early = log.append(sampleEntry(1))
    await early.durable
    const late = log.append(sampleEntry(2))
    await store.close()
    await late.durable
    expect(clock.timersPending).toBe(0)
    expect(written.mock.calls.at(-1)?.[1]).toBe(true)
    const again = await openLevelStore({ directory, durability: 'async', clock })
    stores.push(again)
    expect((await again.open('a')).head).toBe(2)
  })

  it('[L15] opening a workspace that does not exist costs one get, one that exists two and a seek', async () => {
    const directory = await makeDirectory()
    const store = await openLevelStore({ directory, durability: 'sync' })
    stores.push(store)
    const born = await store.open('a')
    await born.append(sampleEntry(1)).durable
    await born.close()
    const spies = (['get', 'last', 'entries', 'write'] as const).map((name) => vi.spyOn(Database.prototype, name))
    const counts = () => spies.map((spy) => spy.mock.calls.length)
    await store.open('never written')
    expect(counts()).toEqual([1, 0, 0, 0])
    await store.open('a')
    expect(counts()).toEqual([3, 1, 0, 0])
  })
})
