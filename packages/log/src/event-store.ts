import type { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'

/** When an append counts as durable, and what that survives: SPEC.md has the table. */
export type Durability = 'memory' | 'async' | 'sync'

/** What one append records. `update` is opaque to the log. */
export interface LogEntry {
  /** One Yjs V1 update, up to 256 MiB. The log keeps a copy. */
  readonly update: Uint8Array
  /** Who wrote it: a user id or a service's name, stamped by the server. */
  readonly actor: string
  /** Class of writer, stamped by the server. */
  readonly source: string
  /** Id of the connection it came in by. */
  readonly connection: string
  /** What it touched, as `block/field` paths; opaque here. */
  readonly touched: readonly string[]
  /** Unique per workspace; a repeat is the caller's to recognise by it. */
  readonly idempotencyKey?: string
}

/** One record as it stands in the log. */
export interface LogRecord extends LogEntry {
  readonly lsn: Lsn
  /** Server time of the append, ms since epoch; never less than the record's before it. */
  readonly at: number
}

/** What an append gives at once. */
export interface Receipt {
  readonly lsn: Lsn
  /** Server time of the record, ms since epoch. */
  readonly at: number
  /**
   * Resolves when the record is as durable as the store promises; the same promise for every append of one group.
   * While storage fails it stays pending and resolves after recovery; rejects with `closed` if the store closes before.
   */
  readonly durable: Promise<void>
}

/** One workspace's log, held open by exactly one room. */
export interface WorkspaceLog {
  readonly workspace: string
  /** Id of this history, made at its creation and kept for good; undefined until something is appended or {@link create} is called. */
  readonly generation: string | undefined
  /** LSN of the last append (durable or not yet); 0 for none. */
  readonly head: Lsn
  /** Makes the workspace exist without a record; resolves with its generation once that is durable. Idempotent. */
  create(): Promise<string>
  /** Takes the next LSN at once and writes with the store's next group. Throws `closed`, `invalid`, or the storage error while storage fails. */
  append(entry: LogEntry): Receipt
  /** Records in order, checked (CRC, gap-free); those not yet durable included. Throws `corrupted` at the first that is damaged. */
  read(range?: { after?: Lsn; through?: Lsn }): AsyncIterable<LogRecord>
  /** Lets another open of the same workspace in. Appends already made are still written. Idempotent. */
  close(): Promise<void>
}

/** Whether the store takes appends. `failed` ends by itself once storage works again. */
export type StoreState = { state: 'open' } | { state: 'failed'; error: LogError } | { state: 'closed' }

/** Append-only event logs, one per workspace, in one place. */
export interface EventStore {
  readonly durability: Durability
  readonly state: StoreState
  /** Called at every change of {@link state}; must not throw. Returns unsubscribe. */
  onStateChange(listener: (state: StoreState) => void): () => void
  /**
   * Opens one workspace's log, existing or not. Throws `locked` if it is open already, `corrupted` if its head or
   * identity is damaged or its end lost, `invalid` for what can't be a name, `closed`, or the storage error.
   */
  open(workspace: string): Promise<WorkspaceLog>
  /** Names of the workspaces that exist, in byte order. */
  workspaces(): AsyncIterable<string>
  /**
   * Writes what is still waiting, fsyncs, and releases the directory. Idempotent. Rejects with the storage error,
   * the directory released all the same, if something could not be made safe.
   */
  close(): Promise<void>
}
