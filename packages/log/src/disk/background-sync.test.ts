import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { EventStore } from '../event-store.ts'
import { KIND } from '../records/key.ts'
import type { Write } from '../records/write.ts'
import { gateStore } from '../testing/gated-store.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { reopenDelayMs } from './back-off.ts'
import { Database } from './database.ts'
import { LogEnd } from './log-end.ts'
import { WrittenLogs } from './written-logs.ts'

const makeDirectory = testDirectories()
const stores: EventStore[] = []
afterEach(async () => {
  vi.restoreAllMocks()
  for (const store of stores.splice(0)) await store.close()
})

const gatedStore = async () => gateStore(await makeDirectory(), 'async', stores)

/** Whether `promise` has settled by the end of the next turn of the event loop. */
async function hasSettled(promise: Promise<unknown>): Promise<boolean> {
  return Promise.race([promise.then(() => true), setImmediate(false)])
}

const isRecord = ({ key }: Write): boolean => key[0] === KIND.record

describe('fsyncs beside writes', () => {
  it('[L182] an append without sync waits at async for no fsync, neither one under way nor one of its own write', async () => {
    const { store, nextWrite, nextSync, openGate } = await gatedStore()
    const log = await store.open('a')
    const other = await store.open('b')
    const [written, synced] = [nextWrite(), nextSync()]
    const durable = log.append(sampleEntry(1), { sync: true }).durable
    const beside = other.append(sampleEntry(1)).durable
    ;(await written).release()
    await beside
    await synced
    const later = nextWrite()
    const after = log.append(sampleEntry(2)).durable
    ;(await later).release()
    await after
    expect(await hasSettled(durable)).toBe(false)
    openGate()
    await durable
  })

  it('[L182] an fsync beside writes that fails makes the store fail, and all that it was to cover is written again', async () => {
    const { store, clock, nextWrite, openGate } = await gatedStore()
    const log = await store.open('a')
    const failing = vi.spyOn(Database.prototype, 'sync').mockRejectedValueOnce(new Error('IO error: EIO'))
    const states: string[] = []
    store.onStateChange(({ state }) => states.push(state))
    const written = nextWrite()
    const promised = log.append(sampleEntry(1), { sync: true }).durable
    const plain = log.append(sampleEntry(2)).durable
    ;(await written).release()
    await plain
    await expect.poll(() => [failing.mock.calls.length, clock.timersPending]).toEqual([1, 1])
    expect(await hasSettled(promised)).toBe(false)
    expect(() => log.append(sampleEntry(3))).toThrow(expect.objectContaining({ code: 'storage_failed' }))
    openGate()
    const rewritten = vi.spyOn(Database.prototype, 'write')
    clock.advance(reopenDelayMs(0))
    await promised
    expect(rewritten.mock.calls.map(([writes, sync]) => [writes.filter(isRecord).length, sync])).toEqual([[2, true]])
    expect([states, clock.timersPending]).toEqual([['failed', 'open'], 0])
  })

  it('[L182] an fsync that fails while a write is under way makes the store fail after that write, and none begins before all is written again', async () => {
    const { store, clock, nextWrite, nextSync, openGate } = await gatedStore()
    const log = await store.open('a')
    const [written, synced] = [nextWrite(), nextSync()]
    const promised = log.append(sampleEntry(1), { sync: true }).durable
    ;(await written).release()
    const end = await synced
    const underWay = nextWrite()
    const second = log.append(sampleEntry(2), { sync: true }).durable
    const third = log.append(sampleEntry(3)).durable
    const write = await underWay
    // The kernel tells of an error once: a second fsync would end well.
    const syncing = vi.spyOn(WrittenLogs.prototype, 'sync').mockRejectedValueOnce(new Error('IO error: EIO'))
    end()
    await setImmediate()
    expect(store.state.state).toBe('open')
    write.release()
    await expect.poll(() => [store.state.state, clock.timersPending]).toEqual(['failed', 1])
    for (const receipt of [promised, second, third]) expect(await hasSettled(receipt)).toBe(false)
    expect(syncing).toHaveBeenCalledTimes(1)
    openGate()
    const rewritten = vi.spyOn(Database.prototype, 'write')
    clock.advance(reopenDelayMs(0))
    await Promise.all([promised, second, third])
    expect(rewritten.mock.calls.map(([writes, sync]) => [writes.filter(isRecord).length, sync])).toEqual([[3, true]])
    expect((await readAll(log)).map(({ lsn }) => lsn)).toEqual([1, 2, 3])
  })

  it('[L182] no window ends in another fsync after one that failed while a write was under way', async () => {
    const { store, clock, nextWrite, nextSync, openGate } = await gatedStore()
    const log = await store.open('a')
    const [written, synced] = [nextWrite(), nextSync()]
    const promised = log.append(sampleEntry(1), { sync: true }).durable
    ;(await written).release()
    const end = await synced
    const plainWritten = nextWrite()
    const plain = log.append(sampleEntry(2)).durable
    ;(await plainWritten).release()
    await plain
    const underWay = nextWrite()
    log.append(sampleEntry(3))
    const write = await underWay
    const syncing = vi.spyOn(WrittenLogs.prototype, 'sync').mockRejectedValueOnce(new Error('IO error: EIO'))
    end()
    await setImmediate()
    clock.advance(10)
    await setImmediate()
    expect([await hasSettled(promised), syncing.mock.calls.length]).toEqual([false, 1])
    write.release()
    await expect.poll(() => [store.state.state, clock.timersPending]).toEqual(['failed', 1])
    openGate()
    clock.advance(reopenDelayMs(0))
    await promised
  })

  it('[L182] a write that fsyncs waits for the fsync under way, and covers nothing if that fails', async () => {
    const { store, clock, writes, nextWrite, nextSync, openGate } = await gatedStore()
    const log = await store.open('a')
    const [written, synced] = [nextWrite(), nextSync()]
    const promised = log.append(sampleEntry(1), { sync: true }).durable
    ;(await written).release()
    const end = await synced
    vi.spyOn(LogEnd.prototype, 'isNear').mockReturnValue(true)
    const last = log.append(sampleEntry(2)).durable
    await setImmediate()
    await setImmediate()
    expect(writes).toHaveLength(1)
    vi.spyOn(WrittenLogs.prototype, 'sync').mockRejectedValueOnce(new Error('IO error: EIO'))
    end()
    await expect.poll(() => [store.state.state, clock.timersPending]).toEqual(['failed', 1])
    expect([writes.length, await hasSettled(promised), await hasSettled(last)]).toEqual([1, false, false])
    openGate()
    clock.advance(reopenDelayMs(0))
    await Promise.all([promised, last])
  })
})
