/** Any value that JSON has. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

/** The classes of a failed attempt, which decide whether and when it is made again, and what it says of the step's host. */
export const FAILURE_CLASSES = ['transient', 'throttled', 'permanent', 'unsure', 'pending'] as const

/**
 * - `transient` may pass, and `throttled` passes when the host allows more.
 * - `permanent` is the same at every attempt.
 * - `unsure`: what was asked for may have happened.
 * - `pending`: the host has answered, and what the step waits for is not there yet.
 */
export type FailureClass = (typeof FAILURE_CLASSES)[number]

/** How often, and with which pauses, a failed attempt is made again. Pauses double from `firstMs` to `maxMs`, with full jitter. */
export interface RetryPolicy {
  readonly attempts: number
  readonly firstMs: number
  readonly maxMs: number
}

/**
 * One step of a saga, as a worker announces it: all that the server needs to know of it. Times are in ms.
 *
 * - `step` is run once, `each` once for every item of a list that its worker makes.
 * - `sleep` ends by itself after `sleepMs`, `signal` when a signal of that name has come. No worker runs these two.
 */
export interface StepShape {
  readonly name: string
  readonly kind: 'step' | 'each' | 'sleep' | 'signal'
  /** Whether the step can be taken back. */
  readonly hasUndo?: boolean
  /** Items of an `each` that may run at once. */
  readonly concurrency?: number
  readonly retry?: RetryPolicy
  /** Longest time of one attempt. */
  readonly timeoutMs?: number
  /** Longest time from the first attempt to the last. */
  readonly giveUpAfterMs?: number
  /** Longest time for which the step waits for a worker; for ever by default. */
  readonly scheduleMs?: number
  readonly sleepMs?: number
  /** After this step nothing is taken back any more. */
  readonly isPivot?: boolean
  /** The consequence of a final failure of the step: `compensate` by default. */
  readonly onFailure?: 'compensate' | 'continue' | 'wait'
  /** The fate of the other steps when this one can't be taken back: `continue` by default. */
  readonly onUndoFailure?: 'continue' | 'stop'
  /** `at_most_once`: an attempt that may have happened is never made again; the task needs attention instead. */
  readonly effect?: 'at_most_once'
  /** Time that an attempt has to end by itself after a cancel. */
  readonly cancelGraceMs?: number
  /** Name of the service that the step calls: its failures count for all steps that name the same one. */
  readonly host?: string
  /**
   * Machine of the resource that the step waits for, which has the `block` and `name` of the item or else of the input. News of it end
   * the pause after an attempt that was `pending`.
   */
  readonly follows?: string
  /** Machine of the resource that the step has news of once it is done. It is named as for `follows`. */
  readonly tells?: string
}

/** A saga, as a worker announces it. */
export interface SagaShape {
  readonly name: string
  readonly version: number
  /** Digest of the steps' names and kinds in their order: two workers that say the same version must say the same digest. */
  readonly digest: string
  readonly steps: readonly StepShape[]
  /** Older versions whose tasks the worker takes, too. */
  readonly accepts?: readonly number[]
  /** Time from the start of a task to its end; then it is taken back, or needs attention after its pivot. */
  readonly deadlineMs?: number
  /** JSON Schema of the input; any input fits without it. */
  readonly inputSchema?: Json
  /** Whether the worker names the block that shows a task's status, in the `plan` of the task. */
  readonly hasSubject?: boolean
}

/** The request of a worker for work. */
export interface LeaseAsk {
  /** Name of the worker, for people: unique among those that run. */
  readonly worker: string
  readonly serves: readonly SagaShape[]
  /** Number of leases that the worker takes at most, now. */
  readonly max: number
  /** Time for which the answer may wait for work. */
  readonly waitMs: number
  /** Time without a beat after which the leases end: at least 1,000 ms, and at most the server's own, which is the default. */
  readonly leaseMs?: number
  /** Id of this run of the worker: another one after a restart. With it, an answer that was lost is given again. */
  readonly instance?: string
  /** Tokens of all leases that this run has heard of, and whose end it has not told yet. */
  readonly holds?: readonly string[]
  /** The worker takes no more work: it is given none, and nobody counts on it from now on. */
  readonly stops?: true
}

/** The block whose status shows the task. */
export interface TaskSubject {
  readonly block: string
  /** Name of the status of the machine `task@1`. */
  readonly name: string
}

/**
 * One attempt that a worker was given.
 *
 * - `plan`: the worker answers the subject of the task (no step), or the items of an `each` step.
 * - `run`: the worker runs the step, or the step for one item.
 * - `undo`: the worker takes the step back, or one item of it. `result` is undefined when it is not known whether it happened.
 */
export interface LeasedWork {
  /** Names the lease. Every later message about the attempt carries it. */
  readonly token: string
  readonly task: string
  readonly workspace: string
  readonly saga: string
  readonly version: number
  readonly kind: 'plan' | 'run' | 'undo'
  /** Undefined for the plan of the task itself. */
  readonly step?: string
  readonly item?: { readonly key: string; readonly value: Json }
  /** Number of the attempt, from 1. */
  readonly attempt: number
  /** The same in every attempt and every process; another for the run and for the undo. */
  readonly key: string
  /** Key of the run that an undo takes back: the outside knows by it what has happened. */
  readonly runKey?: string
  readonly input: Json
  /** Results of the steps that are done, by name; those of an `each` in the order of its items. */
  readonly results: Readonly<Record<string, Json>>
  /** The answer of the run, which an undo takes back. */
  readonly result?: Json
  /** The details that the last attempt has told by its beats. */
  readonly details?: Json
  /** Time of the server when the task was started, ms since epoch. */
  readonly startedAt: number
  /** Time that is left until the deadline of the task, ms. */
  readonly deadlineMs?: number
  /** Time that is left for this attempt, ms. */
  readonly timeoutMs?: number
  /** The lease ends when the server has heard no beat for this long, ms. */
  readonly leaseMs: number
  readonly cancelGraceMs: number
  /** W3C trace context of the request that started the task. */
  readonly traceparent?: string
}

/** A sign of life of an attempt. */
export interface Beat {
  readonly progress?: number
  readonly total?: number
  readonly note?: string
  /** Given to the next attempt if this one ends without an answer. */
  readonly details?: Json
  /** How long the event loop of the worker has not turned, ms. */
  readonly stalledMs?: number
}

/** The answer to a beat: whether to go on. */
export type BeatAnswer = 'go' | 'cancel'

/** The end of an attempt that went well. */
export interface StepDone {
  /** The result of a `run`. */
  readonly result?: Json
  /** The subject of the task, of its `plan`. */
  readonly subject?: TaskSubject
  /** The items of an `each`, of its `plan`. */
  readonly items?: readonly { readonly key: string; readonly value: Json }[]
  /** Operations of a transaction, which are made in one write with the end of the step. */
  readonly operations?: readonly Json[]
  /** Ids of blocks that are deleted in that same write, unless somebody else has changed them. */
  readonly removeIfUntouched?: readonly string[]
}

/** The end of an attempt that failed. */
export interface StepFailed {
  readonly error: string
  readonly class: FailureClass
  /** As the outside asked by `Retry-After`. */
  readonly retryAfterMs?: number
}
