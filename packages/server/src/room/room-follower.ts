import type { LogRecord, WorkspaceLog } from '@joinery/log'
import type { ServerError } from '../server-error.ts'

/** Hears of every record that a room appends. Each call comes in the same turn of the event loop as its event. */
export interface RoomFollower {
  /** Called once, before all other calls. `durable` resolves when everything that `log` has by now is durable. */
  opened(log: WorkspaceLog, durable: Promise<void>): void
  /** Called with each record after that, in order; `durable` is the record's `Receipt.durable`. */
  appended(record: LogRecord, durable: Promise<void>): void
  /** Called when the room closes its log, or can no longer write to it. No call follows. */
  closed(reason: ServerError): void
}
