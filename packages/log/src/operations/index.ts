export { missingIsUndefined, writeDurably } from '../durable-file.ts'
export { TrialCutShort } from '../trial-cut-short.ts'
export type { ArchivedDamage, ArchivedWorkspace, ArchiveHead } from './archive-content.ts'
export { chainOfArchived } from './archive-content.ts'
export { type ExportOptions, exportArchive } from './export-archive.ts'
export { exportIntact } from './export-intact.ts'
export { type Imported, type ImportOptions, importArchive } from './import-archive.ts'
export {
  type InspectOptions,
  inspectStore,
  type StoreInspection,
  type Weight,
  type WorkspaceInspection,
} from './inspect-store.ts'
export { type ForeignWorkspace, makeArchive } from './make-archive.ts'
export { assertIsLog, openForReading, type ReadingStore } from './open-for-reading.ts'
export type { Problem, ProblemCode } from './problem.ts'
export { type ArchiveItem, readArchive } from './read-archive.ts'
export { type HistoryQuery, type HistoryRow, readHistory } from './read-history.ts'
export { type RepairSurvey, type SurveyOptions, surveyRepair } from './repair-survey.ts'
export { type Repaired, repairWorkspace } from './repair-workspace.ts'
export { type RestoreOptions, restoreArchive } from './restore-archive.ts'
export { loadState, type TrialLoad } from './trial-load.ts'
export { type DirectoryReport, isIntact, verifyDirectory, verifyOpenDirectory } from './verify-directory.ts'
export { type HeadState, type HeadVerdict, verifyHeads } from './verify-heads.ts'
export { type StoreReport, type VerifyOptions, verifyStore } from './verify-store.ts'
export type { WorkspaceReport } from './verify-workspace.ts'
export { readYLeveldb, type StoredDocument } from './y-leveldb.ts'
