import { tmpdir } from 'node:os'
import { LogError, type LogErrorCode } from '@joinery/log'
import { AppError } from '../app-error.mts'
import type { Operator } from './operator.mts'
import { findServer } from './remote-operator.mts'

const ADVICE: Partial<Record<LogErrorCode, string>> = {
  locked: 'the process that has it open does not answer commands: stop it, and run this again',
  unreadable: 'give the directory of a log with --data',
  foreign_directory: 'or give the directory of a log with --data',
  storage_full: 'this command does not go on by itself: free some space, and do it again',
}

/**
 * Runs `work` on a data directory: through the server that has it open, or on the directory itself if there is none.
 * Rejects with {@link AppError} `failed` and one line that says what to do.
 */
export function withOperator<T>(directory: string, work: (operator: Operator) => Promise<T>): Promise<T> {
  return explained(async () => {
    const server = await findServer(directory)
    if (server !== undefined) return await work(server)
    // A server's own parts are loaded only where none answers.
    const { directoryOperator } = await import('./local-operator.mts')
    try {
      return await work(directoryOperator(directory))
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'locked') throw error
      // A server may have started since the first look.
      const started = await findServer(directory)
      if (started === undefined) throw error
      return await work(started)
    }
  })
}

/** Messages for the system's error codes: the fault, and what to do. */
const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'no room is left there: free some space, or choose another place',
  EDQUOT: 'the quota there is used up: free some space, or choose another place',
  EFBIG: 'the file would be larger than that place allows: choose another place',
  EACCES: 'this user has no right to do that there: change the rights, or choose another place',
  EPERM: 'this user has no right to do that there: change the rights, or choose another place',
  EROFS: 'that place is read-only: choose another place',
  ENOTDIR: 'a part of this path is not a directory: correct the path',
  EISDIR: 'this is a directory: give the path of a file',
  ENOENT: 'there is no such file: correct the path',
}

/** Turns a system error about a file into {@link AppError} `failed`; undefined for any other error. */
export function fileFault(error: unknown, path: string): AppError | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined
  return new AppError('failed', `${path}: ${FAULTS[String(error.code)] ?? error.message}`, { cause: error })
}

/** Runs `work`; turns the log's and the system's errors into {@link AppError} `failed` that says what to do. */
export async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof LogError)) {
      const path = error instanceof Error && 'path' in error ? String(error.path) : tmpdir()
      throw fileFault(error, path) ?? error
    }
    const advice = ADVICE[error.code]
    throw new AppError('failed', `${error.message}${advice === undefined ? '' : ` (${advice})`}`, { cause: error })
  }
}
