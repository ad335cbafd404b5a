import { expect, it } from 'vitest'
import type { EventStore, WorkspaceLog } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import { parseLsn } from '../parse-lsn.ts'
import { readAll } from './read-all.ts'
import { sampleEntry } from './sample-entry.ts'

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })
const lsn = parseLsn

/** Appends up to `head` and waits until that is durable. */
export async function appendTo(log: WorkspaceLog, head: number): Promise<void> {
  let durable = Promise.resolve()
  while (log.head < head) durable = log.append(sampleEntry(log.head + 1)).durable
  await durable
}

/** A state that grows with its LSN, mostly by what is new. */
export function sampleState(at: number): Buffer {
  return Buffer.concat(
    Array.from({ length: at }, (_, n) => Buffer.from(`${n} ${(n * 2_654_435_761) % 4_294_967_291} `)),
  )
}

/** The behaviour of every store with snapshots. `start` gives a fresh store. */
export function itKeepsSnapshots(start: () => Promise<EventStore>, advance: (byMs: number) => void): void {
  it('[L30] a snapshot gives back its state, its annex and the time of its record', async () => {
    const log = await (await start()).open('a')
    await appendTo(log, 3)
    advance(5_000)
    await appendTo(log, 5)
    expect(await log.latestSnapshot()).toBeUndefined()
    const state = sampleState(100)
    await log.snapshot({ lsn: lsn(3), state, annex: Buffer.from('stamps') })
    const [, , third] = await readAll(log)
    state.fill(0)
    const found = await log.latestSnapshot()
    expect([found?.lsn, found?.at, log.snapshotLsn]).toEqual([3, third?.at, 3])
    expect(Buffer.from(found?.annex ?? []).toString()).toBe('stamps')
    expect(Buffer.from(found?.state ?? []).equals(sampleState(100))).toBe(true)
    await log.snapshot({ lsn: lsn(5), state: new Uint8Array(0) })
    const empty = await log.latestSnapshot()
    expect([empty?.lsn, empty?.state.length, empty?.annex.length]).toEqual([5, 0, 0])
  })

  it('[L30] appends and reads go on while a snapshot is written', async () => {
    const log = await (await start()).open('a')
    await appendTo(log, 10)
    const taken = log.snapshot({ lsn: lsn(10), state: Buffer.alloc(3 * 1024 * 1024, 'state') })
    const { durable } = log.append(sampleEntry(11))
    expect(await readAll(log)).toHaveLength(11)
    await Promise.all([taken, durable])
    expect([log.snapshotLsn, log.head]).toEqual([10, 11])
  })

  it('[L31] a snapshot above the head, or not above the last one, is invalid', async () => {
    const log = await (await start()).open('a')
    const at = (n: number) => log.snapshot({ lsn: n as Lsn, state: Buffer.from('x') })
    await expect(at(1)).rejects.toEqual(code('invalid'))
    await appendTo(log, 4)
    for (const bad of [5, 0, -1, 1.5]) await expect(at(bad)).rejects.toEqual(code('invalid'))
    const first = at(3)
    const second = at(3)
    await first
    await expect(second).rejects.toEqual(code('invalid'))
    for (const bad of [3, 2]) await expect(at(bad)).rejects.toEqual(code('invalid'))
    expect([log.snapshotLsn, (await log.latestSnapshot())?.lsn]).toEqual([3, 3])
  })

  it('[L32] latestSnapshot gives the newest at or below an LSN, also when opened again', async () => {
    const store = await start()
    let log = await store.open('a')
    for (let n = 1; n <= 40; n++) {
      await appendTo(log, 10 * n)
      await log.snapshot({ lsn: log.head, state: sampleState(log.head) })
    }
    await log.close()
    log = await store.open('a')
    expect([log.snapshotLsn, log.head]).toEqual([400, 400])
    for (const [atOrBefore, expected] of [
      [400, 400],
      [399, 390],
      [120, 120],
      [19, 10],
      [9, undefined],
      [0, undefined],
    ] as const) {
      const found = await log.latestSnapshot({ atOrBefore: lsn(atOrBefore) })
      expect(found?.lsn).toBe(expected)
      if (found) expect(Buffer.from(found.state).equals(sampleState(found.lsn))).toBe(true)
    }
    expect((await log.latestSnapshot())?.lsn).toBe(400)
  })

  it('[L32] the snapshots of one workspace are not those of another', async () => {
    const store = await start()
    const [a, b] = [await store.open('a'), await store.open('b')]
    await appendTo(a, 5)
    await appendTo(b, 5)
    await a.snapshot({ lsn: lsn(5), state: Buffer.from('a') })
    expect([b.snapshotLsn, await b.latestSnapshot()]).toEqual([0, undefined])
  })

  it('[L33] sinceSnapshot counts records and bytes from the snapshot on', async () => {
    const store = await start()
    let log = await store.open('a')
    expect(log.sinceSnapshot).toEqual({ records: 0, bytes: 0 })
    await appendTo(log, 10)
    const { records, bytes } = log.sinceSnapshot
    expect([records, bytes > 50, log.firstLsn]).toEqual([10, true, 1])
    await log.snapshot({ lsn: lsn(10), state: Buffer.from('x') })
    expect(log.sinceSnapshot).toEqual({ records: 0, bytes: 0 })
    await appendTo(log, 12)
    expect(log.sinceSnapshot.records).toBe(2)
    await log.close()
    log = await store.open('a')
    expect(log.sinceSnapshot.records).toBe(2)
  })

  it('[L9] a closed log takes and gives no snapshot', async () => {
    const log = await (await start()).open('a')
    await appendTo(log, 1)
    await log.close()
    await expect(log.snapshot({ lsn: lsn(1), state: Buffer.from('x') })).rejects.toEqual(code('closed'))
    await expect(log.latestSnapshot()).rejects.toEqual(code('closed'))
  })

  it('[L38] openDamaged of what is not damaged is invalid, and locks nothing', async () => {
    const store = await start()
    const log = await store.open('a')
    await appendTo(log, 3)
    await log.snapshot({ lsn: lsn(2), state: Buffer.from('x') })
    await log.close()
    await expect(store.openDamaged('a')).rejects.toEqual(code('invalid'))
    await expect(store.openDamaged('b')).rejects.toEqual(code('invalid'))
    expect((await store.open('a')).head).toBe(3)
  })
}
