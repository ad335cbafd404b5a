import type { Json } from '@joinery/protocol'
import type { Calls } from './calls.ts'
import type { Draft } from './draft.ts'
import type { TellProgress } from './progress.ts'
import type { WithRun } from './with-run.ts'

/** The adapters that the worker was started with, by name. */
// biome-ignore lint/suspicious/noExplicitAny: each adapter has a type of its own, which the application knows
export type Resources = Readonly<Record<string, any>>

/** Results of the steps that are done, by name; those of an `each` in the order of its items. */
// biome-ignore lint/suspicious/noExplicitAny: a result has the type that its own step gave it, which no other step can infer
export type Results = Readonly<Record<string, any>>

/** The part of a context that running and taking back share. */
export interface StepContext<Input> {
  readonly input: Input
  readonly results: Results
  /**
   * Idempotency key for the outside: the same in every attempt, in every process, after every crash. Another one for each step and
   * item, and for taking back.
   */
  readonly key: string
  /** Number of the attempt, from 1. */
  readonly attempt: number
  /** Details that an earlier attempt told by `beat`; undefined if none did. */
  readonly details: Json | undefined
  /**
   * Aborts when the task is canceled, the time of the attempt is over, the lease is lost, or the worker stops: pass it on to
   * all that waits. Its reason is a `WorkerError` with the code `canceled`, `timed_out`, `lease_lost` or `stopped`.
   */
  readonly signal: AbortSignal
  readonly beat: TellProgress
  /**
   * Collects operations of a transaction, which are made in one write with the end of the step, or not at all. The callback is
   * synchronous; its value is returned, and is the result of the step if the step returns nothing else.
   */
  readonly edit: <T>(edit: (draft: Draft) => T) => T
  /** HTTP calls with the step's key, its signal, and errors that say whether to try again. */
  readonly http: Calls
  readonly resources: Resources
  readonly workspace: string
  readonly task: string
  readonly step: string
  /** Time of the server when the task was started, ms since epoch. */
  readonly startedAt: number
  /** Time until the deadline of the task when the attempt began, ms; undefined without a deadline. */
  readonly deadlineMs: number | undefined
  /** W3C trace context of the request that started the task. */
  readonly traceparent: string | undefined
}

/** The argument of `run`. */
export interface RunContext<Input, Item = undefined> extends StepContext<Input> {
  readonly item: Item
  /** Id for a run of an index or a status: one for each attempt, since a retry is a new run. */
  readonly runId: string
  /** Builds an index as the SDK's `withRun` does; its writes count only while the lease stands. */
  readonly withRun: WithRun
}

/** The argument of `compensate`. */
export interface UndoContext<Input, Item = undefined> extends StepContext<Input> {
  readonly item: Item
  /** The result of the run; undefined if it is not known whether the run happened. Ask the outside by {@link runKey} then. */
  // biome-ignore lint/suspicious/noExplicitAny: TypeScript can't infer one option of a step from another that it is beside
  readonly result: any
  /** The `key` that the run had. */
  readonly runKey: string | undefined
  /**
   * Deletes blocks in the write that ends the step, except those that somebody else has changed: they stay, and the task names
   * them. Takes one id, a list of ids, or undefined for none.
   */
  readonly removeIfUntouched: (blocks: string | readonly string[] | undefined) => void
}
