/** Error codes with the HTTP status of each. */
export const ERROR_STATUS = {
  bad_request: 400,
  forbidden_origin: 403,
  not_found: 404,
  method_not_allowed: 405,
  already_running: 409,
  not_indexed: 409,
  vectors_missing: 410,
  too_large: 413,
  unsupported_media_type: 415,
  internal: 500,
  too_many: 503,
  /** A writer's process ended or failed. It is never an answer, but part of a demonstration's outcome. */
  writer_failed: 500,
} as const
export type DemonstrationErrorCode = keyof typeof ERROR_STATUS

export class DemonstrationError extends Error {
  override name = 'DemonstrationError'
  readonly code: DemonstrationErrorCode
  constructor(code: DemonstrationErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
