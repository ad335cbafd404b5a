import { LogError } from '@joinery/log'
import { HistoryError } from '../history/history-error.ts'

/** The error of opening a log that belongs to another node, whose address is `at`. */
export function notOwner(workspace: string, at: string): LogError {
  return new LogError('not_owner', `another node owns workspace ${workspace}: ask ${at}`, { workspace })
}

/**
 * An error of the engine or of a history, as a store throws it. Damage of the history is no damage of this node's log: it is
 * `storage_failed`, and nothing is served instead.
 */
export function storeErrorOf(error: unknown, workspace: string): unknown {
  if (error instanceof LogError) return error
  const reason = error instanceof Error ? error.message : String(error)
  if (error instanceof HistoryError && error.code === 'deleted') {
    return new LogError('deleted', `workspace ${workspace} is deleted`, { cause: error, workspace })
  }
  const isFence = error instanceof HistoryError && error.code === 'fenced'
  const message = `workspace ${workspace} can't be taken over now: ${reason}`
  return new LogError(isFence ? 'fenced' : 'storage_failed', message, { cause: error, workspace })
}

export function locked(workspace: string): LogError {
  return new LogError('locked', `workspace ${workspace} is open already: close that log first`, { workspace })
}

export function heldPurged(workspace: string): LogError {
  const message = `workspace ${workspace} was purged by another node: this one discards its copy when all of its parts have started`
  return new LogError('locked', message, { workspace })
}
