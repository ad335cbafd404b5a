import { openMemoryStore } from '@joinery/log'
import { HandClock } from '@joinery/log/testing'
import pino from 'pino'
import { expect, it } from 'vitest'
import { SERVER_LIMITS } from '../limits.ts'
import { Leases } from './leases.ts'

const ASKED = 100_000

it('[S296] 100,000 leases of one actor are refused beyond the limit, and leave nothing', async () => {
  const clock = new HandClock()
  const leases = new Leases({
    store: openMemoryStore(),
    clock,
    limits: SERVER_LIMITS,
    logger: pino({ level: 'silent' }),
  })
  const author = { actor: 'ada', source: 'user_action' }
  const outcomes = new Map<string, number>()
  await leases.use('w' as never, async (book) => {
    for (let n = 0; n < ASKED; n++) {
      const request = { name: `n${n}`, holder: 'job', author, ttlMs: 60_000, waitMs: 0 }
      const outcome = await book.acquire(request).then(
        (acquired) => acquired.outcome as string,
        (error: unknown) => String((error as { code?: unknown }).code),
      )
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
    const limit = SERVER_LIMITS.leasesPerActorMax
    expect(Object.fromEntries(outcomes)).toEqual({ acquired: limit, too_many_leases: ASKED - limit })
    expect(book.list()).toHaveLength(limit)
    clock.pass(60_000)
    expect(book.isIdle).toBe(true)
  })
  await leases.close()
})
