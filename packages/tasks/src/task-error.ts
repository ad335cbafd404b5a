/**
 * The reason why a request about a task was refused.
 *
 * - `unknown_task`: there is no such task in the workspace.
 * - `unknown_saga`: no worker has ever announced it; `details` names those that workers announced.
 * - `invalid`: the input does not fit the saga's schema, or is no JSON; `details` has the issues.
 * - `too_large`: an input, result or list is above its bound, which the message names.
 * - `too_many_tasks`: as many tasks are open as may be.
 * - `key_reused`: the key belongs to a start with another body.
 * - `lease_lost`: the lease of the token does not stand.
 * - `already_done`: the attempt has ended with another answer, which stands.
 * - `not_cancelable`, `not_retryable`: the task's state does not allow it.
 */
export type TaskErrorCode =
  | 'unknown_task'
  | 'unknown_saga'
  | 'invalid'
  | 'too_large'
  | 'too_many_tasks'
  | 'key_reused'
  | 'lease_lost'
  | 'already_done'
  | 'not_cancelable'
  | 'not_retryable'

/** The error class of this package. `message` says what happened and what to do. */
export class TaskError extends Error {
  override name = 'TaskError'
  readonly code: TaskErrorCode
  readonly details: Readonly<Record<string, unknown>> | undefined
  constructor(code: TaskErrorCode, message: string, details?: Readonly<Record<string, unknown>>) {
    super(message)
    this.code = code
    this.details = details
  }
}
