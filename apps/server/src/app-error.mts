/**
 * What ends the command: `usage` is the caller's to mend in the command line or environment (exit code 2), `start` is
 * the machine's (port, directory, keys), `failed` a run that did not do what it promises (both exit code 1).
 */
export type AppErrorCode = 'usage' | 'start' | 'failed'

/** The one error class of the command. `message` is one line for a person: what is wrong and what would be right. */
export class AppError extends Error {
  override name = 'AppError'
  readonly code: AppErrorCode
  constructor(code: AppErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Exit code of the process for whatever ended it. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AppError && error.code === 'usage' ? 2 : 1
}
