/** Why the log refused: SPEC.md says what each means and what to do. */
export type LogErrorCode =
  | 'storage_full'
  | 'storage_failed'
  | 'corrupted'
  | 'locked'
  | 'closed'
  | 'foreign_directory'
  | 'unreadable'
  | 'invalid'
  | 'duplicate_key'

/** The one error class of the log. `message` names the workspace or directory and what to do. */
export class LogError extends Error {
  override name = 'LogError'
  readonly code: LogErrorCode
  constructor(code: LogErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
