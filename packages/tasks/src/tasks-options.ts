import type { SteadyClock, WorkspaceLog } from '@joinery/log'
import type { Documents } from './documents.ts'
import type { TaskLimits } from './task-limits.ts'

/** The log of the server, for whatever nobody waits for. */
export interface TaskLogger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface TasksOptions {
  /** Opens a system log, as `Workspaces.openSystemLog` does. Nothing is written to it once `release` has resolved. */
  openSystemLog(name: string, release: () => void | Promise<void>): Promise<WorkspaceLog>
  /** Names of the system logs that exist, as `EventStore.systemLogs`: looked at where the server's own journal can't tell. */
  systemLogs?(): AsyncIterable<string>
  /** The fate of a workspace: `gone` once it was purged. */
  fateOf?(workspace: string): Promise<'there' | 'deleted' | 'gone'>
  /** Runs work whose appends are one write, as `EventStore.atomically` does. */
  atomically<T>(work: () => T): T
  /** Id of this copy of the data, as `EventStore.copy`. */
  readonly copy: string
  readonly documents: Documents
  readonly logger: TaskLogger
  /** Throws a `TaskError` for a saga that an edit of a document may not ask for. */
  assertAskable?(saga: string): void
  readonly limits?: Partial<TaskLimits>
  readonly clock?: SteadyClock
  /** The workspace of whose name the SHA-256 begins with these 16 hexadecimal digits, if another server has given out steps of it. */
  workspaceOfHash?(hash: string): string | undefined
  /**
   * Time after the opening in which workers that other servers know call here for the first time, ms: a start of a saga that nobody has
   * announced waits so long. 0 by default.
   */
  readonly meetsWorkersMs?: number
  /** False for a program that only looks and asks: requests that wait are started by the next server. */
  readonly isServing?: boolean
  /** A number from 0 up to 1, for the jitter of pauses. */
  random?(): number
  /** Host that a step speaks to: attempts of one host are bounded together, and stop together while it fails. */
  hostOf?(saga: string, step: string): string | undefined
}
