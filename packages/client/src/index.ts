export type { Conflict, RejectionCode } from '@joinery/protocol'
export type { WaitOptions } from './abort.ts'
export { blockIdsOf, moveBlock, placeLast } from './block-order.ts'
export { ClientError, type ClientErrorCode, type Refusal, type RefusalCode } from './client-error.ts'
export { type ConflictEntry, type ConflictLog, conflictLogOf } from './conflict-log.ts'
export type { Reset } from './document-reset.ts'
export { documentStore } from './document-store.ts'
export type { Draft } from './draft.ts'
export { followBlock } from './follow-block.ts'
export { FORK_ORIGIN, type Fork } from './fork.ts'
export {
  type BlockDifference,
  type Difference,
  type HistoryPoint,
  historyOf,
  type PastBlock,
  type PastPage,
  type PastQuery,
  type Restored,
  type RestoreOptions,
  type RestorePreview,
  type WorkspaceHistory,
} from './history.ts'
export { type Answer, answerTo } from './history-answer.ts'
export type { HistoryPages, HistoryPagesState } from './history-pages.ts'
export type { HistoryRecord, RecordFilter, RecordPage, RecordQuery } from './history-record.ts'
export type { HistoryRequest } from './history-request.ts'
export type { KeyedOptions, KeyedReceipt } from './keyed-edits.ts'
export { Lease, type LeaseStatus } from './lease.ts'
export { type LeasesView, leasesIn, type ShownLease } from './lease-watch.ts'
export type { SetAsideCopy } from './local-copies.ts'
export { type Observable, ObservableValue } from './observable-value.ts'
export { PLACE_FIELD } from './place.ts'
export type { Peer, Presence, PresenceState, ProgressStep, ProgressSteps } from './presence.ts'
export type { ProvenanceView, Stamp } from './provenance.ts'
export type { Receipt } from './receipts.ts'
export type { Job, JobContext, JobOutcome, RunJobOptions } from './run-job.ts'
export type { SaveStatus } from './save-status.ts'
export { type SearchMatch, type SearchOptions, type SearchResult, searchWorkspace } from './search.ts'
export {
  type ListedTask,
  type SeenTask,
  type SeenTasks,
  type StartOptions,
  type Task,
  type TaskPage,
  type TaskQuery,
  tasksOf,
  type WorkspaceTasks,
} from './tasks.ts'
export { bindTextField, type TextField, type TextFieldOptions } from './text-field-binding.ts'
export { EDIT_ORIGIN, type UndoHistory, type UndoState } from './undo.ts'
export { type ServerUpload, Upload, type UploadOptions, type UploadState } from './uploads/upload.ts'
export { type Download, uploadsOf, type WorkspaceUploads } from './uploads/workspace-uploads.ts'
export type { Seen } from './watch.ts'
export { connectWorkspace, type ServerInfo, type Workspace } from './workspace.ts'
export type { WorkspaceBlocks } from './workspace-blocks.ts'
export { edgesBySource, edgesOf } from './workspace-edges.ts'
export type { LeaseOptions, WorkspaceLeases } from './workspace-leases.ts'
export type { TokenSource, WorkspaceOptions } from './workspace-options.ts'
