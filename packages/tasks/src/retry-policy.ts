import type { FailureClass, RetryPolicy, StepShape } from '@joinery/protocol'
import type { Attempts } from './attempts.ts'
import type { AttemptKind, Verdict } from './task-event.ts'
import type { TaskLimits } from './task-limits.ts'

export const RETRY_DEFAULT: RetryPolicy = { attempts: 8, firstMs: 1_000, maxMs: 15 * 60_000 }

/**
 * Attempts that are made in any case before `undoForMs` ends them. The server may have been away for longer than that, or the clock of the
 * machine that goes on with the task may be ahead by as much.
 */
const UNDO_ATTEMPTS_MIN = 5

export interface FailedAttempt {
  readonly kind: AttemptKind
  readonly class: FailureClass
  readonly attempts: Attempts
  readonly shape: StepShape | undefined
  readonly retryAfterMs?: number | undefined
  /** Whether nothing can be taken back any more, so that only going on helps. */
  readonly isPastPivot: boolean
  /** Time since the first attempt, ms. */
  readonly sinceFirstMs: number
  /** Whether the task has a deadline, which ends the attempts. */
  readonly hasDeadline: boolean
  /** Whether nobody wants the step to be made any more. */
  readonly isTurned: boolean
}

/** The part of the bound of attempts that a failed one takes. */
export function costOf(failure: FailureClass, shape: StepShape | undefined): number {
  // A step that waits for something is bounded by its time: the host has answered each of its attempts.
  if (failure === 'pending' && shape?.giveUpAfterMs !== undefined) return 0
  return failure === 'throttled' ? 0.5 : 1
}

/** Whether and when a failed attempt is made again. A function of its arguments. */
export function judge(
  failed: FailedAttempt,
  limits: TaskLimits,
  random: () => number,
): { verdict: Verdict; delayMs: number } {
  const { kind, shape, attempts, isPastPivot, sinceFirstMs } = failed
  const policy = shape?.retry ?? RETRY_DEFAULT
  const hasNews = failed.class === 'pending' && attempts.hasNews === true
  const delayMs = hasNews ? 0 : pauseOf(policy, attempts.attempt, failed.retryAfterMs, limits, random)
  const again = { verdict: 'retry', delayMs } as const
  const never = { verdict: 'failed', delayMs: 0 } as const
  // A step may say that an attempt which may have happened is never made again.
  if (kind === 'run' && failed.class === 'unsure' && shape?.effect === 'at_most_once') {
    return { verdict: 'attention', delayMs: 0 }
  }
  if (failed.isTurned && kind !== 'undo') return never
  if (failed.class === 'permanent') return never
  const isInTime = attempts.attempt < UNDO_ATTEMPTS_MIN || sinceFirstMs + delayMs < limits.undoForMs
  if (kind === 'undo') return isInTime ? again : never
  if (shape?.giveUpAfterMs !== undefined && sinceFirstMs + delayMs >= shape.giveUpAfterMs) return never
  if (isPastPivot) return failed.hasDeadline || isInTime ? again : never
  const spent = attempts.spent + costOf(failed.class, shape)
  return spent < Math.min(policy.attempts, limits.attemptsMax) ? again : never
}

/** The pause after an attempt (from 1), ms: full jitter below a bound that doubles, or what the outside asked for if longer. */
function pauseOf(
  { firstMs, maxMs }: RetryPolicy,
  attempt: number,
  retryAfterMs: number | undefined,
  limits: TaskLimits,
  random: () => number,
): number {
  const bound = Math.min(firstMs * 2 ** Math.min(Math.max(attempt - 1, 0), 40), maxMs, limits.delayMsMax)
  const asked = Math.min(Math.max(retryAfterMs ?? 0, 0), limits.retryAfterMsMax)
  return Math.ceil(Math.max(random() * bound, asked))
}
