import { tmpdir } from 'node:os'
import { LogError, type LogErrorCode } from '@joinery/log'
import { AppError } from '../app-error.mts'
import { directoryOperator } from './local-operator.mts'
import type { Operator } from './operator.mts'
import { findServer } from './remote-operator.mts'

const ADVICE: Partial<Record<LogErrorCode, string>> = {
  locked: 'a process has it open that can’t be asked: stop it, and then try again',
  unreadable: 'give the directory of a log with --data',
  foreign_directory: 'or give the directory of a log with --data',
  storage_full: 'this command does not: do it again then',
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

/** What the system says, in words. */
const FAULTS: Readonly<Record<string, string>> = {
  ENOSPC: 'no room is left there: free some space, or choose another place',
  EDQUOT: 'the quota there is used up: free some space, or choose another place',
  EFBIG: 'a file may not be so large there: choose another place',
  EACCES: 'this user may not do that there: see to the rights, or choose another place',
  EPERM: 'this user may not do that there: see to the rights, or choose another place',
  EROFS: 'nothing can be written there: choose another place',
  ENOTDIR: 'a part of this path is no directory',
  EISDIR: 'this is a directory',
  ENOENT: 'there is no such file',
}

/** {@link AppError} `failed` for what the system said of a file; undefined for any other error. */
export function fileFault(error: unknown, path: string): AppError | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined
  return new AppError('failed', `${path}: ${FAULTS[String(error.code)] ?? error.message}`, { cause: error })
}

/** Turns the log's errors, and the system's, into {@link AppError} `failed` that says what to do. */
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
