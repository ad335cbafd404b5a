import { Turns } from '@joinery/server'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'

/** Turns for replays of a log, each of which holds a document in memory. Rejects with `busy` when too many wait. */
export function replayTurns({
  replaysMax,
  replaysWaitingMax,
}: Pick<ApiLimits, 'replaysMax' | 'replaysWaitingMax'>): Turns {
  const message = `${replaysWaitingMax} requests for the past wait already, which is the most: try again later`
  return new Turns(replaysMax, {
    waitingMax: replaysWaitingMax,
    refuse: () => new ApiError('busy', message, { retryAfterSeconds: 1 }),
  })
}
