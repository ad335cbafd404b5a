import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Lsn } from '../lsn.ts'
import { KIND, lsnOfRecordKey, ownRange, recordKeyRange, segmentKeyRange } from '../records/key.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { tamper } from '../testing/tamper.ts'
import { makeTestClock } from '../testing/test-clock.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { levelStoreOf, openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()

it('[L43] sealing changes nothing that is read: records, ranges of them, times and keys, while appends go on', async () => {
  const clock = makeTestClock()
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'async', clock })
  const log = await store.open('a')
  for (let n = 1; n <= 1_000; n++) {
    log.append(sampleEntry(n, n % 90 === 0 ? { idempotencyKey: `key ${n}`, update: Buffer.alloc(90_000, `${n}`) } : {}))
    if (n % 10 === 0) clock.advance(1_000)
  }
  await log.append(sampleEntry(1_001)).durable
  const look = async () => ({
    all: await readAll(log, { through: 1_001 as Lsn }),
    middle: (await readAll(log, { after: 333 as Lsn, through: 777 as Lsn })).map(({ lsn }) => lsn),
    times: await Promise.all([0, 9_999, 50_500, 99_000].map((ms) => log.lsnAt(1_700_000_000_000 + ms))),
    keys: await Promise.all([90, 540, 990].map((n) => log.lsnOfKey(`key ${n}`))),
  })
  const before = await look()
  const sealing = log.seal()
  const { lsn, durable } = log.append(sampleEntry(1_002))
  const sealed = await sealing
  await durable
  expect(lsn).toBe(1_002)
  expect(sealed.records).toBeGreaterThan(900)
  expect(sealed.bytesAfter).toBeLessThan(sealed.bytesBefore / 5)
  expect(await look()).toEqual(before)
  await log.close()
  const again = await store.open('a')
  expect([again.head, (await readAll(again)).length]).toEqual([1_002, 1_002])
  await store.close()
})

it('[L43] a segment takes the place of its records, a few dozen and the head wait for more', async () => {
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  for (let n = 1; n <= 30; n++) log.append(sampleEntry(n))
  await log.append(sampleEntry(31)).durable
  expect(await log.seal()).toEqual({ records: 0, bytesBefore: 0, bytesAfter: 0 })
  for (let n = 32; n <= 199; n++) log.append(sampleEntry(n))
  await log.append(sampleEntry(200)).durable
  expect((await log.seal({ through: 150 as Lsn })).records).toBe(150)
  await store.close()
  await tamper(directory, async (level) => {
    const keys = (kind: number) => level.keys(ownRange(kind, 0)).all()
    expect((await keys(KIND.segment)).map(lsnOfRecordKey)).toEqual([1])
    expect((await keys(KIND.record)).map(lsnOfRecordKey)).toEqual(Array.from({ length: 50 }, (_, n) => 151 + n))
  })
})

it('[L44] a damaged record throws corrupted where it is, with those before it sealed and nothing lost', async () => {
  const directory = await makeDirectory()
  const first = await openLevelStore({ directory, durability: 'async' })
  const log = await first.open('a')
  for (let n = 1; n <= 5_000; n++) log.append(sampleEntry(n))
  await log.append(sampleEntry(5_001)).durable
  await first.close()
  await tamper(directory, async (level) => {
    const [key] = (await level.keys(ownRange(KIND.record, 0)).all()).slice(4_499)
    if (key !== undefined) await level.put(key, Buffer.alloc(30))
  })
  const store = await openLevelStore({ directory, durability: 'async' })
  const damaged = await store.open('a')
  await expect(damaged.seal()).rejects.toMatchObject({ code: 'corrupted', message: expect.stringContaining('4500') })
  const records = await readAll(damaged, { through: 4_499 as Lsn })
  expect(records.map(({ update }) => Buffer.from(update).toString()).at(-1)).toBe('update 4499')
  expect(await readAll(damaged, { after: 4_500 as Lsn })).toHaveLength(501)
  await store.close()
})

it('[L53] sealing gives back what records took, a few at a time as they come, and compaction what segments took', async () => {
  const directory = await makeDirectory()
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('a')
  // Twice what LevelDB keeps in memory and no more: LevelDB has no reason yet to rewrite tables by itself.
  for (let n = 1; n <= 80; n++) {
    for (let m = 1; m < 100; m++) log.append(sampleEntry(n, { update: randomBytes(1_000) }))
    await log.append(sampleEntry(n)).durable
    await log.seal()
  }
  const { disk } = levelStoreOf(store)
  expect(await disk.approximateBytes(recordKeyRange(0))).toBeLessThan(1024 * 1024)
  expect(await disk.approximateBytes(segmentKeyRange(0))).toBeGreaterThan(4 * 1024 * 1024)
  await log.snapshot({ lsn: log.head, state: Buffer.alloc(1) })
  await log.append(sampleEntry(0)).durable
  await log.compact({ keepHistory: { events: 1 }, verify: () => {} })
  expect(log.firstLsn).toBe(log.head)
  expect(await disk.approximateBytes(segmentKeyRange(0))).toBeLessThan(1024 * 1024)
  await store.close()
})
