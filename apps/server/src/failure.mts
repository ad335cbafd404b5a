import type { ClusterError, EngineError } from '@joinery/cluster'
import { LogError, type LogErrorCode } from '@joinery/log'
import { IdentityError } from '@joinery/server'
import { AppError } from './app-error.mts'
import type { ServeConfig } from './serve-config.mts'

const LOG_ADVICE: Partial<Record<LogErrorCode, string>> = {
  locked: 'stop the server that uses it, or give this one another directory with --data',
  storage_full: 'free some space, or give another directory with --data',
  storage_failed: 'check the disk and the rights of the directory, or give another one with --data',
  foreign_directory: 'give a new or empty directory with --data',
  unreadable:
    'check the rights of the directory and the version of joinery that wrote it, or give another one with --data',
  corrupted: 'keep the directory as it is, restore it from a backup, or start on a new one with --data',
}

/**
 * Explains why the server did not start or close: {@link AppError} `start` with one line that says what to do. Returns
 * an error that it does not know as it is.
 */
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
  if (isOfCluster(error)) return `cluster: ${error.message}`
  if (!(error instanceof Error) || !('code' in error)) return undefined
  const { host, port } = config
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} of ${host} is taken: stop the program that listens on it, or choose another with --port`
    case 'EACCES':
      return `port ${port} of ${host} needs rights this user does not have: choose one above 1023 with --port`
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `--host ${host} is not an address of this machine: use 127.0.0.1, or 0.0.0.0 for all its addresses`
    default:
      return undefined
  }
}

/** By name: a single server does not load the package of the cluster. */
function isOfCluster(error: unknown): error is ClusterError | EngineError {
  return error instanceof Error && ['ClusterError', 'EngineError'].includes(error.name)
}
