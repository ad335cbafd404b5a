import { describe, expect, it } from 'vitest'
import type { Clock } from '../clock.ts'
import type { EventStore, WorkspaceLog } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { openMemoryStore } from '../memory/memory-store.ts'
import type { LogObserver } from '../observer.ts'
import { isIntact, verifyDirectory } from '../operations/verify-directory.ts'
import { idempotencyKey, KIND, lsnOfRecordKey, recordKey, snapshotKey, snapshotKeyRange } from '../records/key.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { tamper } from '../testing/tamper.ts'
import { makeTestClock } from '../testing/test-clock.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
const DAY_MS = 86_400_000
const anything = (): void => undefined
const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })

/** States that share most of their bytes, so that each is packed against the one before. */
const stateAt = (lsn: number): Buffer => Buffer.concat([Buffer.alloc(20_000, 'joinery '), Buffer.from(`${lsn}`)])

/** 60 records, one a day, each tenth with a key and a snapshot. */
async function fill(log: WorkspaceLog, advance: (ms: number) => void): Promise<void> {
  for (let n = 1; n <= 60; n++) {
    await log.append(sampleEntry(n, n % 10 === 0 ? { idempotencyKey: `key ${n}` } : {})).durable
    if (n % 10 === 0) await log.snapshot({ lsn: n as Lsn, state: stateAt(n) })
    advance(DAY_MS)
  }
}

const stores: [string, (options: { clock: Clock; observer?: LogObserver }) => Promise<EventStore>][] = [
  ['memory', async (options) => openMemoryStore(options)],
  ['disk', async (options) => openLevelStore({ directory: await makeDirectory(), durability: 'async', ...options })],
]

describe.each(stores)('compaction on %s', (_, open) => {
  it.each([
    ['forever', 1],
    [{ events: 1_000 }, 1],
    // The last record that may be dropped is that of the snapshot at 20, and then the one before it.
    [{ events: 40 }, 21],
    [{ events: 41 }, 11],
    [{ events: 0 }, 51],
    [{ days: 1_000 }, 1],
    [{ days: 25.5 }, 31],
  ] as const)('[L48] drops what %j lets go and a snapshot stands for, and nothing else', async (keepHistory, first) => {
    const clock = makeTestClock()
    const store = await open({ clock })
    const log = await store.open('a')
    await fill(log, clock.advance)
    const before = await readAll(log)
    expect(await log.compact({ keepHistory, verify: anything })).toEqual({ dropped: first - 1, firstLsn: first })
    expect([log.firstLsn, log.head]).toEqual([first, 60])
    expect(await readAll(log)).toEqual(before.slice(first - 1))
    expect(await log.compact({ keepHistory, verify: anything })).toEqual({ dropped: 0, firstLsn: first })
    await store.close()
  })

  it('[L49] what is kept reads as before, what is dropped is invalid, and its keys are known', async () => {
    const clock = makeTestClock()
    const store = await open({ clock })
    const log = await store.open('a')
    await fill(log, clock.advance)
    const [atThirty, atFifty] = (await readAll(log)).filter(({ lsn }) => lsn === 30 || lsn === 50).map(({ at }) => at)
    await log.compact({ keepHistory: { events: 25 }, verify: anything })
    await expect(readAll(log, { after: 0 as Lsn })).rejects.toEqual(code('invalid'))
    expect(await log.latestSnapshot({ atOrBefore: 29 as Lsn })).toBeUndefined()
    for (const lsn of [30, 40, 60]) {
      const found = await log.latestSnapshot({ atOrBefore: (lsn + 5) as Lsn })
      expect([found?.lsn, Buffer.from(found?.state ?? [])]).toEqual([lsn, stateAt(lsn)])
    }
    expect([await log.lsnAt(atThirty ?? 0), await log.lsnAt(atFifty ?? 0)]).toEqual([0, 50])
    expect([await log.lsnOfKey('key 10'), await log.lsnOfKey('key 60')]).toEqual([10, 60])
    expect(() => log.append(sampleEntry(1, { idempotencyKey: 'key 10' }))).toThrow(code('duplicate_key'))
    expect(log.append(sampleEntry(61)).lsn).toBe(61)
    await log.close()
    const again = await store.open('a')
    expect([again.firstLsn, again.head, again.snapshotLsn]).toEqual([31, 61, 60])
    await store.close()
  })

  it('[L50] relies on no snapshot that does not load, and on an older one in its place', async () => {
    const clock = makeTestClock()
    const store = await open({ clock })
    const log = await store.open('a')
    await fill(log, clock.advance)
    const picky = (allowed: number) => (state: Uint8Array) => {
      if (!Buffer.from(state).equals(stateAt(allowed))) throw new Error('no document')
    }
    const keepHistory = { events: 5 }
    expect(await log.compact({ keepHistory, verify: picky(99) })).toEqual({ dropped: 0, firstLsn: 1 })
    expect(await log.compact({ keepHistory, verify: picky(20) })).toEqual({ dropped: 20, firstLsn: 21 })
    await expect(log.compact({ keepHistory: { days: -1 }, verify: anything })).rejects.toEqual(code('invalid'))
    await store.close()
  })
})

describe('compaction on disk', () => {
  it('[L50] relies on no snapshot that is damaged, and tells the observer', async () => {
    const directory = await makeDirectory()
    const clock = makeTestClock()
    const first = await openLevelStore({ directory, durability: 'async', clock })
    await fill(await first.open('a'), clock.advance)
    await first.close()
    await tamper(directory, async (level) => {
      const key = snapshotKey(0, 40 as Lsn, 0)
      const value = Buffer.from((await level.get(key)) ?? [])
      value[12] = (value[12] ?? 0) ^ 1
      await level.put(key, value)
    })
    const told: string[] = []
    const observer = { damaged: ({ message }: LogError) => void told.push(message) }
    const store = await openLevelStore({ directory, durability: 'async', clock, observer })
    const log = await store.open('a')
    expect(await log.compact({ keepHistory: { events: 15 }, verify: anything })).toEqual({ dropped: 30, firstLsn: 31 })
    expect(told[0]).toContain('the snapshot at 40 of workspace a')
    await store.close()
  })

  it.each(['damaged', 'gone'])(
    '[L35] a log that has lost what stands for its dropped records is corrupted: %s',
    async (how) => {
      const directory = await makeDirectory()
      const clock = makeTestClock()
      const first = await openLevelStore({ directory, durability: 'async', clock })
      const filled = await first.open('a')
      await fill(filled, clock.advance)
      expect(await filled.compact({ keepHistory: { events: 0 }, verify: anything })).toEqual({
        dropped: 50,
        firstLsn: 51,
      })
      await first.close()
      await tamper(directory, async (level) => {
        for await (const [key, value] of level.iterator(snapshotKeyRange(0))) {
          if (how === 'damaged') await level.put(key, Buffer.from(value).fill(1, 20, 24))
          else await level.del(key)
        }
      })
      const store = await openLevelStore({ directory, durability: 'async', clock })
      const log = await store.open('a')
      await expect(log.latestSnapshot()).rejects.toEqual(code('corrupted'))
      // At a time before the first record there is nothing to lose.
      expect(await log.latestSnapshot({ atOrBefore: 49 as Lsn })).toBeUndefined()
      await log.close()
      await expect(store.openDamaged('a')).rejects.toEqual(code('corrupted'))
      await store.close()
    },
  )

  it('[L51] leaves a directory that verifies, sealed records or not, with nothing of what was dropped but its keys', async () => {
    const directory = await makeDirectory()
    const clock = makeTestClock()
    const store = await openLevelStore({ directory, durability: 'async', clock })
    const log = await store.open('a')
    for (let round = 0; round < 4; round++) {
      for (let n = 1; n <= 100; n++) log.append(sampleEntry(n))
      await log.append(sampleEntry(0, { idempotencyKey: `round ${round}` })).durable
      await log.snapshot({ lsn: log.head, state: stateAt(log.head) })
      await log.seal({ through: (log.head - 20) as Lsn })
    }
    const before = await readAll(log)
    expect(await log.compact({ keepHistory: { events: 150 }, verify: anything })).toEqual({
      dropped: 202,
      firstLsn: 203,
    })
    expect(await readAll(log)).toEqual(before.slice(202))
    await log.seal()
    expect(await readAll(log)).toEqual(before.slice(202))
    await store.close()
    expect(isIntact(await verifyDirectory(directory))).toBe(true)
    const kept = { records: 0, snapshots: new Set<number>() }
    await tamper(directory, async (level) => {
      for await (const key of level.keys()) {
        if (key[0] === KIND.record && lsnOfRecordKey(key) < 203) kept.records++
        if (key[0] === KIND.snapshot) kept.snapshots.add(lsnOfRecordKey(key))
      }
      expect(await level.get(idempotencyKey(0, 'round 0'))).toBeDefined()
    })
    expect(kept).toEqual({ records: 0, snapshots: new Set([202, 303, 404]) })
  })

  it('[L51] cut short before anything was deleted, it has lost nothing, and the next time deletes it', async () => {
    const directory = await makeDirectory()
    const clock = makeTestClock()
    const store = await openLevelStore({ directory, durability: 'async', clock })
    const log = await store.open('a')
    await fill(log, clock.advance)
    const before = await readAll(log)
    const saved: [Uint8Array, Uint8Array][] = []
    await store.close()
    await tamper(directory, async (level) => {
      for await (const entry of level.iterator(snapshotKeyRange(0))) saved.push(entry)
      for (let lsn = 1; lsn <= 30; lsn++) {
        const key = recordKey(0, lsn as Lsn)
        saved.push([key, (await level.get(key)) ?? new Uint8Array(0)])
      }
    })
    const second = await openLevelStore({ directory, durability: 'async', clock })
    await (await second.open('a')).compact({ keepHistory: { events: 25 }, verify: anything })
    await second.close()
    // As after a kill when the extent had moved and nothing was deleted yet.
    await tamper(directory, async (level) => {
      for (const [key, value] of saved) if ((await level.get(key)) === undefined) await level.put(key, value)
    })
    expect(isIntact(await verifyDirectory(directory))).toBe(true)
    const third = await openLevelStore({ directory, durability: 'async', clock })
    const again = await third.open('a')
    expect(await readAll(again)).toEqual(before.slice(30))
    expect(await again.compact({ keepHistory: { events: 25 }, verify: anything })).toEqual({ dropped: 0, firstLsn: 31 })
    await third.close()
    await tamper(directory, async (level) => {
      expect(await level.get(recordKey(0, 30 as Lsn))).toBeUndefined()
    })
  })
})
