import type { FailureClass } from '@joinery/worker'

export type ResourceErrorCode =
  /** The configuration or a secret is not as it must be: an operator has to mend it. */
  | 'misconfigured'
  /** The service refused the request for good. */
  | 'rejected'
  /** The service could not be reached, or has failed: later attempts may succeed. */
  | 'unavailable'
  /** The service has answered something else than its protocol says. */
  | 'bad_answer'
  /** A URL that the server does not call. */
  | 'refused_url'

export interface ResourceErrorOptions extends ErrorOptions {
  readonly class?: FailureClass
  /** HTTP status of the answer: it says the class if none is given. */
  readonly status?: number
  /** Time that the service asks to wait, ms. */
  readonly retryAfterMs?: number | undefined
}

/** Error of a resource. Its message says what happened and what to do, and holds no secret. */
export class ResourceError extends Error {
  override name = 'ResourceError'
  readonly code: ResourceErrorCode
  readonly class: FailureClass | undefined
  readonly status: number | undefined
  readonly retryAfterMs: number | undefined
  constructor(code: ResourceErrorCode, message: string, options: ResourceErrorOptions = {}) {
    super(message, options)
    this.code = code
    this.status = options.status
    const byCode = code === 'unavailable' ? 'transient' : 'permanent'
    this.class = options.class ?? (options.status === undefined ? byCode : undefined)
    this.retryAfterMs = options.retryAfterMs
  }
}
