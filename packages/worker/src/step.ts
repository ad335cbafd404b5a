import type { FailureClass, RetryPolicy, StepShape } from '@joinery/protocol'
import type { Results, RunContext, UndoContext } from './contexts.ts'

/** Options of a step. Times are in ms. */
export interface StepOptions<Input, Item = undefined> {
  /** Does the work. Its value is the result of the step: JSON of at most 64 KiB. May be called more than once, with the same `key`. */
  readonly run: (context: RunContext<Input, Item>) => unknown
  /** Takes it back, also when it is not known whether it happened: `result` is undefined then. */
  readonly compensate?: (context: UndoContext<Input, Item>) => unknown
  /** Default: 8 attempts, pauses from 1 s doubling to 15 min. */
  readonly retry?: Partial<RetryPolicy>
  /** Longest time of one attempt. */
  readonly timeoutMs?: number
  /** Longest time over all attempts. */
  readonly giveUpAfterMs?: number
  /** Longest wait for a worker. */
  readonly scheduleMs?: number
  /** After this step nothing is taken back any more. */
  readonly pivot?: boolean
  readonly onFailure?: 'compensate' | 'continue' | 'wait'
  readonly onUndoFailure?: 'continue' | 'stop'
  /** An attempt that may have happened is never made again. */
  readonly effect?: 'at_most_once'
  readonly cancelGraceMs?: number
  /** Name of the service that the step calls. */
  readonly host?: string
  /**
   * Machine of the resource that the step waits for, such as `payment@1`: the one of the `block` and `name` of the item, or else of the
   * input. When another task has news of it, an attempt that was `pending` is made again at once.
   */
  readonly follows?: string
  /** Machine of the resource that the step has news of once it is done, named as for `follows`. */
  readonly tells?: string
}

/** Options of a step that runs once for every item of a list. */
export interface EachOptions<Input, Item> extends StepOptions<Input, Item> {
  /** The list, made once when the step begins: at most 10,000 items of JSON. */
  readonly items: (context: {
    readonly input: Input
    readonly results: Results
  }) => readonly Item[] | Promise<readonly Item[]>
  /** Names an item, and is unique: the text itself, an `id` or `key` of an object, or the position by default. */
  readonly keyOf?: (item: Item, index: number) => string
  /** Items that may run at once: 1 by default. */
  readonly concurrency?: number
}

export interface WaitOptions {
  readonly timeoutMs?: number
  readonly onFailure?: 'compensate' | 'continue' | 'wait'
}

/** One step of a saga, as {@link step}, {@link each}, {@link sleep} and {@link waitFor} make it. */
export interface Step {
  readonly name: string
  readonly kind: StepShape['kind']
  // biome-ignore lint/suspicious/noExplicitAny: the steps of one saga have items of different types
  readonly options: Partial<EachOptions<any, any>> & { readonly sleepMs?: number }
}

/** A step that runs once. `step<Input>(…)` gives its context the type of the saga's input. */
// biome-ignore lint/suspicious/noExplicitAny: TypeScript does not infer the input of a saga into the calls that make its steps
export function step<Input = any>(name: string, options: StepOptions<Input>): Step {
  return { name, kind: 'step', options }
}

/** A step that runs once for every item, several at once if `concurrency` says so. */
// biome-ignore lint/suspicious/noExplicitAny: as for a step
export function each<Input = any, Item = any>(name: string, options: EachOptions<Input, Item>): Step {
  return { name, kind: 'each', options }
}

/** A pause, which outlives every crash and keeps no worker busy. */
export function sleep(name: string, sleepMs: number): Step {
  return { name, kind: 'sleep', options: { sleepMs } }
}

/** Waits for a signal of that name. Its payload is the result of the step. */
export function waitFor(name: string, options: WaitOptions = {}): Step {
  return { name, kind: 'signal', options }
}

/** An error with a class: thrown by a step, it says whether the attempt is made again. */
export class StepError extends Error {
  override name = 'StepError'
  readonly class: FailureClass
  readonly retryAfterMs: number | undefined
  constructor(failure: FailureClass, message: string, options: ErrorOptions & { readonly retryAfterMs?: number } = {}) {
    super(message, options)
    this.class = failure
    this.retryAfterMs = options.retryAfterMs
  }
}
