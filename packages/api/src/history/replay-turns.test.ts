import { expect, it } from 'vitest'
import { API_LIMITS } from '../api-limits.ts'
import { replayTurns } from './replay-turns.ts'

it('[H60] a request for the past that waits too long for its turn is answered busy, with a time to come back', async () => {
  const turns = replayTurns({ ...API_LIMITS, replaysMax: 1, replaysOpenMax: 1, replayWaitMs: 1 })
  const { promise: gate, resolve: end } = Promise.withResolvers<void>()
  const running = turns.take(() => gate)
  const late = turns.take(async () => undefined)
  await expect(late).rejects.toMatchObject({ code: 'busy', status: 503, retryAfterSeconds: 1 })
  end()
  await running
})
