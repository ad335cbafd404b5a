import { expect, it } from 'vitest'
import type { AdoptingLog, AdoptingStore, EventStore, HistoryMark, LogOrigin, LogRecord } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import { parseLsn } from '../parse-lsn.ts'
import { decodeLogOrigin, encodeLogOrigin } from '../records/log-origin.ts'
import { readAll } from './read-all.ts'
import { referenceChain } from './reference-chain.ts'
import { sampleEntry } from './sample-entry.ts'
import { appendTo } from './snapshot-contract.ts'

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })
const lsn = parseLsn
const G = 'generation-of-another'

const plain = (records: readonly LogRecord[]) =>
  records.map((record) => ({ ...record, update: Buffer.from(record.update) }))

/** Records as another machine wrote them. */
export function recordsOf(first: number, last: number): LogRecord[] {
  return Array.from({ length: last - first + 1 }, (_, n) => {
    const key = (first + n) % 3 === 0 ? { idempotencyKey: `key ${first + n}` } : {}
    return { lsn: lsn(first + n), at: 1_000 + first + n, ...sampleEntry(first + n, key) }
  })
}

export function markOf(at: number, more: Partial<HistoryMark> = {}): HistoryMark {
  return { sequence: 10 * at + 1, epoch: 2, lsn: at, chain: '0123456789abcdef', generation: G, ...more }
}

/** The behaviour of every store whose logs can be copies. `start` gives a fresh store. */
export function itAdopts(start: () => Promise<EventStore>): void {
  const open = async (): Promise<{ store: AdoptingStore; log: AdoptingLog }> => {
    const store = (await start()) as AdoptingStore
    return { store, log: await store.open('w') }
  }

  it('[L170, L172] records of another history are adopted as they are, with their times, keys and generation, and the mark with them', async () => {
    const { store, log } = await open()
    expect(await log.readMark()).toBeUndefined()
    await log.adopt(recordsOf(1, 4), markOf(4))
    await log.adopt(recordsOf(5, 7), markOf(6))
    await log.close()
    const again = await store.open('w')
    expect([again.head, again.generation]).toEqual([7, G])
    expect(plain(await readAll(again))).toEqual(plain(recordsOf(1, 7)))
    expect(await again.readMark()).toEqual(markOf(6))
    expect(await again.lsnOfKey('key 6')).toBe(6)
    expect(() => again.append(sampleEntry(8, { idempotencyKey: 'key 3' }))).toThrow(code('duplicate_key'))
    expect(again.append(sampleEntry(8)).lsn).toBe(8)
    expect(await again.chainAt(lsn(7))).toBe(referenceChain(recordsOf(1, 7), [{ after: 0, generation: G }]))
  })

  it('[L170] what does not follow, and a mark that can’t be, is `invalid` and leaves no trace', async () => {
    const { log } = await open()
    await log.adopt(recordsOf(1, 2), markOf(2))
    const refused = [
      log.adopt(recordsOf(4, 5), markOf(5)),
      log.adopt(recordsOf(2, 3), markOf(3)),
      log.adopt(recordsOf(3, 4), markOf(5)),
      log.adopt(recordsOf(3, 4), markOf(4, { generation: 'another' })),
      log.adopt(recordsOf(3, 4), markOf(4, { generation: undefined })),
      log.adopt([], markOf(2, { chain: 'x' })),
    ]
    for (const each of refused) await expect(each).rejects.toEqual(code('invalid'))
    expect(log.head).toBe(2)
    expect(await log.readMark()).toEqual(markOf(2))
  })

  it('[L170] a log without records takes the generation of the history, and one that does not exist keeps its mark in memory', async () => {
    const { log } = await open()
    await log.adopt([], markOf(0, { generation: undefined }))
    expect(log.generation).toBeUndefined()
    expect(await log.readMark()).toEqual(markOf(0, { generation: undefined }))
    expect(await log.create()).not.toBe(G)
    await log.adopt(recordsOf(1, 1), markOf(1))
    expect(log.generation).toBe(G)
    expect(await log.chainAt()).toBe(referenceChain(recordsOf(1, 1), [{ after: 0, generation: G }]))
  })

  it('[L173] a log begins as another whose first records were dropped: with the snapshot, the keys and the chain value that stand for them', async () => {
    const { store, log } = await open()
    const source = await store.open('source')
    await source.adopt(recordsOf(1, 9), markOf(9))
    await source.snapshot({ lsn: lsn(7), state: Buffer.from('state of 7'), annex: Buffer.from('annex') })
    await source.compact({ keepHistory: { events: 2 }, verify: () => undefined })
    const [origin, chain] = [await source.readOrigin(), await source.chainAt(lsn(7))]
    expect([source.firstLsn, origin?.lsn, origin?.chain]).toEqual([8, 7, chain])
    const bytes = await encodeLogOrigin(origin as LogOrigin)
    const sent = await decodeLogOrigin('w', bytes)
    await expect(log.adopt([], markOf(0), sent)).rejects.toEqual(code('invalid'))
    await expect(log.adopt(recordsOf(9, 9), markOf(9), sent)).rejects.toEqual(code('invalid'))
    await log.adopt(recordsOf(8, 9), markOf(9), sent)
    await expect(log.adopt(recordsOf(8, 9), markOf(9), sent)).rejects.toEqual(code('invalid'))
    expect([log.firstLsn, log.head, log.snapshotLsn]).toEqual([8, 9, 7])
    await log.close()
    const again = await store.open('w')
    expect([again.firstLsn, again.head, again.generation]).toEqual([8, 9, G])
    expect(plain(await readAll(again))).toEqual(plain(recordsOf(8, 9)))
    expect(await again.lsnOfKey('key 3')).toBe(3)
    expect(() => again.append(sampleEntry(10, { idempotencyKey: 'key 6' }))).toThrow(code('duplicate_key'))
    for (const each of [source, again]) each.append(sampleEntry(10, { idempotencyKey: 'same' }))
    const [one, other] = [await source.chainAt(lsn(9)), await again.chainAt(lsn(9))]
    expect([other, await again.chainAt(lsn(7))]).toEqual([one, chain])
    const stood = await again.latestSnapshot()
    expect([stood?.lsn, stood?.at, String(stood?.state), String(stood?.annex)]).toEqual([
      7,
      1_007,
      'state of 7',
      'annex',
    ])
    for (const [n, byte] of bytes.entries()) {
      const damaged = Uint8Array.from(bytes)
      damaged[n] = byte ^ 1
      await expect(decodeLogOrigin('w', damaged)).rejects.toEqual(code('corrupted'))
    }
    expect(await (await store.open('plain')).readOrigin()).toBeUndefined()
  })

  it('[L171, L172] records behind an LSN are cut off with their keys, and others take their place', async () => {
    const { store, log } = await open()
    await log.adopt(recordsOf(1, 5), markOf(5))
    const own = { idempotencyKey: 'own' }
    log.append(sampleEntry(60))
    log.append(sampleEntry(70, own))
    const before = await readAll(log)
    await log.truncate(lsn(6))
    expect(await log.lsnOfKey('own')).toBeUndefined()
    const cut = await log.readCut()
    expect(cut).toMatchObject({ lsn: 6, head: 7 })
    expect(cut?.chain).toBe(referenceChain(before, [{ after: 0, generation: G }]))
    await log.truncate(lsn(5))
    await log.truncate(lsn(5))
    expect(await log.readMark()).toEqual(markOf(5))
    await log.adopt(recordsOf(6, 9), markOf(9))
    await log.close()
    const again = await store.open('w')
    expect(plain(await readAll(again))).toEqual(plain(recordsOf(1, 9)))
    expect(await again.readCut()).toMatchObject({ lsn: 5, head: 6 })
    expect(await again.chainAt()).toBe(referenceChain(recordsOf(1, 9), [{ after: 0, generation: G }]))
    expect(again.append(sampleEntry(10, own)).lsn).toBe(10)
  })

  it('[L180] a mark that goes back leaves the floor: nothing is cut off below the highest mark, nor what was protected, nor what no history has seen', async () => {
    const { store, log } = await open()
    await log.adopt(recordsOf(1, 5), markOf(5))
    await log.adopt([], markOf(2))
    await appendTo(log, 8)
    expect(await log.readFloor()).toBe(5)
    await expect(log.truncate(lsn(4))).rejects.toEqual(code('invalid'))
    await log.truncate(lsn(7))
    await log.protect()
    await expect(log.truncate(lsn(6))).rejects.toEqual(code('invalid'))
    await log.close()
    const again = await store.open('w')
    expect([await again.readFloor(), await again.readMark()]).toEqual([7, markOf(2)])
    await expect(again.truncate(lsn(6))).rejects.toEqual(code('invalid'))

    const single = await store.open('single')
    expect(await single.readFloor()).toBe(0)
    await appendTo(single, 3)
    expect(await single.readFloor()).toBe(3)
    await single.close()
    const joined = await store.open('single')
    await joined.adopt([], markOf(0, { generation: undefined }))
    expect(await joined.readFloor()).toBe(3)
    await expect(joined.truncate(lsn(2))).rejects.toEqual(code('invalid'))
  })

  it('[L180] records that follow a takeover of an empty log are above the floor, also after a restart', async () => {
    const { store, log } = await open()
    await log.adopt([], markOf(0, { generation: undefined }))
    await appendTo(log, 3)
    await log.close()
    const again = await store.open('w')
    expect([await again.readFloor(), (await again.readMark())?.sequence]).toEqual([0, 1])
    await again.truncate(lsn(1))
    expect(again.head).toBe(1)
  })

  it('[L181] one log is discarded with all that it had, deleted or not, and no other; its name begins anew', async () => {
    const { store, log } = await open()
    await log.adopt(recordsOf(1, 5), markOf(5))
    const beside = await store.open('!kind/w')
    await beside.append(sampleEntry(1)).durable
    expect([await store.generationOf('w'), await store.generationOf('nothing')]).toEqual([G, undefined])
    for (const name of ['w', '!kind/w']) await expect(store.discard(name)).rejects.toEqual(code('locked'))
    await beside.close()
    await store.discard('!kind/w')
    expect(await Array.fromAsync(store.systemLogs())).toEqual([])
    expect((await readAll(log)).length).toBe(5)
    await log.close()
    for (const isDeleted of [false, true]) {
      if (isDeleted) await store.tombstone('w')
      expect(await store.generationOf('w')).toBe(isDeleted ? 'another' : G)
      await store.discard('w')
      await store.discard('w')
      expect([await Array.fromAsync(store.workspaces()), await Array.fromAsync(store.tombstones())]).toEqual([[], []])
      const again = await store.open('w')
      expect([again.head, again.generation, await again.readMark(), await again.lsnOfKey('key 3')]).toEqual([
        0,
        undefined,
        undefined,
        undefined,
      ])
      await again.adopt(recordsOf(1, 2), markOf(2, { generation: 'another' }))
      await again.close()
    }
  })

  it('[L171] nothing is cut off below the mark or a snapshot, nor beyond the head', async () => {
    const { log } = await open()
    await log.adopt(recordsOf(1, 3), markOf(3))
    await appendTo(log, 6)
    await expect(log.truncate(lsn(2))).rejects.toEqual(code('invalid'))
    await expect(log.truncate(lsn(7))).rejects.toEqual(code('invalid'))
    await log.snapshot({ lsn: lsn(5), state: Buffer.from('state') })
    await expect(log.truncate(lsn(4))).rejects.toEqual(code('invalid'))
    await log.truncate(lsn(5))
    expect(log.head).toBe(5)
  })
}
