import { expect, it } from 'vitest'
import type { EventStore, LogEntry } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import { parseLsn } from '../parse-lsn.ts'
import { readAll } from './read-all.ts'
import { referenceChain } from './reference-chain.ts'
import { sampleEntry } from './sample-entry.ts'
import { appendTo } from './snapshot-contract.ts'

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })
const lsn = parseLsn
const ODD: readonly Partial<LogEntry>[] = [
  { idempotencyKey: 'key', touched: [], actor: 'émile 🪚', connection: 'x'.repeat(300) },
  { update: new Uint8Array(0), actor: '', idempotencyKey: '' },
  { update: Buffer.alloc(100_000, 'wood '), source: 'lone \ud800' },
  { touched: Array.from({ length: 200 }, (_, n) => `block-${n}/content`) },
]

/** The behaviour of every store's chain. `start` gives a fresh store. */
export function itKeepsChains(start: () => Promise<EventStore>, isCompacting: boolean): void {
  it('[L130] the chain value of each record is SHA-256 over the value before it and all that the record says', async () => {
    const log = await (await start()).open('a')
    expect(await log.chainAt()).toBe('0'.repeat(64))
    for (const [n, more] of ODD.entries()) log.append(sampleEntry(n, more))
    await appendTo(log, 20)
    const records = await readAll(log)
    const marks = [{ after: 0, generation: log.generation ?? '' }]
    for (const through of [20, 1, 4, 3, 19, 20]) {
      expect(await log.chainAt(lsn(through))).toBe(referenceChain(records.slice(0, through), marks))
    }
    expect(await log.chainAt()).toBe(await log.chainAt(lsn(20)))
    expect(await log.chainAt(lsn(0))).toBe('0'.repeat(64))
    await expect(log.chainAt(lsn(21))).rejects.toEqual(code('invalid'))
    await expect(log.chainAt(1.5 as never)).rejects.toEqual(code('invalid'))
  })

  it('[L130] a copy of the records in another workspace has another chain, since it has another generation', async () => {
    const store = await start()
    const [a, b] = [await store.open('a'), await store.open('b')]
    a.append(sampleEntry(1))
    b.append(sampleEntry(1))
    expect(await a.chainAt()).not.toBe(await b.chainAt())
  })

  it('[L131] what was appended and taken back is not in the chain', async () => {
    const store = await start()
    const log = await store.open('a')
    log.append(sampleEntry(1))
    let asked = Promise.resolve('')
    const failing = () =>
      store.atomically(() => {
        log.append(sampleEntry(2))
        asked = log.chainAt(lsn(1))
        throw new Error('back')
      })
    expect(failing).toThrow('back')
    log.append(sampleEntry(3))
    const marks = [{ after: 0, generation: log.generation ?? '' }]
    const records = await readAll(log)
    expect(await asked).toBe(referenceChain(records.slice(0, 1), marks))
    expect(await log.chainAt()).toBe(referenceChain(records, marks))
  })

  it.runIf(isCompacting)(
    '[L134] after a compaction the chain goes on from the value of the last dropped record, and has the snapshot in it',
    async () => {
      const log = await (await start()).open('a')
      await appendTo(log, 10)
      const state = Buffer.from('state at 6')
      await log.snapshot({ lsn: lsn(6), state, annex: Buffer.from('annex') })
      const before = await Promise.all([5, 6, 10].map((at) => log.chainAt(lsn(at))))
      expect((await log.compact({ keepHistory: { events: 1 }, verify: () => undefined })).firstLsn).toBe(7)
      expect(await Promise.all([5, 6, 10].map((at) => log.chainAt(lsn(at))))).toEqual(before)
      await appendTo(log, 12)
      const ground = { after: 10, groundLsn: 6, state, annex: Buffer.from('annex') }
      expect(await log.chainAt()).toBe(referenceChain(await readAll(log), [ground], before[1]))
    },
  )
}
