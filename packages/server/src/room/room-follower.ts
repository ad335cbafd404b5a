import type { LogRecord, WorkspaceLog } from '@joinery/log'
import type { ServerError } from '../server-error.ts'

/** Hears what a room appends to its log. All calls come in the turn of the event loop in which the thing happens. */
export interface RoomFollower {
  /** Called once, before anything else. `durable` resolves when everything that `log` holds by now is durable. */
  opened(log: WorkspaceLog, durable: Promise<void>): void
  /** Called with each record after that, in order; `durable` is the record's `Receipt.durable`. */
  appended(record: LogRecord, durable: Promise<void>): void
  /** The room gives its log back, or can no longer write to it. Nothing is called after this. */
  closed(reason: ServerError): void
}
