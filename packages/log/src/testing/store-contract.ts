import { afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../clock.ts'
import type { EventStore, LogRecord } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import { parseLsn } from '../parse-lsn.ts'
import { itAdopts } from './adopting-contract.ts'
import { itKeepsChains } from './chain-contract.ts'
import { itFindsRecords } from './key-contract.ts'
import { listWorkspaces } from './list-workspaces.ts'
import { readAll } from './read-all.ts'
import { itDeletesWorkspaces } from './removal-contract.ts'
import { sampleEntry } from './sample-entry.ts'
import { itKeepsSnapshots } from './snapshot-contract.ts'
import { makeTestClock } from './test-clock.ts'
import { itWritesTurns } from './turn-contract.ts'

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })

/** Parts of the contract that not every store has. */
export interface StoreAbilities {
  /** The logs can be copies. */
  readonly isAdopting?: boolean
  /** Workspaces can be deleted. */
  readonly isDeleting?: boolean
  /** The system logs of a deleted workspace can be opened and written. */
  readonly isWritingDeleted?: boolean
  /** History can be dropped. */
  readonly isCompacting?: boolean
}

/** The contract of every event store. `open` gives a fresh, empty store that tells time by `clock`. */
export function describeEventStore(
  name: string,
  open: (clock: Clock) => Promise<EventStore>,
  { isAdopting = false, isDeleting = true, isWritingDeleted = isDeleting, isCompacting = true }: StoreAbilities = {},
): void {
  describe(`event store: ${name}`, () => {
    const stores: EventStore[] = []
    const clock = makeTestClock()
    const start = async (): Promise<EventStore> => {
      const store = await open(clock)
      stores.push(store)
      return store
    }
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close()
    })

    itFindsRecords(start, clock)
    if (isDeleting) itDeletesWorkspaces(start)
    itKeepsSnapshots(start, (byMs) => clock.advance(byMs))
    itWritesTurns(start, isWritingDeleted)
    itKeepsChains(start, isCompacting)
    if (isAdopting) itAdopts(start)

    it('[L1] append gives 1, 2, 3 … at once, for each workspace on its own', async () => {
      const store = await start()
      const a = await store.open('a')
      const b = await store.open('b')
      expect([a.head, b.head]).toEqual([0, 0])
      const lsns = [a, b, a, a, b].map((log, n) => log.append(sampleEntry(n)).lsn)
      expect(lsns).toEqual([1, 1, 2, 3, 2])
      expect([a.head, b.head]).toEqual([3, 2])
    })

    it('[L2] read gives everything append was given, in order, durable or not yet', async () => {
      const log = await (await start()).open('a')
      const entries = [
        sampleEntry(1),
        sampleEntry(2, { idempotencyKey: 'key', touched: [], actor: 'émile 🪚', connection: 'x'.repeat(300) }),
        sampleEntry(3, { update: new Uint8Array(0), actor: '', idempotencyKey: '' }),
        sampleEntry(4, { update: Buffer.alloc(100_000, 'wood ') }),
      ]
      const receipts = entries.map((entry) => log.append(entry))
      const given = entries.map((entry, n) => ({ ...entry, lsn: n + 1, at: clock.now() }))
      const plain = (records: LogRecord[]) =>
        records.map((record) => ({ ...record, update: Buffer.from(record.update) }))
      const expected = given.map((record) => ({ ...record, update: Buffer.from(record.update) }))
      expect(plain(await readAll(log))).toEqual(expected)
      await receipts.at(-1)?.durable
      expect(plain(await readAll(log))).toEqual(expected)
    })

    it('[L2] read gives what lies after one LSN and through another, up to the head', async () => {
      const log = await (await start()).open('a')
      for (let n = 1; n <= 5; n++) log.append(sampleEntry(n))
      await log.append(sampleEntry(6)).durable
      for (let n = 7; n <= 8; n++) log.append(sampleEntry(n))
      const lsns = async (after?: number, through?: number) =>
        (
          await readAll(log, {
            ...(after !== undefined && { after: parseLsn(after) }),
            ...(through !== undefined && { through: parseLsn(through) }),
          })
        ).map(({ lsn }) => lsn)
      expect(await lsns(4)).toEqual([5, 6, 7, 8])
      expect(await lsns(undefined, 3)).toEqual([1, 2, 3])
      expect(await lsns(5, 7)).toEqual([6, 7])
      expect(await lsns(6, 7)).toEqual([7])
      expect(await lsns(7, 7)).toEqual([])
      expect(await lsns(8)).toEqual([])
      expect(await lsns(0, 1_000)).toHaveLength(8)
      expect(await lsns(1_000, 2_000)).toEqual([])
    })

    it('[L2] read ends at the head of when it began while appends go on', async () => {
      const log = await (await start()).open('a')
      await log.append(sampleEntry(1)).durable
      const seen: number[] = []
      for await (const { lsn } of log.read()) {
        seen.push(lsn)
        await log.append(sampleEntry(lsn + 1)).durable
      }
      expect(seen).toEqual([1])
      expect(log.head).toBe(2)
    })

    it('[L3] a record is never older than the one before it when the clock goes back', async () => {
      const store = await start()
      const first = await store.open('a')
      const born = clock.now()
      await first.append(sampleEntry(1)).durable
      await first.close()
      clock.advance(-5_000)
      const second = await store.open('a')
      second.append(sampleEntry(2))
      clock.advance(60_000)
      await second.append(sampleEntry(3)).durable
      expect((await readAll(second)).map(({ at }) => at)).toEqual([born, born, born + 55_000])
    })

    it('[L5] appends of one turn of the event loop share one promise in each workspace', async () => {
      const store = await start()
      const a = await store.open('a')
      const b = await store.open('b')
      const receipts = [a.append(sampleEntry(1)), b.append(sampleEntry(1)), a.append(sampleEntry(2))]
      expect(receipts[2]?.durable).toBe(receipts[0]?.durable)
      await Promise.all(receipts.map(({ durable }) => durable))
    })

    it('[L6] open throws locked while the workspace is open, and lets in after close', async () => {
      const store = await start()
      const opening = store.open('a')
      await expect(store.open('a')).rejects.toEqual(code('locked'))
      const log = await opening
      await expect(store.open('a')).rejects.toEqual(code('locked'))
      await log.close()
      await log.close()
      await (await store.open('a')).close()
    })

    it('[L6] a log opened again at once finds every append made before', async () => {
      const store = await start()
      const first = await store.open('a')
      for (let n = 1; n <= 100; n++) first.append(sampleEntry(n))
      const { generation } = first
      await first.close()
      const second = await store.open('a')
      expect([second.head, second.generation]).toEqual([100, generation])
      expect(await readAll(second)).toHaveLength(100)
      expect(second.append(sampleEntry(101)).lsn).toBe(101)
    })

    it('[L7] a generation is made by the first append or by create, and kept', async () => {
      const store = await start()
      const a = await store.open('a')
      const b = await store.open('b')
      expect([a.generation, b.generation]).toEqual([undefined, undefined])
      const receipt = a.append(sampleEntry(1))
      const made = a.generation
      expect(made).toMatch(/^[\w-]{22}$/)
      await receipt.durable
      expect(await a.create()).toBe(made)
      const created = await b.create()
      expect(created).not.toBe(made)
      expect([await b.create(), b.generation, b.head]).toEqual([created, created, 0])
      b.append(sampleEntry(1))
      await b.close()
      expect((await store.open('b')).generation).toBe(created)
    })

    it('[L8] workspaces lists those that exist, in byte order; to open one does not make it exist', async () => {
      const store = await start()
      expect(await listWorkspaces(store)).toEqual([])
      const names = ['b', 'a/b', 'ab', '\u{10400}', '\uffee', 'B']
      for (const name of names) await (await store.open(name)).create()
      await store.open('only opened')
      expect(await listWorkspaces(store)).toEqual(['B', 'a/b', 'ab', 'b', '\uffee', '\u{10400}'])
    })

    it('[L9] a closed log throws closed', async () => {
      const log = await (await start()).open('a')
      await log.append(sampleEntry(1)).durable
      await log.close()
      expect(() => log.append(sampleEntry(2))).toThrow(code('closed'))
      await expect(log.create()).rejects.toEqual(code('closed'))
      await expect(readAll(log)).rejects.toEqual(code('closed'))
    })

    it('[L9] a closed store throws closed, and says so once to those who listen', async () => {
      const store = await start()
      const states: string[] = []
      store.onStateChange(({ state }) => states.push(state))
      store.onStateChange(() => states.push('unsubscribed'))()
      const log = await store.open('a')
      const receipt = log.append(sampleEntry(1))
      expect(store.state).toEqual({ state: 'open' })
      const closed = store.close()
      expect(store.state).toEqual({ state: 'closed' })
      await closed
      await receipt.durable
      await store.close()
      expect(states).toEqual(['closed'])
      expect(() => log.append(sampleEntry(2))).toThrow(code('closed'))
      await expect(readAll(log)).rejects.toEqual(code('closed'))
      await expect(store.open('b')).rejects.toEqual(code('closed'))
      await expect(listWorkspaces(store)).rejects.toEqual(code('closed'))
    })

    it('[L10] a record keeps what it was given when the caller uses its bytes again', async () => {
      const log = await (await start()).open('a')
      const update = new Uint8Array([1, 2, 3])
      const touched = ['x/content']
      const { durable } = log.append(sampleEntry(1, { update, touched }))
      update.fill(9)
      touched.push('y/content')
      await durable
      const [record] = await readAll(log)
      expect([[...(record?.update ?? [])], record?.touched]).toEqual([[1, 2, 3], ['x/content']])
    })

    it('[L11] a workspace name that is empty, too long or ill-formed is invalid', async () => {
      const store = await start()
      for (const bad of ['', 'é'.repeat(513), 'half \ud800 a pair']) {
        await expect(store.open(bad)).rejects.toEqual(code('invalid'))
      }
      expect((await store.open('é'.repeat(512))).head).toBe(0)
    })

    it('[L11] an update over 256 MiB is invalid and leaves no trace', async () => {
      const log = await (await start()).open('a')
      const update = new Uint8Array(256 * 1024 * 1024 + 1)
      expect(() => log.append(sampleEntry(1, { update }))).toThrow(code('invalid'))
      expect([log.head, log.generation]).toEqual([0, undefined])
    })
  })
}
