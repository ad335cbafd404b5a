import { LogError, type LogErrorCode } from '@joinery/log'
import { IdentityError } from '@joinery/server'
import { AppError } from './app-error.mts'
import type { ServeConfig } from './serve-config.mts'

const LOG_ADVICE: Partial<Record<LogErrorCode, string>> = {
  locked: 'stop the server that uses it, or give this one another directory with --data',
  storage_full: 'free some space, or give another directory with --data',
  storage_failed: 'see to the disk and the rights of the directory, or give another one with --data',
  foreign_directory: 'give a new or empty directory with --data',
  unreadable:
    'see to the rights of the directory and to the version of joinery that wrote it, or give another one with --data',
  corrupted: 'keep the directory as it is, restore it from a backup, or start on a new one with --data',
}

/** What kept the server from starting or from closing well, as one line that says what to do; what isn't known here comes back as it is. */
export function explainFailure(error: unknown, config: ServeConfig): unknown {
  const message = lineFor(error, config)
  return message === undefined ? error : new AppError('start', message, { cause: error })
}

function lineFor(error: unknown, config: ServeConfig): string | undefined {
  if (error instanceof LogError) {
    const advice = LOG_ADVICE[error.code]
    return `data directory ${config.dataDirectory}: ${error.message}${advice === undefined ? '' : ` (${advice})`}`
  }
  if (error instanceof IdentityError) return error.message
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { host, port } = config
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is taken: stop what listens there, or choose another with --port`
    case 'EACCES':
      return `port ${port} of ${host} needs rights this user does not have: choose one above 1023 with --port`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `--host ${host} is no address of this machine: take 127.0.0.1, or 0.0.0.0 for all of its addresses`
    default:
      return undefined
  }
}
