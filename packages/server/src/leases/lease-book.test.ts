import { openMemoryStore } from '@joinery/log'
import { DelegatingStore, HandClock } from '@joinery/log/testing'
import pino from 'pino'
import { beforeEach, describe, expect, it } from 'vitest'
import { Counters } from '../counters.ts'
import { SERVER_LIMITS } from '../limits.ts'
import type { Acquired, LeaseBook, LeaseLimits, LeaseRequest } from './lease-book.ts'
import { type Leases as AllLeases, Leases } from './leases.ts'

const DAY_MS = 86_400_000
const ada = { actor: 'ada', source: 'user_action' }
const W = 'w' as never

let store = openMemoryStore()
let clock = new HandClock()
beforeEach(() => {
  store = openMemoryStore()
  clock = new HandClock()
})

function start(limits: Partial<LeaseLimits> = {}): AllLeases {
  return new Leases({ store, clock, limits: { ...SERVER_LIMITS, ...limits }, logger: pino({ level: 'silent' }) })
}

function ask(name = 'index', rest: Partial<LeaseRequest> = {}): LeaseRequest {
  return { name, holder: 'job', author: ada, ttlMs: 1_000, waitMs: 0, ...rest }
}

/** The answer of a call that has to get the lease. */
async function got(asked: Promise<Acquired>): Promise<Acquired & { readonly outcome: 'acquired' }> {
  const acquired = await asked
  if (acquired.outcome !== 'acquired') throw new Error(`held by ${acquired.view.lease.holder}`)
  return acquired
}

/** The outcome of a call by now, or that it still waits. */
function watch(asked: Promise<Acquired>): { state: string } {
  const seen = { state: 'waits' }
  asked.then(
    ({ outcome }) => {
      seen.state = outcome
    },
    (error: unknown) => {
      seen.state = String((error as { code?: unknown }).code)
    },
  )
  return seen
}

const lost = expect.objectContaining({ code: 'lease_lost' })

async function withBook<T>(work: (book: LeaseBook) => T | Promise<T>, limits?: Partial<LeaseLimits>): Promise<T> {
  const leases = start(limits)
  try {
    return await leases.use(W, work)
  } finally {
    await leases.close()
  }
}

describe('a lease', () => {
  it('[S290] has one holder: another is told who holds it, until it is released', () =>
    withBook(async (book) => {
      const first = await got(book.acquire(ask('index', { holder: 'job 1' })))
      expect(await book.acquire(ask('index', { holder: 'job 2' }))).toMatchObject({
        outcome: 'held',
        view: { lease: { holder: 'job 1', actor: 'ada', fence: first.view.lease.fence } },
      })
      await got(book.acquire(ask('other')))
      expect(book.list().map(({ lease }) => lease.name)).toEqual(['index', 'other'])
      book.release('index', first.token, ada)
      expect(book.find('index')).toBeUndefined()
      const second = await got(book.acquire(ask()))
      expect(second.view.lease.fence).toBeGreaterThan(first.view.lease.fence)
    }))

  it('[S293] stands for its TTL after the last renewal and no longer, whatever the time of day is set to', () =>
    withBook(async (book) => {
      const { token } = await got(book.acquire(ask()))
      for (const step of [DAY_MS, -2 * DAY_MS, DAY_MS]) {
        clock.step(step)
        clock.pass(999)
        book.assertStands(token)
        book.renew('index', token, undefined, ada)
      }
      clock.pass(999)
      book.assertStands(token)
      clock.pass(1)
      expect(() => book.assertStands(token)).toThrow(lost)
      expect(() => book.renew('index', token, undefined, ada)).toThrow(lost)
      expect(() => book.release('index', token, ada)).toThrow(lost)
    }))

  it('[S293] is renewed with another TTL, which then also holds after a restart', async () => {
    const { token } = await withBook(async (book) => {
      const acquired = await got(book.acquire(ask()))
      book.renew('index', acquired.token, 5_000, ada)
      await book.durable
      return acquired
    })
    await withBook((book) => {
      clock.pass(4_999)
      book.assertStands(token)
      clock.pass(1)
      expect(() => book.assertStands(token)).toThrow(lost)
    })
  })

  it('[S293] has its whole TTL again after a restart, and a lost one stays lost', async () => {
    const [index, other] = await withBook(async (book) => {
      const first = await got(book.acquire(ask('index')))
      clock.pass(900)
      const second = await got(book.acquire(ask('other')))
      clock.pass(100)
      expect(() => book.assertStands(first.token)).toThrow(lost)
      await book.durable
      return [first.token, second.token] as const
    })
    clock.pass(10 * DAY_MS)
    await withBook((book) => {
      clock.pass(999)
      book.assertStands(other)
      expect(() => book.assertStands(index)).toThrow(lost)
    })
  })

  it('[S299] a token of another name, workspace, server or of nobody is no lease', async () => {
    const leases = start()
    const own = await leases.use(W, (book) => got(book.acquire(ask())))
    const elsewhere = await leases.use('v' as never, (book) => got(book.acquire(ask())))
    store = openMemoryStore()
    const abroad = start()
    const foreign = await abroad.use(W, (book) => got(book.acquire(ask())))
    const mangled = own.token.replace(/.$/, own.token.endsWith('A') ? 'B' : 'A')
    await leases.use(W, async (book) => {
      const { token } = await got(book.acquire(ask('other')))
      expect(() => book.renew('index', token, undefined, ada)).toThrow('is not of the lease "index"')
      for (const wrong of [elsewhere.token, foreign.token, '', 'l1', own.token.slice(0, 20), `${own.token} `]) {
        expect(() => book.assertStands(wrong)).toThrow(lost)
        expect(() => book.renew('index', wrong, undefined, ada)).toThrow(lost)
        expect(() => book.release('index', wrong, ada)).toThrow(lost)
      }
      expect(() => book.assertStands(mangled)).toThrow(lost)
      book.assertStands(own.token)
    })
    await abroad.close()
    await leases.close()
  })

  it('[S294] goes to those who wait in order of asking, when it is released and when its time is over', () =>
    withBook(async (book) => {
      const first = await got(book.acquire(ask()))
      const [second, third, late] = [
        book.acquire(ask('index', { waitMs: 25_000 })),
        book.acquire(ask('index', { waitMs: 25_000 })),
        book.acquire(ask('index', { waitMs: 500 })),
      ] as const
      const states = [watch(second), watch(third), watch(late)]
      expect(book.find('index')?.waiting).toBe(3)
      clock.pass(500)
      expect(await late).toMatchObject({ outcome: 'held', view: { waiting: 2 } })
      expect(states.map(({ state }) => state)).toEqual(['waits', 'waits', 'held'])
      book.release('index', first.token, ada)
      const { view } = await got(second)
      expect(view.lease.fence).toBeGreaterThan(first.view.lease.fence)
      expect(states[1]?.state).toBe('waits')
      clock.pass(1_000)
      expect((await got(third)).view.lease.fence).toBeGreaterThan(view.lease.fence)
    }))

  it('[S294] keeps the place of a waiter that asks again under its key, and none for others', () =>
    withBook(async (book) => {
      const { token } = await got(book.acquire(ask('index', { ttlMs: 60_000 })))
      const early = book.acquire(ask('index', { waitMs: 1_000, key: 'k' }))
      const next = watch(book.acquire(ask('index', { waitMs: 25_000 })))
      clock.pass(1_000)
      expect(await early).toMatchObject({ outcome: 'held' })
      const again = book.acquire(ask('index', { waitMs: 25_000, key: 'k' }))
      book.release('index', token, ada)
      await got(again)
      expect(next.state).toBe('waits')
    }))

  it('[S294] is given to nobody whose request has ended', () =>
    withBook(async (book) => {
      const { token } = await got(book.acquire(ask()))
      const gone = new AbortController()
      const left = watch(book.acquire(ask('index', { waitMs: 25_000, signal: gone.signal })))
      const next = book.acquire(ask('index', { waitMs: 25_000 }))
      gone.abort()
      book.release('index', token, ada)
      await got(next)
      expect(left.state).toBe('lease_lost')
    }))

  it('[S294] a request that is repeated under its key gets the same lease while it stands, and another actor does not', () =>
    withBook(async (book) => {
      const first = await got(book.acquire(ask('index', { key: 'k' })))
      expect((await got(book.acquire(ask('index', { key: 'k' })))).token).toBe(first.token)
      const author = { actor: 'eve', source: 'user_action' }
      expect(await book.acquire(ask('index', { key: 'k', author }))).toMatchObject({ outcome: 'held' })
      book.release('index', first.token, ada)
      expect((await got(book.acquire(ask('index', { key: 'k' })))).token).not.toBe(first.token)
    }))

  it('[S296] one actor has leasesPerActorMax leases and waits, a workspace leasesMax, and others have theirs', () =>
    withBook(
      async (book) => {
        const eve = { actor: 'eve', source: 'user_action' }
        const many = expect.objectContaining({ code: 'too_many_leases' })
        const first = await got(book.acquire(ask('a')))
        await got(book.acquire(ask('b')))
        await expect(book.acquire(ask('c'))).rejects.toEqual(many)
        await got(book.acquire(ask('c', { author: eve })))
        await expect(book.acquire(ask('d', { author: eve }))).rejects.toEqual(many)
        const waits = [1, 2].map(() => watch(book.acquire(ask('b', { waitMs: 500 }))))
        await expect(book.acquire(ask('b', { waitMs: 500 }))).rejects.toEqual(many)
        const eves = watch(book.acquire(ask('b', { waitMs: 500, author: eve })))
        await expect(book.acquire(ask('b', { waitMs: 500, author: eve }))).rejects.toEqual(many)
        expect([...waits, eves].map(({ state }) => state)).toEqual(['waits', 'waits', 'waits'])
        book.release('a', first.token, ada)
        await got(book.acquire(ask('d')))
      },
      { leasesMax: 3, leasesPerActorMax: 2, leaseWaitersMax: 3, leaseWaitersPerActorMax: 2 },
    ))

  it('[S297] does not stand in a copy of the data, where fences go on above those of the original', async () => {
    const held = await withBook((book) => got(book.acquire(ask())))
    const copied = new (class extends DelegatingStore {
      override get copy(): string {
        return 'another'
      }
    })(store)
    const leases = new Leases({ store: copied, clock, limits: SERVER_LIMITS, logger: pino({ level: 'silent' }) })
    clock.step(-DAY_MS)
    await leases.use(W, async (book) => {
      expect(() => book.assertStands(held.token)).toThrow(lost)
      const next = await got(book.acquire(ask()))
      expect(next.view.lease.fence).toBeGreaterThan(held.view.lease.fence)
    })
    await leases.close()
  })

  it('[S290] books close when nobody needs them, and leases that stand keep theirs open', async () => {
    const leases = start()
    const { token } = await leases.use(W, (book) => got(book.acquire(ask('index', { ttlMs: 120_000 }))))
    await leases.use('v' as never, (book) => book.list())
    leases.sweep()
    clock.pass(60_000)
    leases.sweep()
    await expect.poll(() => leases.size).toBe(1)
    await leases.use(W, (book) => book.assertStands(token))
    await leases.use('v' as never, (book) => expect(book.list()).toEqual([]))
    await leases.close()
  })

  it('[S290] snapshots stand for old events, and a log of any length is read from its last one', async () => {
    await withBook(async (book) => {
      const kept = await got(book.acquire(ask('kept', { ttlMs: 3_600_000 })))
      for (let n = 0; n < 1_200; n++) {
        const { token } = await got(book.acquire(ask('other')))
        book.release('other', token, ada)
      }
      expect(book.list().map(({ lease }) => lease.fence)).toEqual([kept.view.lease.fence])
    })
    const log = await store.open('!leases/w')
    expect(log.snapshotLsn).toBeGreaterThan(0)
    await log.close()
    await withBook((book) => expect(book.list().map(({ lease }) => lease.name)).toEqual(['kept']))
  })
})

it("[S300] a lease that is evicted is the next one's in the same turn, and its holder's no more", async () => {
  await withBook(async (book) => {
    const first = await got(book.acquire(ask()))
    const next = book.acquire(ask('index', { author: { actor: 'ben', source: 'user_action' }, waitMs: 9_000 }))
    expect(book.counts).toEqual({ leases: 1, leaseWaiters: 1 })
    expect(book.evict('index', { actor: 'root', source: 'operator' })).toMatchObject({ fence: first.view.lease.fence })
    expect(() => book.assertStands(first.token)).toThrow(lost)
    const second = await got(next)
    book.assertStands(second.token)
    expect([book.evict('none', ada), book.counts]).toEqual([undefined, { leases: 1, leaseWaiters: 0 }])
  })
})

it('[S300] leases that are given, expire and are asked for in vain are counted', async () => {
  const counters = new Counters()
  const leases = new Leases({ store, limits: SERVER_LIMITS, logger: pino({ level: 'silent' }), clock, counters })
  await leases.use(W, async (book) => {
    const { token } = await got(book.acquire(ask()))
    clock.pass(2_000)
    expect(() => book.assertStands(token)).toThrow(lost)
    await got(book.acquire(ask()))
  })
  expect([counters.leasesAcquired, counters.leasesExpired, counters.leasesLost, leases.counts.leases]).toEqual([
    2, 1, 1, 1,
  ])
  await leases.close()
})
