import { type QueueBound, Turns } from '@joinery/server'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'

type ReplayLimits = Pick<ApiLimits, 'replaysMax' | 'replaysOpenMax' | 'replaysWaitingMax' | 'replayWaitMs'>

/**
 * Turns of requests for replays of a log, each of which holds a document in memory. A replay gives its turn up between
 * its parts. Rejects with `busy` when too many wait, or when one has waited too long.
 */
export function replayTurns({ replaysMax, replaysOpenMax, replaysWaitingMax, replayWaitMs }: ReplayLimits): Turns {
  return new Turns(replaysMax, boundOf('requests for the past', replaysWaitingMax, replayWaitMs), replaysOpenMax)
}

type CatchUpLimits = Pick<ApiLimits, 'catchUpsMax' | 'feedConsumersMax' | 'catchUpTurnMs'>

/**
 * Turns of consumers that catch up by a replay. They are apart, since such a replay lasts as long as its consumer takes
 * to read. Rejects as {@link replayTurns}.
 */
export function catchUpTurns({ catchUpsMax, feedConsumersMax, catchUpTurnMs }: CatchUpLimits): Turns {
  return new Turns(catchUpsMax, boundOf('consumers that catch up', feedConsumersMax, catchUpTurnMs))
}

function boundOf(tasks: string, waitingMax: number, waitMs: number): QueueBound {
  const busy = (reason: string): ApiError =>
    new ApiError('busy', `${reason}: try again later`, { retryAfterSeconds: 1 })
  return {
    waitingMax,
    refuse: () => busy(`${waitingMax} ${tasks} wait already, which is the most`),
    wait: { ms: waitMs, refuse: () => busy(`the longest wait of ${tasks} for a turn, ${waitMs} ms, is over`) },
  }
}
