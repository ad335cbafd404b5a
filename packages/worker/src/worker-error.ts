import type { FailureClass } from '@joinery/protocol'

/**
 * The reason why a worker, or a definition, failed.
 *
 * - `bad_definition`: a saga or a step that can't be run; the message names the saga, the step and the rule.
 * - `bad_options`: an option of `startWorker`.
 * - `bad_input`: the input of a task does not fit the schema of its saga.
 * - `bad_result`, `bad_items`, `bad_operation`: a step gave something that the journal or the document can't hold.
 * - `unknown_step`: the server asks for a saga, a version or a step that this worker does not have.
 * - `timed_out`, `canceled`, `lease_lost`, `stopped`: the reasons with which an attempt's signal aborts.
 * - `http_status`, `unreachable`: a call of a step to the outside failed.
 * - `request_refused`: the server refuses the worker, or a write of a step.
 */
export type WorkerErrorCode =
  | 'bad_definition'
  | 'bad_options'
  | 'bad_input'
  | 'bad_result'
  | 'bad_items'
  | 'bad_operation'
  | 'unknown_step'
  | 'timed_out'
  | 'canceled'
  | 'lease_lost'
  | 'stopped'
  | 'http_status'
  | 'unreachable'
  | 'request_refused'

/** The properties of a {@link WorkerError} besides its message. */
export interface WorkerErrorDetails extends ErrorOptions {
  /** HTTP status that was answered. */
  readonly status?: number | undefined
  readonly retryAfterMs?: number | undefined
  /** Code of the server's refusal. */
  readonly refusal?: string | undefined
}

/** Codes of faults that the next attempt meets again. */
const LASTING: ReadonlySet<WorkerErrorCode> = new Set([
  'bad_definition',
  'bad_options',
  'bad_input',
  'bad_result',
  'bad_items',
  'bad_operation',
  'unknown_step',
])

/** The error class of this package. `message` says what happened and what to do. */
export class WorkerError extends Error {
  override name = 'WorkerError'
  readonly code: WorkerErrorCode
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  readonly refusal: string | undefined
  /** `permanent` if the next attempt would meet the same fault; otherwise undefined, and the status tells. */
  readonly class: FailureClass | undefined

  constructor(
    code: WorkerErrorCode,
    message: string,
    { status, retryAfterMs, refusal, ...options }: WorkerErrorDetails = {},
  ) {
    super(message, options)
    this.code = code
    this.status = status
    this.retryAfterMs = retryAfterMs
    this.refusal = refusal
    this.class = LASTING.has(code) ? 'permanent' : undefined
  }
}
