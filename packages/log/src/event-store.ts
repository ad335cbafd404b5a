import type { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'

/** When an append counts as durable, and what it survives then: SPEC.md has the table. */
export type Durability = 'memory' | 'async' | 'sync'

/** Input of one append. `update` is opaque to the log. */
export interface LogEntry {
  /** One Yjs V1 update, up to 256 MiB. The log keeps a copy. */
  readonly update: Uint8Array
  /** Actor who wrote it: a user id or the name of a service, stamped by the server. */
  readonly actor: string
  /** Class of writer, stamped by the server. */
  readonly source: string
  /** Id of the connection that brought it. */
  readonly connection: string
  /** Paths that the update touched, as `block/field`. Opaque to the log. */
  readonly touched: readonly string[]
  /** Unique per workspace: well-formed text of up to 1,024 bytes. */
  readonly idempotencyKey?: string
}

/** One record as it stands in the log. */
export interface LogRecord extends LogEntry {
  readonly lsn: Lsn
  /** Server time of the append, ms since epoch. It is never less than the time of the record before. */
  readonly at: number
}

/** Result of an append, given at once. */
export interface Receipt {
  readonly lsn: Lsn
  /** Server time of the record, ms since epoch. */
  readonly at: number
  /**
   * Resolves when the record is as durable as the store promises. Appends of one log in one turn of the event loop
   * share the promise, if none of them has an idempotency key. While storage fails the promise stays pending; it
   * resolves after recovery.
   *
   * Rejects with `closed` if the store closes before. Rejects with `fenced` if the log is fenced before: whether the
   * log has the record is then unknown. Rejects with `duplicate_key` if the store finds only while it writes that
   * another record has the idempotency key: nothing of this append is in the log, and the log is fenced (SPEC.md, L64).
   * A store on one machine never rejects so late: its `append` throws.
   */
  readonly durable: Promise<void>
  /** Where `durable` waits for other machines: resolves before it, when the record is as durable on this one. */
  readonly stored?: Promise<void>
}

/** How far the records of a log are on other machines. */
export interface Replication {
  /** LSN of the last record that a quorum has. */
  readonly lsn: Lsn
  /** Time for which the oldest record waits for its quorum, ms; 0 when none does. */
  readonly waitsMs: number
  /** Whether a record counts as durable only when a quorum has it. */
  readonly isAwaited: boolean
}

/** The whole state up to one LSN, kept so that loading does not start from record 1. */
export interface Snapshot {
  /** Covers records 1 through this one. */
  readonly lsn: Lsn
  /** Time of that record, ms since epoch. */
  readonly at: number
  /** One Yjs V1 update, up to 1 GiB: the whole state. Opaque here. */
  readonly state: Uint8Array
  /** Bytes that the caller keeps beside the state. Opaque to the log. */
  readonly annex: Uint8Array
}

/** Result of sealing. Bytes are as stored, keys included. */
export interface Sealed {
  readonly records: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/**
 * How much of a workspace's history is kept: all of it, the records of the last `days`, or the last `events` records.
 */
export type KeepHistory = 'forever' | { readonly days: number } | { readonly events: number }

/** Checks that bytes are a state that can be loaded, and throws or rejects if not. The log knows no Yjs. */
export type VerifyState = (state: Uint8Array) => void | Promise<void>

/** Result of a compaction. */
export interface Compacted {
  readonly dropped: number
  /** First LSN that can still be read. */
  readonly firstLsn: Lsn
}

/**
 * One workspace's log, held open by exactly one room. Once it is fenced, {@link create}, {@link append}, {@link snapshot},
 * {@link seal} and {@link compact} throw `fenced`, and those under way reject with it; what is in the log can still be read.
 */
export interface WorkspaceLog {
  readonly workspace: string
  /** Id of this history. It is made by the first append or by {@link create}, kept for good, and undefined before. */
  readonly generation: string | undefined
  /** LSN of the last append (durable or not yet); 0 for none. */
  readonly head: Lsn
  /** First LSN that can still be read: 1 unless compaction dropped records. */
  readonly firstLsn: Lsn
  /** LSN of the newest snapshot; 0 for none. */
  readonly snapshotLsn: Lsn
  /** Whether this log takes appends. {@link close} of the log alone does not change it. */
  readonly state: LogState
  /**
   * Called at every change of {@link state}, in the turn in which it changes; must not throw. Returns unsubscribe. A log
   * keeps nothing for this until somebody subscribes.
   */
  onStateChange(listener: (state: LogState) => void): () => void
  /**
   * Records appended since that snapshot, and their bytes as stored. The bytes are an estimate after opening and after
   * a snapshot.
   */
  readonly sinceSnapshot: { readonly records: number; readonly bytes: number }
  /** How far the records are on other machines; undefined for a log of one machine. */
  readonly replication?: Replication
  /** Makes the workspace exist without a record. Resolves with its generation when that is durable. Idempotent. */
  create(): Promise<string>
  /**
   * Takes the next LSN at once, and writes with the next group of the store. With `sync`, `durable` resolves only when
   * the record is on the disk, even if the store promises less (a store in memory has no disk). Throws `closed`,
   * `fenced`, `invalid`, or the storage error while storage fails. Throws `duplicate_key`, with the `lsn` of the other
   * record, if the log already has a record with `entry.idempotencyKey`.
   */
  append(entry: LogEntry, options?: { sync?: boolean }): Receipt
  /**
   * LSN of the record with this idempotency key, on the disk or not yet. Where a receipt waits for other machines, this does, too, and
   * rejects as the receipt does.
   */
  lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined>
  /** LSN of the last record that can be read whose time is at or before `at` (ms since epoch); 0 for none. */
  lsnAt(at: number): Promise<Lsn>
  /**
   * Gives records in order, checked (CRC, no gap), those not yet durable included. Without `after` it begins at {@link
   * firstLsn}. Throws `corrupted` at the first damaged record. Throws `invalid` if `after` lies before what compaction
   * left: pass 0 to be sure of reading the whole history.
   */
  read(range?: { after?: Lsn; through?: Lsn }): AsyncIterable<LogRecord>
  /**
   * Stores `state` as the snapshot at `lsn`; resolves when that is on the disk. `state` is copied by then: don't write
   * to it before. Appends go on meanwhile. Throws `invalid` for an LSN above {@link head} or at or below {@link
   * snapshotLsn}, `closed` if the log closes before the snapshot is written, or the storage error.
   */
  snapshot(snapshot: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array }): Promise<void>
  /**
   * The newest undamaged snapshot at or below an LSN (default: the head). A damaged one is reported to the store's
   * observer, and the one before it is given instead. This and the records after it make up the state at that LSN.
   */
  latestSnapshot(range?: { atOrBefore?: Lsn }): Promise<Snapshot | undefined>
  /**
   * Packs records through `through` (default: all), but never the head, into compressed segments. Reads do not change;
   * a few dozen records may wait for the next time. Appends go on meanwhile. Resolves with the result when it is on the
   * disk. A store in memory does nothing. Throws `corrupted` at a damaged record (all records before it are sealed
   * then), `closed`, or the storage error.
   */
  seal(options?: { through?: Lsn }): Promise<Sealed>
  /**
   * Drops the records that `keepHistory` does not keep and that a snapshot stands for: the newest one that can be read
   * back from the disk and that `verify` loads. The head stays, and idempotency keys stay known. Appends go on
   * meanwhile. The log never calls this itself. Throws `invalid`, `closed` or the storage error; cut short, it has lost
   * nothing. With `isErasing` no file has a byte of what was dropped afterwards; that rewrites files and takes longer.
   */
  compact(policy: { keepHistory: KeepHistory; verify: VerifyState; isErasing?: boolean }): Promise<Compacted>
  /**
   * The chain value of the record at `lsn` (default: the head), as 64 hexadecimal digits: SHA-256 over the value before it and
   * all that the record says (SPEC.md, "Chain"). Computed from the nearest value that is kept, and kept then. Resolves when the
   * record and everything before it is on the disk. 64 zeros for LSN 0. Throws `invalid` above the head, and for a dropped
   * record whose value is not kept; `corrupted`, `closed`, or the storage error.
   */
  chainAt(lsn?: Lsn): Promise<string>
  /**
   * Closes this log, so that the workspace can be opened again. Appends already made are still written, unless the log
   * is fenced. Idempotent.
   */
  close(): Promise<void>
}

/** How far a log is known to agree with a history that is kept elsewhere. The log keeps it, and reads nothing of it. */
export interface HistoryMark {
  /** Place of the last message that agrees. */
  readonly sequence: number
  /** Epoch of the writer of that message. */
  readonly epoch: number
  /** LSN of the last record through that message. */
  readonly lsn: number
  /** Chain value of that message, 16 hexadecimal digits. */
  readonly chain: string
  /** Generation of the history, known from the first record on. */
  readonly generation: string | undefined
}

/** A link of the chain that is no record. It comes behind the record at `after`, and before the next. */
export type ChainMark =
  /** The generation that the records behind it belong to. */
  | { readonly after: Lsn; readonly generation: string }
  /** From here on, a snapshot stands for the records through `groundLsn`, which were dropped. */
  | { readonly after: Lsn; readonly groundLsn: Lsn; readonly state: string; readonly annex: string }

/** The beginning of a log whose first records were dropped, or whose chain has marks of its own. */
export interface LogOrigin {
  /** LSN of the last dropped record; 0 if none was dropped. */
  readonly lsn: Lsn
  /** Chain value of that record, which attests all that was dropped; 64 zeros if none was dropped, or no value was kept. */
  readonly chain: string
  readonly marks: readonly ChainMark[]
  /** Chain values that are kept of records before that one, by LSN. */
  readonly dropped: readonly (readonly [Lsn, string])[]
  /** Idempotency keys of dropped records. */
  readonly keys: readonly (readonly [string, Lsn])[]
  /** The snapshot that stands for the dropped records; undefined if none was dropped. */
  readonly snapshot: Snapshot | undefined
}

/** The last time that records were cut off a log. */
export interface LogCut {
  /** LSN of the last record that stayed. */
  readonly lsn: Lsn
  /** LSN of the last record that was cut off, and its chain value, which stands for all of them. */
  readonly head: Lsn
  readonly chain: string
  /** Time of the cut, ms since epoch. */
  readonly at: number
}

/** A log that can be a copy of a history which is kept elsewhere, as on the other machines of a cluster. */
export interface AdoptingLog extends WorkspaceLog {
  /** The mark; undefined for a log that was never compared with a history. */
  readMark(): Promise<HistoryMark | undefined>
  /** The last cut; undefined if there was none. */
  readCut(): Promise<LogCut | undefined>
  /**
   * LSN up to which no record is ever cut off: the highest that a mark has had, whatever the mark is now; all records of a log that
   * was never compared with a history.
   */
  readFloor(): Promise<Lsn>
  /** From now on none of the records that the log has now is cut off. Resolves when that is on the disk. */
  protect(): Promise<void>
  /**
   * Appends records of a history, as they are, and moves the mark: one write. Resolves when that is durable. A log without records
   * takes the mark's generation. A mark of a log that does not exist is kept in memory only. Throws `invalid`, and does nothing, if
   * the first record does not follow the head, the mark lies beyond the last, or the generation is another one; otherwise as
   * {@link append}. A log without records and snapshots takes the beginning of the history with its first record, as `origin`.
   */
  adopt(records: readonly LogRecord[], mark: HistoryMark, origin?: LogOrigin): Promise<void>
  /** The beginning of the log; undefined if it has all its records, and a chain without marks of its own. */
  readOrigin(): Promise<LogOrigin | undefined>
  /**
   * Cuts off the records after `lsn`, with their idempotency keys: one write. Resolves when that is on the disk. Throws `invalid`
   * below the floor, below a snapshot, and below sealed or dropped records; otherwise as {@link append}. Nothing may be appended
   * meanwhile.
   */
  truncate(lsn: Lsn): Promise<void>
}

/** A store whose logs can be copies. */
export interface AdoptingStore extends EventStore {
  open(workspace: string): Promise<AdoptingLog>
  /** The generation of a log, also of one that is deleted or open; undefined if there is none. */
  generationOf(name: string): Promise<string | undefined>
  /**
   * Removes everything of one log, as {@link purge} does, and of no other: the history that it is a copy of was purged. It need not be
   * deleted, and may be a system log whose workspace exists. Does nothing if there is none. Resolves when that is done; cut short, it can
   * be done again, and the log is `deleted` until then. Throws `locked` while the log is open, `closed`, or the storage error.
   */
  discard(name: string): Promise<void>
}

/** The intact part of a damaged workspace, for reading only. */
export interface DamagedLog extends WorkspaceLog {
  /** The damage, with the first LSN of it where that is known. Every write throws it. */
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

export interface PurgeOptions {
  /** Removes what is kept of the workspace elsewhere. */
  readonly beside?: (() => Promise<void>) | undefined
}

/** Append-only event logs, one per workspace, in one place: a directory, or memory. */
export interface EventStore {
  readonly durability: Durability
  /**
   * Id of this copy of the data. It changes when the data was restored from a backup or its directory was copied, and stays
   * over restarts and when the directory is moved.
   */
  readonly copy: string
  readonly state: StoreState
  /** Called at every change of {@link state}; must not throw. Returns unsubscribe. */
  onStateChange(listener: (state: StoreState) => void): () => void
  /**
   * Opens one workspace's log, whether or not it exists. Throws `locked` if it is open already, `corrupted` if its head
   * or identity is damaged or its end lost, `deleted`, `invalid` for a bad name, `closed`, or the storage error. While
   * storage fails it opens what can be read (SPEC.md, L54), and only writes throw.
   */
  open(workspace: string): Promise<WorkspaceLog>
  /**
   * Opens the intact part of a workspace that `open` or `read` found `corrupted`, and changes no byte of it. Its `head`
   * is the last LSN before the first damaged or missing record after the newest undamaged snapshot. Reads the workspace
   * from end to end. Throws `corrupted` when no intact part can be told, and `invalid` when nothing is damaged;
   * otherwise as {@link open}.
   */
  openDamaged(workspace: string): Promise<DamagedLog>
  /**
   * Opens what this machine has of a workspace for reading only, while its owner can't be found out. The log is `failed` with
   * `no_quorum` until that is over, and `fenced` from then on. Resolves with undefined if nothing of the workspace is here. A store
   * of one machine has no such state.
   */
  openCopy?(workspace: string): Promise<WorkspaceLog | undefined>
  /** Names of the workspaces that exist and are not deleted, in byte order. System logs are not among them. */
  workspaces(): AsyncIterable<string>
  /** Names of the system logs that exist (`!kind`, `!kind/workspace`), in byte order. */
  systemLogs(): AsyncIterable<string>
  /**
   * Runs `work` at once. All its appends, to whatever logs of this store, are one write, as are all appends between which
   * nothing is awaited. If `work` throws, they leave no trace: the heads and idempotency keys are as before. Throws the
   * error of `work`, and `invalid` if it returns a promise.
   */
  atomically<T>(work: () => T): T
  /** Names of the workspaces that are deleted and not purged, in byte order. */
  tombstones(): AsyncIterable<string>
  /**
   * Marks a workspace deleted: `open` throws `deleted` from then on, and all its bytes stay. Resolves when that is on
   * the disk. Idempotent. Throws `locked` while its log is open, `invalid` if there is none and for a system log,
   * `corrupted`, `closed`, or the storage error.
   */
  tombstone(workspace: string): Promise<void>
  /**
   * Takes {@link tombstone} back. Throws `deleted` once a {@link purge} has begun; otherwise throws as {@link
   * tombstone} does.
   */
  undelete(workspace: string): Promise<void>
  /**
   * Removes everything of a deleted workspace, from the files too, and of the system logs that belong to it. Resolves when
   * that is done. Its name may then be used again, for a new generation. Cut short, it can be done again. A system log whose
   * workspace does not exist may be purged by its own name. Throws `invalid` if the workspace is not deleted; otherwise
   * throws as {@link tombstone} does, `locked` also while a system log of it is open, and with the error of `beside`.
   *
   * `beside` is called once the purge can't be taken back any more, and before the name is free. A purge that is done again calls
   * it again.
   */
  purge(workspace: string, options?: PurgeOptions): Promise<void>
  /**
   * Writes what still waits, fsyncs, and releases the directory. Idempotent. If something could not be made safe, it
   * rejects with the storage error; the directory is released all the same.
   */
  close(): Promise<void>
}
