import { expect, it } from 'vitest'
import type { EventStore } from '../event-store.ts'
import type { LogError } from '../log-error.ts'
import { readAll } from './read-all.ts'
import { sampleEntry } from './sample-entry.ts'

const code = (expected: LogError['code']) => expect.objectContaining({ name: 'LogError', code: expected })

/** The behaviour of every store with idempotency keys and times. `start` gives a fresh store. */
export function itFindsRecords(start: () => Promise<EventStore>, clock: { now(): number; advance(ms: number): void }) {
  it('[L40] an idempotency key is taken once, whether its record is durable or still on its way', async () => {
    const store = await start()
    let log = await store.open('a')
    const first = log.append(sampleEntry(1, { idempotencyKey: 'k1' }))
    const again = () => log.append(sampleEntry(2, { idempotencyKey: 'k1' }))
    const duplicate = expect.objectContaining({ name: 'LogError', code: 'duplicate_key', workspace: 'a', lsn: 1 })
    expect(again).toThrow(duplicate)
    await first.durable
    expect(again).toThrow(duplicate)
    expect([log.head, await log.lsnOfKey('k1'), await log.lsnOfKey('k2')]).toEqual([1, 1, undefined])
    await log.append(sampleEntry(2, { idempotencyKey: 'k2' })).durable
    await log.close()
    log = await store.open('a')
    expect(again).toThrow(duplicate)
    expect(await log.lsnOfKey('k2')).toBe(2)
    expect(await readAll(log)).toHaveLength(2)
  })

  it('[L40] the keys of one workspace are not those of another, nor those of a longer key', async () => {
    const store = await start()
    const [a, b] = [await store.open('a'), await store.open('b')]
    await a.append(sampleEntry(1, { idempotencyKey: 'key' })).durable
    for (const idempotencyKey of ['key', 'key2', 'ke', '']) b.append(sampleEntry(1, { idempotencyKey }))
    expect([a.head, b.head, await a.lsnOfKey('ke'), await b.lsnOfKey('')]).toEqual([1, 4, undefined, 4])
  })

  it('[L11] an idempotency key that is too long or ill-formed is invalid and leaves no trace', async () => {
    const log = await (await start()).open('a')
    for (const idempotencyKey of ['é'.repeat(513), 'half \ud800 a pair']) {
      expect(() => log.append(sampleEntry(1, { idempotencyKey }))).toThrow(code('invalid'))
    }
    expect([log.head, log.generation]).toEqual([0, undefined])
    expect(log.append(sampleEntry(1, { idempotencyKey: 'é'.repeat(512) })).lsn).toBe(1)
  })

  it('[L41] lsnAt gives the last record at or before a time, those not yet durable included', async () => {
    const log = await (await start()).open('a')
    expect(await log.lsnAt(clock.now())).toBe(0)
    const born = clock.now()
    for (let n = 1; n <= 9; n++) {
      await log.append(sampleEntry(n)).durable
      // Three records a second.
      if (n % 3 === 0) clock.advance(1_000)
    }
    log.append(sampleEntry(10))
    clock.advance(1_000)
    log.append(sampleEntry(11))
    const at = (ms: number) => log.lsnAt(born + ms)
    expect(await Promise.all([-1, 0, 999, 1_000, 2_500, 3_000, 3_999, 4_000, 10 ** 9].map(at))).toEqual([
      0, 3, 3, 6, 9, 10, 10, 11, 11,
    ])
  })

  it('[L42] append with sync is durable like any other', async () => {
    const log = await (await start()).open('a')
    const { durable } = log.append(sampleEntry(1), { sync: true })
    await durable
    expect(await readAll(log)).toHaveLength(1)
  })
}
