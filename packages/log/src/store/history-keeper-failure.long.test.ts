import { cp } from 'node:fs/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Clock } from '../clock.ts'
import { Database } from '../disk/database.ts'
import type { EventStore, LogEntry, WorkspaceLog } from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { readAll } from '../testing/read-all.ts'
import { sampleEntry } from '../testing/sample-entry.ts'
import { testDirectories } from '../testing/test-directory.ts'
import { openLevelStore } from './level-store.ts'

const makeDirectory = testDirectories()
afterEach(() => void vi.restoreAllMocks())

/** So long that no window ends: an fsync has another reason, or does not happen. */
const WINDOW_MS = 1_000_000
const clock: Clock = {
  now: () => 1_700_000_000_000,
  after(delayMs, call) {
    const soon = delayMs < WINDOW_MS ? setImmediate(call) : undefined
    return () => clearImmediate(soon)
  },
}
const open = (directory: string) =>
  openLevelStore({
    directory,
    durability: 'async',
    windowMs: WINDOW_MS,
    clock,
  })

/**
 * How a write fails: either nothing of it reaches the disk, or all of it does and the disk reports an error, as a
 * failing fsync may.
 */
type Failure = 'refused' | 'kept'

interface Faults {
  /** Whether the write that was to fail has come. */
  readonly isOver: boolean
  /** Copies of the directory as a kill at each write of the recovery would leave it. */
  readonly copies: string[]
}

/** From now on, the `nth` write of `store` fails. */
function failWrite(store: EventStore, directory: string, nth: number, failure: Failure): Faults {
  const faults = { isOver: false, copies: [] as string[] }
  let writes = 0
  const write = Database.prototype.write
  vi.spyOn(Database.prototype, 'write').mockImplementation(async function (this: Database, batch, sync) {
    const fails = ++writes === nth
    if (!fails || failure === 'kept') await write.call(this, batch, sync)
    if (fails) {
      faults.isOver = true
      throw new LogError('storage_failed', 'the disk said no')
    }
    if (store.state.state !== 'failed') return
    const copy = await makeDirectory()
    await cp(directory, copy, { recursive: true })
    faults.copies.push(copy)
  })
  return faults
}

async function whenOpen(store: EventStore): Promise<void> {
  while (store.state.state === 'failed') {
    await new Promise<void>((resolve) => {
      const unsubscribe = store.onStateChange(() => {
        unsubscribe()
        resolve()
      })
    })
  }
}

/** Fewer records than a segment holds: the first segment replaces records that are fsynced and records that are not. */
const SYNCED = 500
/** Together with the writes of sealing, more than a recovery writes at once. */
const UNSYNCED = 3_300
/** Every day every so many writes fail, from a random one on: a quarter of them. Nightly, all. */
const STEP = process.env.JOINERY_NIGHTLY === undefined ? 4 : 1
const entry = (n: number): LogEntry => sampleEntry(n, { touched: ['block/content'] })

async function fill(log: WorkspaceLog): Promise<void> {
  for (let n = 1; n < SYNCED; n++) log.append(entry(n))
  await log.append(entry(SYNCED), { sync: true }).durable
  for (let n = SYNCED + 1; n < SYNCED + UNSYNCED; n++) log.append(entry(n))
  await log.append(entry(SYNCED + UNSYNCED)).durable
}

/** Tries until storage works: a reader of a failed handle gets the storage error. */
async function insist<T>(store: EventStore, work: () => T | Promise<T>): Promise<T> {
  for (;;) {
    await whenOpen(store)
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'storage_failed') throw error
    }
  }
}

/** Seals, takes a snapshot and drops what it covers, while others append. */
async function keepUp(store: EventStore, log: WorkspaceLog): Promise<void> {
  const append = () => insist(store, () => log.append(entry(log.head + 1)).durable)
  await Promise.all([insist(store, () => log.seal()), append(), append()])
  await append()
  const lsn = (log.head - 1) as Lsn
  await insist(store, () => log.snapshot({ lsn, state: Buffer.alloc(1_000) }))
  const policy = { keepHistory: { events: 1 }, verify: () => {} }
  await Promise.all([insist(store, () => log.compact(policy)), append()])
  await append()
}

/** Checks that everything from the first kept record to `head` reads as it was appended. */
async function expectWhole(log: WorkspaceLog, head: number): Promise<void> {
  const records = await readAll(log)
  const found = records.map(({ lsn, update }) => `${lsn} ${Buffer.from(update)}`)
  const expected = Array.from(
    { length: head - log.firstLsn + 1 },
    (_, n) => `${log.firstLsn + n} update ${log.firstLsn + n}`,
  )
  expect(found.slice(0, expected.length)).toEqual(expected)
}

describe.each(['refused', 'kept'] as const)('a write that is %s while a log is kept up', (failure) => {
  it('[L24, L43, L51] loses nothing and holds nothing up, whichever it is and wherever its recovery is cut short', async () => {
    for (let nth = 1 + Math.floor(Math.random() * STEP), isOver = true; isOver; nth += STEP) {
      const directory = await makeDirectory()
      const store = await open(directory)
      const log = await store.open('a')
      await fill(log)
      const faults = failWrite(store, directory, nth, failure)
      await keepUp(store, log)
      await expectWhole(log, SYNCED + UNSYNCED + 5)
      vi.restoreAllMocks()
      await store.close()
      for (const copy of faults.copies) {
        const cut = await open(copy)
        await expectWhole(await cut.open('a'), SYNCED + UNSYNCED)
        await cut.close()
      }
      const again = await open(directory)
      await expectWhole(await again.open('a'), SYNCED + UNSYNCED + 5)
      await again.close()
      isOver = faults.isOver
    }
  })
})
