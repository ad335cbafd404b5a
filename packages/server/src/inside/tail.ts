import type { LogRecord, Lsn } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'

export interface TailOptions {
  /** LSN of the last record that the caller has; 0 to begin with the first record. */
  readonly after: Lsn
  /** Signal whose abort ends the tail without an error. */
  readonly signal?: AbortSignal
}

/**
 * The logs of workspaces, to be followed by programs. The contract suite is `describeTail` in
 * `@joinery/server/testing`.
 */
export interface Tails {
  /**
   * Gives every record after `after`, each once, in order, as soon as it is durable: first the records in the log, then
   * new ones. The iteration has no end of its own. It ends without an error only when `signal` aborts or the caller
   * leaves the loop. When it cannot go on, it throws (S83 lists the errors), and the caller may begin again after its
   * last record.
   *
   * Nothing happens before the first step. A slow caller costs no more memory than a short queue. The records are
   * shared with other readers: do not write to their bytes.
   */
  tail(workspace: WorkspaceId, options: TailOptions): AsyncIterable<LogRecord>
}
