import type { LogRecord, Lsn } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import type { TailOptions, Tails } from '../inside/tail.ts'

/** Tails under test, and control over the log that they read. Each scene begins without workspaces. */
export interface TailScene {
  readonly tails: Tails
  /** Appends one record, and makes the workspace if there is none. Resolves with the record when it is durable. */
  append(workspace: WorkspaceId): Promise<LogRecord>
  /** Reads all records of the log, in order, without a tail. */
  read(workspace: WorkspaceId): Promise<LogRecord[]>
  /** Keeps every later append from becoming durable until the returned function is called. */
  holdDurability(): () => void
  /** Drops every record before the newest one. */
  dropHistory(workspace: WorkspaceId): Promise<void>
  delete(workspace: WorkspaceId): Promise<void>
  /** Ends the scene. Idempotent. */
  close(): Promise<void>
}

const W = 'w' as WorkspaceId
const START = 0 as Lsn
/** Number of records that is above a tail's limit in memory for a slow reader. */
const MANY = 1_500

const code = (expected: string) => expect.objectContaining({ code: expected })

/** Tests that every implementation of {@link Tails} must pass. */
export function describeTail(name: string, open: () => Promise<TailScene>): void {
  describe(`tail: ${name}`, () => {
    const scenes: TailScene[] = []
    const readers: AsyncIterator<LogRecord>[] = []
    const start = async (): Promise<TailScene> => {
      const scene = await open()
      scenes.push(scene)
      return scene
    }
    const read = ({ tails }: TailScene, options: TailOptions): AsyncIterator<LogRecord> => {
      const reader = tails.tail(W, options)[Symbol.asyncIterator]()
      readers.push(reader)
      return reader
    }
    afterEach(async () => {
      for (const scene of scenes.splice(0)) await scene.close()
      await Promise.allSettled(readers.splice(0).map((reader) => reader.return?.()))
    })

    it('[S80] a tail gives the records of the log, then new ones, each once and in order', async () => {
      const scene = await start()
      for (let n = 0; n < 3; n++) await scene.append(W)
      const tail = read(scene, { after: START })
      const given = await take(tail, 3)
      for (let n = 0; n < 3; n++) {
        const next = take(tail, 1)
        await scene.append(W)
        given.push(...(await next))
      }
      expect(given.map(plain)).toEqual((await scene.read(W)).map(plain))
      expect(given.map(({ lsn }) => lsn)).toEqual([1, 2, 3, 4, 5, 6])
    })

    it('[S80] a tail begins after the LSN that it is given, also where nothing was ever written', async () => {
      const scene = await start()
      const first = take(read(scene, { after: START }), 1)
      for (let n = 0; n < 3; n++) await scene.append(W)
      expect((await first)[0]?.lsn).toBe(1)
      expect((await take(read(scene, { after: 2 as Lsn }), 1))[0]?.lsn).toBe(3)
      const atHead = take(read(scene, { after: 3 as Lsn }), 1)
      await scene.append(W)
      expect((await atHead)[0]?.lsn).toBe(4)
    })

    it('[S81] a tail gives no record before it is durable', async () => {
      const scene = await start()
      await scene.append(W)
      const live = read(scene, { after: START })
      await take(live, 1)
      const release = scene.holdDurability()
      const appended = [scene.append(W), scene.append(W)]
      let given = 0
      const next = take(live, 2).then((records) => {
        given = records.length
        return records
      })
      const late = read(scene, { after: START })
      expect((await take(late, 1))[0]?.lsn).toBe(1)
      const lateNext = take(late, 2).then((records) => {
        given = records.length
        return records
      })
      // Another tail reads to the end meanwhile. So both tails are at the end of the durable records.
      await take(read(scene, { after: START }), 1)
      expect(given).toBe(0)
      release()
      await Promise.all(appended)
      expect([...(await next), ...(await lateNext)].map(({ lsn }) => lsn)).toEqual([2, 3, 2, 3])
    })

    it('[S82] a slow tail gives every record all the same, and one beside it is not held up', async () => {
      const scene = await start()
      await scene.append(W)
      const slow = read(scene, { after: START })
      const fast = read(scene, { after: START })
      await take(slow, 1)
      const all = take(fast, MANY + 1)
      for (let n = 0; n < MANY; n++) await scene.append(W)
      const lsns = (await all).map(({ lsn }) => lsn)
      expect(lsns).toEqual(Array.from({ length: MANY + 1 }, (_, index) => index + 1))
      const rest = take(slow, MANY + 1)
      await scene.append(W)
      expect((await rest).map(({ lsn }) => lsn)).toEqual([...lsns.slice(1), MANY + 2])
    })

    it('[S80] many tails of one workspace, each at another LSN, give the same records', async () => {
      const scene = await start()
      for (let n = 0; n < 20; n++) await scene.append(W)
      const tails = Array.from({ length: 20 }, (_, after) => take(read(scene, { after: after as Lsn }), 30 - after))
      for (let n = 0; n < 10; n++) await scene.append(W)
      const records = (await scene.read(W)).map(plain)
      for (const [after, given] of (await Promise.all(tails)).entries()) {
        expect(given.map(plain)).toEqual(records.slice(after))
      }
    })

    it('[S83] a tail ends without an error when its signal aborts', async () => {
      const scene = await start()
      await scene.append(W)
      await scene.append(W)
      const early = read(scene, { after: START, signal: AbortSignal.abort() })
      expect((await early.next()).done).toBe(true)
      const stop = new AbortController()
      const waiting = read(scene, { after: START, signal: stop.signal })
      await take(waiting, 2)
      const behind = read(scene, { after: START, signal: stop.signal })
      await take(behind, 1)
      const next = waiting.next()
      stop.abort()
      expect((await next).done).toBe(true)
      expect((await behind.next()).done).toBe(true)
    })

    it('[S83] the tails of a deleted workspace throw workspace_deleted', async () => {
      const scene = await start()
      await scene.append(W)
      const tail = read(scene, { after: START })
      await take(tail, 1)
      const next = expect(tail.next()).rejects.toEqual(code('workspace_deleted'))
      await scene.delete(W)
      await next
      await expect(read(scene, { after: START }).next()).rejects.toEqual(code('workspace_deleted'))
      expect((await tail.next()).done).toBe(true)
    })

    it('[S83] a tail throws history_dropped where records are no longer kept, and unknown_lsn beyond the end', async () => {
      const scene = await start()
      for (let n = 0; n < 5; n++) await scene.append(W)
      await scene.dropHistory(W)
      await expect(read(scene, { after: START }).next()).rejects.toEqual(code('history_dropped'))
      expect((await take(read(scene, { after: 4 as Lsn }), 1))[0]?.lsn).toBe(5)
      await expect(read(scene, { after: 6 as Lsn }).next()).rejects.toEqual(code('unknown_lsn'))
    })

    it('[S83] a tail that waits throws when its store is closed', async () => {
      const scene = await start()
      await scene.append(W)
      const tail = read(scene, { after: START })
      await take(tail, 1)
      const next = expect(tail.next()).rejects.toThrow()
      await scene.close()
      await next
    })
  })
}

async function take(tail: AsyncIterator<LogRecord>, count: number): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  while (records.length < count) {
    const { done, value } = await tail.next()
    if (done) throw new Error(`the tail ended after ${records.length} of ${count} records`)
    records.push(value)
  }
  return records
}

/** A record with its update in hex: equal updates then compare as equal, also when one is a view of a larger array. */
function plain(record: LogRecord) {
  return { ...record, update: Buffer.from(record.update).toString('hex') }
}
