export { type Clock, systemClock } from './clock.ts'
export type {
  AdoptingLog,
  AdoptingStore,
  Compacted,
  DamagedLog,
  Durability,
  EventStore,
  HistoryMark,
  KeepHistory,
  LogCut,
  LogEntry,
  LogOrigin,
  LogRecord,
  LogState,
  PurgeOptions,
  Receipt,
  Replication,
  Sealed,
  Snapshot,
  StoreState,
  VerifyState,
  WorkspaceLog,
} from './event-store.ts'
export { type Entry, type Fold, Journal, type JournalOptions } from './journal.ts'
export { type JournalTrial, journalTrial } from './journal-trial.ts'
export { type Codec, jsonCodec, readVersioned, unreadable, versioned } from './json-codec.ts'
export { LogError, type LogErrorCode } from './log-error.ts'
export { LSN_MAX, type Lsn } from './lsn.ts'
export { type MemoryStoreOptions, openMemoryStore } from './memory/memory-store.ts'
export type { LogObserver } from './observer.ts'
export { parseLsn } from './parse-lsn.ts'
export { makeHeadKey, readHeadKey } from './proof/head-key.ts'
export { HeadSigner, isSignatureRight, parseSignedHeads, type SignedHead, signedBytes } from './proof/signed-head.ts'
export { decodeLogOrigin, encodeLogOrigin } from './records/log-origin.ts'
export { decodePortableRecords, encodePortableRecord } from './records/portable-records.ts'
export { checkWorkspaceName } from './records/workspace-identity.ts'
export {
  isSnapshotDue,
  type SinceSnapshot,
  SNAPSHOT_POLICY_DEFAULT,
  type SnapshotPolicy,
} from './snapshot-policy.ts'
export { type SteadyClock, systemSteadyClock } from './steady-clock.ts'
export { type LevelStoreOptions, openLevelStore } from './store/level-store.ts'
export { isSystemLog, kindOfSystemLog, systemLogOf, workspaceOfSystemLog } from './system-log.ts'
export { whileStorageWorks } from './while-storage-works.ts'
