import type { LogRecord, Lsn } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'

export interface TailOptions {
  /** LSN of the last record that the caller has; 0 to begin with the first record. */
  readonly after: Lsn
  /** Ends the tail, without an error, when it aborts. */
  readonly signal?: AbortSignal
}

/** The logs of workspaces as others may follow them. The contract suite is `describeTail` in `@joinery/server/testing`. */
export interface Tails {
  /**
   * Every record after `after`, in order, each once, as soon as it is durable: first those in the log, then new ones as they
   * come. The iteration has no end of its own. It ends without an error only when `signal` aborts or the caller leaves the
   * loop, and throws (S83 lists the errors) when it cannot go on; the caller may then begin again after its last record.
   * Nothing happens before the first step. A caller that takes long between two steps costs no more memory than a short queue.
   * The records are shared with other readers: do not write to their bytes.
   */
  tail(workspace: WorkspaceId, options: TailOptions): AsyncIterable<LogRecord>
}
