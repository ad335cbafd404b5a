import { HistoryError } from './history-error.ts'
import type { Facts } from './message.ts'
import type { ReplicaLog } from './replica-log.ts'

/** The error of a copy whose history was purged. `sequence` is that of the purge, or 0 where another node told of it. */
export function ofPurged(workspace: string, sequence: number): HistoryError {
  return new HistoryError('purged', workspace, sequence, 'the history that this node has a copy of was purged')
}

/**
 * True if a purge of the history ends what a copy has: it has that generation, or has followed the history to a place before. Neither holds
 * for the log of a single machine that was never part of the history, nor for a copy of what was written after the purge.
 */
export function isEndedBy({ generation, mark }: ReplicaLog, purge: Facts, sequence: number): boolean {
  if (generation === undefined) return false
  return generation === purge.generation || (mark.sequence > 0 && mark.sequence < sequence)
}
