import type { LogRecord } from '@joinery/log'
import type { Position } from './position.ts'

/** A node's own copy of one workspace's log, beside the history on the engine. */
export interface ReplicaLog {
  readonly generation: string | undefined
  /** LSN of its last record. */
  readonly head: number
  /** Position on the engine up to which the records here are known to be the same. */
  readonly mark: Position
  read(after: number): AsyncIterable<LogRecord>
  /** Appends records that the engine has, and moves the mark. Resolves when both are on the disk. */
  adopt(records: readonly LogRecord[], mark: Position): Promise<void>
  /** Removes the records after `lsn`. Resolves when that is on the disk. */
  truncate(lsn: number): Promise<void>
}
