/**
 * Reason for which the command ends. `usage`: the command line or the environment is wrong (exit code 2). `start`: the
 * port, the directory or the keys are (exit code 1). `unsupported`: this version can't do what is asked (exit code 2). `failed`: the command did not do what it promises (exit code 1).
 */
export type AppErrorCode = 'usage' | 'unsupported' | 'start' | 'failed'

/** The one error class of the command. `message` is one line for a person: the fault, the rule and what to do. */
export class AppError extends Error {
  override name = 'AppError'
  readonly code: AppErrorCode
  constructor(code: AppErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Exit code of the process for the error that ended it. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AppError && (error.code === 'usage' || error.code === 'unsupported') ? 2 : 1
}
