import { afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../clock.ts'
import type { EventStore, LogState, WorkspaceLog } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import { parseLsn } from '../parse-lsn.ts'
import { readAll } from './read-all.ts'
import { sampleEntry } from './sample-entry.ts'
import { makeTestClock } from './test-clock.ts'

/** A fresh, empty store, and a way to take a workspace away from it. */
export interface FencedScene {
  readonly store: EventStore
  /**
   * Has another writer take over the workspace, whose log is open. Resolves when the log is fenced, before anything is
   * durable that was appended in the turn of the call.
   */
  fence(workspace: string): void | Promise<void>
}

/** A fresh, empty store, and a way to have it find an idempotency key too late. */
export interface LateScene {
  readonly store: EventStore
  /** Makes the workspace's open log, which has a record with this key, notice that only while it writes another. */
  overlook(workspace: string, idempotencyKey: string): void | Promise<void>
}

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })

const texts = async (log: WorkspaceLog) =>
  (await readAll(log)).map(({ lsn, update }) => [lsn, Buffer.from(update).toString()])

/** The contract of every event store that can lose one log alone. `open` gives a store that tells time by `clock`. */
export function describeFencing(name: string, open: (clock: Clock) => Promise<FencedScene>): void {
  describe(`fenced logs: ${name}`, () => {
    const start = closedAfterwards(open)

    it('[L61] a fenced log says so to its listeners, once and for good, while the others go on', async () => {
      const { store, fence } = await start()
      const [log, other] = [await store.open('a'), await store.open('b')]
      await log.append(sampleEntry(1)).durable
      const heard: LogState[] = []
      log.onStateChange((state) => heard.push(state))
      log.onStateChange(() => expect.fail('it has unsubscribed'))()
      other.onStateChange(({ state }) => expect(state).toBe('closed'))
      expect(log.state).toEqual({ state: 'open' })
      await fence('a')
      expect(log.state).toEqual({ state: 'fenced', error: code('fenced') })
      expect(heard).toEqual([log.state])
      expect([store.state, other.state]).toEqual([{ state: 'open' }, { state: 'open' }])
      await other.append(sampleEntry(1)).durable
      await store.close()
      expect([log.state.state, heard.length, other.state.state]).toEqual(['fenced', 1, 'closed'])
    })

    it('[L62] what would write throws fenced once the log is fenced', async () => {
      const { store, fence } = await start()
      const log = await store.open('a')
      for (let n = 1; n <= 3; n++) await log.append(sampleEntry(n)).durable
      await fence('a')
      expect(() => log.append(sampleEntry(4))).toThrow(code('fenced'))
      await expect(log.create()).rejects.toEqual(code('fenced'))
      await expect(log.snapshot({ lsn: parseLsn(2), state: Buffer.from('x') })).rejects.toEqual(code('fenced'))
      await expect(log.seal()).rejects.toEqual(code('fenced'))
      const policy = { keepHistory: { events: 1 }, verify: () => undefined }
      await expect(log.compact(policy)).rejects.toEqual(code('fenced'))
      expect([log.head, log.snapshotLsn]).toEqual([3, 0])
    })

    it('[L62] what waits to be durable rejects with fenced, and what was appended elsewhere in that turn does not', async () => {
      const { store, fence } = await start()
      const [log, other] = [await store.open('a'), await store.open('b')]
      await log.append(sampleEntry(1)).durable
      const waiting = [
        log.append(sampleEntry(2)).durable,
        log.append(sampleEntry(3, { idempotencyKey: 'key' })).durable,
        log.snapshot({ lsn: parseLsn(1), state: Buffer.from('x') }),
        log.seal(),
      ]
      const elsewhere = other.append(sampleEntry(1))
      const outcomes = Promise.allSettled(waiting)
      await fence('a')
      for (const outcome of await outcomes) expect(outcome).toEqual({ status: 'rejected', reason: code('fenced') })
      await elsewhere.durable
    })

    it('[L63] a fenced log is read from its first record through all that was durable', async () => {
      const { store, fence } = await start()
      const log = await store.open('a')
      log.append(sampleEntry(1, { idempotencyKey: 'one' }))
      await log.append(sampleEntry(2)).durable
      await log.snapshot({ lsn: parseLsn(1), state: Buffer.from('state') })
      log.append(sampleEntry(3))
      await fence('a')
      const records = await texts(log)
      expect(records.slice(0, 2)).toEqual([
        [1, 'update 1'],
        [2, 'update 2'],
      ])
      expect(records.slice(2)).toEqual([[3, 'update 3']].slice(0, records.length - 2))
      expect(await log.lsnOfKey('one')).toBe(1)
      expect(Buffer.from((await log.latestSnapshot())?.state ?? []).toString()).toBe('state')
    })

    it('[L63] a fenced log closes, whatever waits in it, and lets another open in', async () => {
      const { store, fence } = await start()
      const log = await store.open('a')
      await log.append(sampleEntry(1)).durable
      const { durable } = log.append(sampleEntry(2))
      await fence('a')
      await log.close()
      await expect(durable).rejects.toEqual(code('fenced'))
      const again = await store.open('a')
      expect([again.state, log.state.state]).toEqual([{ state: 'open' }, 'fenced'])
      const lsn = again.head + 1
      await again.append(sampleEntry(lsn)).durable
      expect((await texts(again)).at(-1)).toEqual([lsn, `update ${lsn}`])
    })
  })
}

/** The contract of every event store that may find a taken idempotency key only while it writes. */
export function describeLateRefusal(name: string, open: (clock: Clock) => Promise<LateScene>): void {
  describe(`late refusals: ${name}`, () => {
    const start = closedAfterwards(open)

    it('[L64] a record refused late is not written, nor what was appended behind it, and its log is fenced', async () => {
      const { store, overlook } = await start()
      const log = await store.open('a')
      await log.append(sampleEntry(1, { idempotencyKey: 'key' })).durable
      await overlook('a', 'key')
      const heard: string[] = []
      log.onStateChange(({ state }) => heard.push(state))
      expect(await log.lsnOfKey('key')).toBeUndefined()
      const before = log.append(sampleEntry(2))
      const refused = log.append(sampleEntry(3, { idempotencyKey: 'key' }))
      const behind = log.append(sampleEntry(4))
      expect([refused.lsn, behind.lsn, log.head]).toEqual([3, 4, 4])
      expect((await texts(log)).length).toBe(4)
      await before.durable
      await expect(refused.durable).rejects.toMatchObject({ name: 'LogError', code: 'duplicate_key', lsn: 1 })
      await expect(behind.durable).rejects.toEqual(code('fenced'))
      expect([log.state.state, heard]).toEqual(['fenced', ['fenced']])
      expect(() => log.append(sampleEntry(5))).toThrow(code('fenced'))
      await log.close()
      const again = await store.open('a')
      expect(await texts(again)).toEqual([
        [1, 'update 1'],
        [2, 'update 2'],
      ])
      expect(await again.lsnOfKey('key')).toBe(1)
      expect(() => again.append(sampleEntry(3, { idempotencyKey: 'key' }))).toThrow(code('duplicate_key'))
      expect(again.append(sampleEntry(3)).lsn).toBe(3)
    })
  })
}

/** Wraps `open`: every store that it opens is closed after the test. */
function closedAfterwards<S extends { readonly store: EventStore }>(open: (clock: Clock) => Promise<S>) {
  const scenes: S[] = []
  const clock = makeTestClock()
  afterEach(async () => {
    for (const { store } of scenes.splice(0)) await store.close()
  })
  return async (): Promise<S> => {
    const scene = await open(clock)
    scenes.push(scene)
    return scene
  }
}
