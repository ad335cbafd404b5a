import type { LogOrigin, LogRecord } from '@joinery/log'
import type { Position } from './position.ts'

/** A node's own copy of one workspace's log, beside the history on the engine. */
export interface ReplicaLog {
  readonly generation: string | undefined
  /** LSN of its last record. */
  readonly head: number
  /** LSN of its first record: 1 unless records were dropped. */
  readonly firstLsn: number
  /** Position on the engine up to which the records here are known to be the same. */
  readonly mark: Position
  /** LSN up to which its records were acknowledged, by whatever history: they are never cut off. */
  readonly floor: number
  read(after: number): AsyncIterable<LogRecord>
  /** The log's beginning, if records were dropped or its chain has marks of its own. */
  readOrigin(): Promise<LogOrigin | undefined>
  /** The log's own chain value of a record. */
  chainAt(lsn: number): Promise<string>
  /**
   * Appends records that the engine has, and moves the mark; with the first record a log takes the beginning `origin`. Resolves
   * when all of it is on the disk.
   */
  adopt(records: readonly LogRecord[], mark: Position, origin?: LogOrigin): Promise<void>
  /** Raises the floor to the head. Resolves when that is on the disk. */
  protect(): Promise<void>
  /** Removes the records after `lsn`, which is not below the floor. Resolves when that is on the disk. */
  truncate(lsn: number): Promise<void>
}
