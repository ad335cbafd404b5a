import { LogError, type LogErrorCode } from '@joinery/log'
import { AppError } from '../app-error.mts'
import { directoryOperator } from './local-operator.mts'
import type { Operator } from './operator.mts'
import { findServer } from './remote-operator.mts'

const ADVICE: Partial<Record<LogErrorCode, string>> = {
  locked: 'a process has it open that can’t be asked: stop it, and then try again',
  unreadable: 'give the directory of a log with --data',
  foreign_directory: 'give the directory of a log with --data',
  storage_full: 'free some space',
}

/**
 * Does `work` on a data directory: through the server that has it open if there is one, on the directory itself if not.
 * Rejects with {@link AppError} `failed` and one line that says what to do.
 */
export function withOperator<T>(directory: string, work: (operator: Operator) => Promise<T>): Promise<T> {
  return explained(async () => {
    const server = await findServer(directory)
    if (server !== undefined) return await work(server)
    try {
      return await work(directoryOperator(directory))
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'locked') throw error
      // A server may have started between the two looks.
      const started = await findServer(directory)
      if (started === undefined) throw error
      return await work(started)
    }
  })
}

/** Turns the log's errors into {@link AppError} `failed` that says what to do. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LogError)) throw error
    const advice = ADVICE[error.code]
    throw new AppError('failed', `${error.message}${advice === undefined ? '' : ` (${advice})`}`, { cause: error })
  }
}
