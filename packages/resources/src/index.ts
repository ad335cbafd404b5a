export type {
  AdapterKind,
  AdapterWorld,
  BlockText,
  CallContext,
  Observed,
  ResourceAdapter,
  ResourceRef,
  SyncContext,
} from './adapters/adapter.ts'
export { sagasOf } from './adapters/adapter-sagas.ts'
export { ADAPTER_KINDS } from './adapters/kinds.ts'
export { observeSagaOf } from './adapters/observe-saga.ts'
export { OutsideReads } from './cache/outside-reads.ts'
export { type ConfiguredAdapter, type ResourcesConfig, readResourcesConfig } from './config/read-config.ts'
export { secretName } from './config/secret-name.ts'
export { EGRESS_LIMITS, Egress, type EgressAnswer, type EgressOptions, type EgressRequest } from './egress/egress.ts'
export { EgressError, type RefusedWhy } from './egress/egress-error.ts'
export { EmbeddingService } from './embeddings/embedding-service.ts'
export type { EmbeddingsConfig } from './embeddings/embeddings-config.ts'
export type { Arrived } from './files/arrivals.ts'
export { createBlobDoor } from './files/blob-door.ts'
export { type Copied, copyFile, filesIn } from './files/disk-copy.ts'
export { DiskStore, type DiskStoreOptions } from './files/disk-store.ts'
export { FileError, type FileErrorCode } from './files/file-error.ts'
export { FILES_LOG, FileQuotas, hasFileQuota } from './files/file-quotas.ts'
export type { FileRef, FileStore, Lack, Part, ShortUrl, UploadName, UploadRef } from './files/file-store.ts'
export {
  type FileDocuments,
  type FileEntry,
  Files,
  type FilesOptions,
  type PartUrl,
  type UploadRequest,
  type UploadView,
} from './files/files.ts'
export { secretsOfFiles, storeOf } from './files/files-config.ts'
export { type BytePayer, paidBytes } from './files/paid-bytes.ts'
export type { S3Options } from './files/s3-connection.ts'
export { S3Store } from './files/s3-store.ts'
export { KEPT, type Keeper, type Kept, SecondCopies, type SecondCopiesCounts } from './files/second-copies.ts'
export { scopeOfPart } from './files/tickets.ts'
export { FILE_LIMITS, type FileLimits, scopeOf } from './files/upload-plan.ts'
export { UPLOAD_SAGA, uploadSaga } from './files/upload-saga.ts'
export { HOOKS_LOG, HookDesk } from './hooks/hook-desk.ts'
export type { HookEntry, KnownPlace } from './hooks/hook-fold.ts'
export type { HookTasks, OwnerTasks } from './hooks/hook-tasks.ts'
export { HookTurns } from './hooks/hook-turns.ts'
export { Inbox, type InboxOptions } from './hooks/inbox.ts'
export { SIGNATURE_LIMITS, signStandard, verify } from './hooks/signatures.ts'
export { tryResourceJournal } from './journal-trial.ts'
export { type LaneJournal, laneLogOf, OUTBOX_ENTRY, OUTBOX_LOG, openLaneJournal } from './outbox/lane.ts'
export {
  type NamedSubscription,
  Outbox,
  type OutboxJournal,
  type OutboxOptions,
  openOutboxJournal,
} from './outbox/outbox.ts'
export {
  type DeliveryRow,
  type DeliveryView,
  decideDelivery,
  deliveriesIn,
  type FailingEndpoint,
} from './outbox/outbox-desk.ts'
export {
  type Subscription,
  type Subscriptions,
  secretsOfSubscriptions,
  subscriptionName,
  subscriptionSchema,
} from './outbox/subscription-config.ts'
export { ResourceError, type ResourceErrorCode } from './resource-error.ts'
export { BoardSearch, type SearchAnswer, type SearchedText } from './search/board-search.ts'
export { VectorStore } from './search/vector-store.ts'
export { type Environment, Secrets, variableOf } from './secrets/secrets.ts'
export { redactIn, withoutSecrets } from './secrets/without-secrets.ts'
