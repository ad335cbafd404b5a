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
  /** Unique per workspace: well-formed text of up to 1,024 bytes. */
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
   * Resolves when the record is as durable as the store promises. Appends of one log in one turn of the event loop share
   * the promise, if none of them has an idempotency key. While storage fails it stays pending and resolves after recovery.
   *
   * Rejects with `closed` if the store closes before, and with `fenced` if the log is fenced before: it is then unknown
   * whether the record is in the log. Rejects with `duplicate_key` if the store finds only while it writes that another
   * record has the entry's idempotency key: nothing of this append is in the log, and the log is fenced (SPEC.md, L64). A
   * store on one machine never does so: its `append` throws.
   */
  readonly durable: Promise<void>
}

/** The whole state up to one LSN, kept so that loading need not start from record 1. */
export interface Snapshot {
  /** Covers records 1 through this one. */
  readonly lsn: Lsn
  /** Time of that record, ms since epoch. */
  readonly at: number
  /** One Yjs V1 update, up to 1 GiB: the whole state. Opaque here. */
  readonly state: Uint8Array
  /** What the caller keeps beside it. */
  readonly annex: Uint8Array
}

/** What sealing did. Bytes are as stored, keys included. */
export interface Sealed {
  readonly records: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** How much of a workspace's history is kept: all of it, or what is younger or among the last so many records. */
export type KeepHistory = 'forever' | { readonly days: number } | { readonly events: number }

/** Checks that bytes are a state that can be loaded; throws if not. The log knows no Yjs. */
export type VerifyState = (state: Uint8Array) => void

/** What a compaction did. */
export interface Compacted {
  readonly dropped: number
  /** First LSN that can be read now. */
  readonly firstLsn: Lsn
}

/**
 * One workspace's log, held open by exactly one room. Once it is fenced, {@link create}, {@link append}, {@link snapshot},
 * {@link seal} and {@link compact} throw `fenced`, and those under way reject with it; what is in the log can still be read.
 */
export interface WorkspaceLog {
  readonly workspace: string
  /** Id of this history, made at its creation and kept for good; undefined until something is appended or {@link create} is called. */
  readonly generation: string | undefined
  /** LSN of the last append (durable or not yet); 0 for none. */
  readonly head: Lsn
  /** First LSN that can still be read: 1 unless compaction dropped records. */
  readonly firstLsn: Lsn
  /** LSN of the snapshot that counts; 0 for none. */
  readonly snapshotLsn: Lsn
  /** Whether this log takes appends. {@link close} of the log alone does not change it. */
  readonly state: LogState
  /**
   * Called at every change of {@link state}, in the turn in which it changes; must not throw. Returns unsubscribe. A log
   * keeps nothing for this until somebody subscribes.
   */
  onStateChange(listener: (state: LogState) => void): () => void
  /** What was appended since that snapshot. Bytes are as stored, and an estimate after opening or a snapshot. */
  readonly sinceSnapshot: { readonly records: number; readonly bytes: number }
  /** Makes the workspace exist without a record; resolves with its generation once that is durable. Idempotent. */
  create(): Promise<string>
  /**
   * Takes the next LSN at once and writes with the store's next group. With `sync`, `durable` resolves only when that is
   * on the disk, even where the store promises less (not in memory, which has none). Throws `closed`, `fenced`,
   * `invalid`, or the storage error while storage fails; and `duplicate_key`, with the `lsn` of the record that has it, if
   * the log has `entry.idempotencyKey` already.
   */
  append(entry: LogEntry, options?: { sync?: boolean }): Receipt
  /** LSN of the record with this idempotency key, durable or not yet. */
  lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined>
  /** LSN of the last record that can be read whose time is at or before `at` (ms since epoch); 0 for none. */
  lsnAt(at: number): Promise<Lsn>
  /**
   * Records in order, checked (CRC, gap-free); those not yet durable included. Without `after`, from {@link firstLsn}.
   * Throws `corrupted` at the first that is damaged, and `invalid` when `after` lies before what compaction left:
   * pass 0 to be sure of reading all that ever was.
   */
  read(range?: { after?: Lsn; through?: Lsn }): AsyncIterable<LogRecord>
  /**
   * Keeps `state` (copied by the time it resolves: don't write to it before) as the snapshot at `lsn`; resolves when
   * that is on the disk. Appends go on meanwhile. Throws `invalid` for an LSN above {@link head} or at or below
   * {@link snapshotLsn}, `closed` if the log closes before it is written, or the storage error.
   */
  snapshot(snapshot: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array }): Promise<void>
  /**
   * The newest snapshot at or below an LSN (default: the head) that is undamaged. A damaged one is told to the store's
   * observer, and the one before it stands in. The state at an LSN is this and the records from it on.
   */
  latestSnapshot(range?: { atOrBefore?: Lsn }): Promise<Snapshot | undefined>
  /**
   * Packs records through `through` (default: all), but never the head, into compressed segments. Reading does not change;
   * a few dozen records may be left for the next time. Appends go on meanwhile. Resolves with what it did (bytes as
   * stored) when that is on the disk; memory does nothing. Throws `corrupted` at a damaged record, with all before it
   * sealed, `closed` or the storage error.
   */
  seal(options?: { through?: Lsn }): Promise<Sealed>
  /**
   * Drops the records that `keepHistory` lets go and that a snapshot stands for: the newest such that can be read back
   * from the disk and that `verify` loads. The head stays, and idempotency keys stay known. Appends go on meanwhile. Never
   * called by the log itself. Throws `invalid`, `closed` or the storage error; cut short, it has lost nothing.
   */
  compact(policy: { keepHistory: KeepHistory; verify: VerifyState }): Promise<Compacted>
  /** Lets another open of the same workspace in. Appends already made are still written, unless it is fenced. Idempotent. */
  close(): Promise<void>
}

/** A workspace as far as it is intact: for reading only. */
export interface DamagedLog extends WorkspaceLog {
  /** What is damaged or missing, with the first LSN of it where that is known. Thrown by whatever would write. */
  readonly damage: LogError
}

/**
 * Whether the store takes appends. `failed` ends by itself once storage works again, unless its error's code is `fenced`:
 * another writer holds the whole store then, every log in it is fenced, and nothing but {@link EventStore.close} follows.
 */
export type StoreState = { state: 'open' } | { state: 'failed'; error: LogError } | { state: 'closed' }

/**
 * Whether one log takes appends: the state of its store, until the log is fenced. `fenced` is final for this log, whatever
 * becomes of its store: another writer holds the workspace now, and nothing more is written through this log. `error` has
 * the code `fenced`.
 */
export type LogState = StoreState | { state: 'fenced'; error: LogError }

/** Append-only event logs, one per workspace, in one place. */
export interface EventStore {
  readonly durability: Durability
  readonly state: StoreState
  /** Called at every change of {@link state}; must not throw. Returns unsubscribe. */
  onStateChange(listener: (state: StoreState) => void): () => void
  /**
   * Opens one workspace's log, existing or not. Throws `locked` if it is open already, `corrupted` if its head or
   * identity is damaged or its end lost, `deleted`, `invalid` for what can't be a name, `closed`, or the storage error. While
   * storage fails it opens what can be read (SPEC.md, L54), and only what would write throws.
   */
  open(workspace: string): Promise<WorkspaceLog>
  /**
   * Opens a workspace that `open` or `read` found `corrupted`, as far as it is intact, and changes no byte of it. Its
   * `head` is the last LSN before the first damaged or missing record after the newest undamaged snapshot. Reads
   * the workspace from end to end. Throws `corrupted` when not even that much can be told, and `invalid` when nothing
   * is damaged; otherwise as {@link open}.
   */
  openDamaged(workspace: string): Promise<DamagedLog>
  /** Names of the workspaces that exist and are not deleted, in byte order. */
  workspaces(): AsyncIterable<string>
  /** Names of the deleted ones that are not purged, in byte order. */
  tombstones(): AsyncIterable<string>
  /**
   * Marks a workspace deleted: `open` throws `deleted` from now on, and all its bytes stay. Idempotent; resolves when that
   * is on the disk. Throws `locked` while its log is open, `invalid` if there is none, `corrupted`, `closed`, or the
   * storage error.
   */
  tombstone(workspace: string): Promise<void>
  /** Takes {@link tombstone} back. Throws `deleted` once a {@link purge} has begun; otherwise like that. */
  undelete(workspace: string): Promise<void>
  /**
   * Removes everything of a deleted workspace, from the files too; resolves when that is done. Its name may be used again,
   * for a new generation. Cut short, it can be done again. Throws `invalid` if the workspace is not deleted; otherwise
   * like {@link tombstone}.
   */
  purge(workspace: string): Promise<void>
  /**
   * Writes what is still waiting, fsyncs, and releases the directory. Idempotent. Rejects with the storage error,
   * the directory released all the same, if something could not be made safe.
   */
  close(): Promise<void>
}
