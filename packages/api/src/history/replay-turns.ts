import { type QueueBound, type StartedMax, Turns } from '@joinery/server'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'

type ReplayLimits = Pick<
  ApiLimits,
  | 'replaysMax'
  | 'replaysOpenMax'
  | 'replaysOpenPerActorMax'
  | 'replaysWaitingMax'
  | 'replaysWaitingPerActorMax'
  | 'replayWaitMs'
>

/**
 * Turns of requests for replays of a log, each of which holds a document in memory. A replay gives its turn up between
 * its parts. The owner of a turn is the actor of the request. Rejects with `busy` when too many wait, or when one has waited too
 * long.
 */
export function replayTurns(limits: ReplayLimits): Turns {
  const waiting = { all: limits.replaysWaitingMax, perOwner: limits.replaysWaitingPerActorMax }
  const open = { all: limits.replaysOpenMax, perOwner: limits.replaysOpenPerActorMax }
  return new Turns(limits.replaysMax, boundOf('requests for the past', waiting, limits.replayWaitMs), open)
}

type CatchUpLimits = Pick<
  ApiLimits,
  'catchUpsMax' | 'catchUpsPerActorMax' | 'feedConsumersMax' | 'feedConsumersPerActorMax' | 'catchUpTurnMs'
>

/**
 * Turns of consumers that catch up by a replay. They are apart, since such a replay lasts as long as its consumer takes
 * to read. Rejects as {@link replayTurns}.
 */
export function catchUpTurns(limits: CatchUpLimits): Turns {
  const waiting = { all: limits.feedConsumersMax, perOwner: limits.feedConsumersPerActorMax }
  const bound = boundOf('consumers that catch up', waiting, limits.catchUpTurnMs)
  return new Turns(limits.catchUpsMax, bound, { perOwner: limits.catchUpsPerActorMax })
}

function boundOf(tasks: string, { all, perOwner }: StartedMax, waitMs: number): QueueBound {
  const busy = (reason: string): ApiError =>
    new ApiError('busy', `${reason}: try again later`, { retryAfterSeconds: 1 })
  return {
    waitingMax: all,
    waitingPerOwnerMax: perOwner,
    refuse: () => busy(`${all} ${tasks} wait already, or ${perOwner} of this actor, which is the most`),
    wait: { ms: waitMs, refuse: () => busy(`the longest wait of ${tasks} for a turn, ${waitMs} ms, is over`) },
  }
}
