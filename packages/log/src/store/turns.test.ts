import { afterEach, describe, expect, it, vi } from 'vitest'
import { reopenDelayMs } from '../disk/back-off.ts'
import { Database } from '../disk/database.ts'
import type { EventStore, WorkspaceLog } from '../event-store.ts'
import { KIND, lsnOfRecordKey, numberOfKey } from '../records/key.ts'
import type { Write } from '../records/write.ts'
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

const recordsIn = (writes: readonly Write[]): string[] =>
  writes.flatMap(({ key }) => (key[0] === KIND.record ? [`${numberOfKey(key)}/${lsnOfRecordKey(key)}`] : []))

/** Lets the writes of every handle through, and notes which records each batch holds. `fail` makes a write fail. */
function watchBatches(fail: () => boolean = () => false): string[][] {
  const batches: string[][] = []
  const { write } = Database.prototype
  vi.spyOn(Database.prototype, 'write').mockImplementation(async function (this: Database, writes, sync) {
    if (fail()) throw new Error('IO error: /data/000005.log: No space left on device')
    await write.call(this, writes, sync)
    batches.push(recordsIn(writes))
  })
  return batches
}

const openAll = (store: EventStore, names: readonly string[]): Promise<WorkspaceLog[]> =>
  Promise.all(names.map((name) => store.open(name)))

describe('one turn', () => {
  for (const durability of ['async', 'sync'] as const) {
    it(`[L67] appends to five logs are one batch at ${durability}, while others are on their way, too`, async () => {
      const store = await openLevelStore({ directory: await makeDirectory(), durability })
      stores.push(store)
      const logs = await openAll(store, ['a', '!work', '!work/a', 'b', 'c'])
      const batches = watchBatches()
      const turns: Promise<unknown>[] = []
      for (let turn = 1; turn <= 40; turn++) {
        const receipts = logs.map((log, n) => log.append(sampleEntry(turn), { sync: (turn + n) % 7 === 0 }))
        turns.push(Promise.all(receipts.map(({ durable }) => durable)))
        if (turn % 3 === 0) await turns.at(-1)
        else if (turn % 3 === 1) await new Promise((resolve) => setImmediate(resolve))
        else await Promise.resolve()
      }
      await Promise.all(turns)
      for (let turn = 1; turn <= 40; turn++) {
        const ofTurn = batches.map((batch) => batch.filter((record) => record.endsWith(`/${turn}`)).length)
        expect(
          ofTurn.filter((records) => records > 0),
          `turn ${turn}`,
        ).toEqual([5])
      }
    })

    it(`[L67, L24] a turn that was not written at ${durability} is written again in one batch, also among thousands`, async () => {
      const clock = makeTestClock()
      const directory = await makeDirectory()
      const store = await openLevelStore({ directory, durability, clock })
      stores.push(store)
      const logs = await openAll(store, ['a', '!work/a'])
      await Promise.all(logs.map((log) => log.append(sampleEntry(1)).durable))
      let isFull = true
      const batches = watchBatches(() => isFull)
      // More than one batch of a rewrite holds: the next group is whole all the same.
      for (let n = 2; n <= 3_001; n++) for (const log of logs) log.append(sampleEntry(n))
      const { durable } = logs[0]?.append(sampleEntry(3_002)) ?? { durable: undefined }
      await expect.poll(() => store.state.state === 'failed' && clock.timersPending === 1).toBe(true)
      isFull = false
      clock.advance(reopenDelayMs(0))
      await durable
      // At async the turn before it may be written again with it, or in a batch of its own.
      const ofTurn = batches.map((batch) => batch.filter((record) => !record.endsWith('/1')).length)
      expect(ofTurn.filter((records) => records > 0)).toEqual([6_001])
      const heads = await Promise.all(logs.map(async (log) => (await readAll(log)).length))
      expect(heads).toEqual([3_002, 3_001])
    })
  }
})
