export { Block, type BlockJson } from './block.ts'
export { BlockFields, type FieldsChange } from './block-fields.ts'
export { ID_LENGTH_MAX, isBlockId } from './block-id.ts'
export { BlocksError, type BlocksErrorCode } from './blocks-error.ts'
export { changeFields } from './change-fields.ts'
export { CLAIM_LIMITS } from './claim-bounds.ts'
export type { EntryChange, ListChange } from './claim-diff.ts'
export type { BlockList, Claim, ClaimList, Run } from './claim-list.ts'
export { builtInStatuses, CLAIM_LISTS, type ClaimsJson, claimListsWith, type ToldLists } from './claim-lists.ts'
export { type ClaimProperty, COUNT, JSON_OBJECT, NAME } from './claim-property.ts'
export {
  addComment,
  type BlockComment,
  COMMENT_LIMITS,
  type CommentDraft,
  type CommentThread,
  commentThreads,
  isCommentField,
  removeComment,
  reopenThread,
  resolveThread,
} from './comments.ts'
export { copyClaims } from './copy-claims.ts'
export { blockChanges, changesIn, rootChanges } from './document-changes.ts'
export {
  type BlockContent,
  type DocumentContent,
  type DocumentScope,
  joinScopes,
  readDocument,
  readingDocument,
  scopeOfPaths,
} from './document-content.ts'
export {
  type BlocksDocumentRules,
  defineDocumentRules,
  documentRules,
  type RuledBlocks,
} from './document-rules/document-rules.ts'
export type { BlocksRefusal, BlocksRefusalCode, BlocksWriter } from './document-rules/refusal.ts'
export type { LostConflict, Observed, ShownChange } from './document-rules/shown-changes.ts'
export { blocksWithTouchedStatuses, touchedPaths } from './document-rules/touched-paths.ts'
export { type Edge, edgesAfter, edgesMap, getEdge, type ListedEdge, listEdges, removeEdge, setEdge } from './edges.ts'
export { type EntryShape, entryShape, statusShape } from './entry-shape.ts'
export { FIELD_ORDER_RULES, type FieldClaim, type FieldOrderRule, fieldRules } from './field-rules.ts'
export { forkDoc, mergeFork } from './fork.ts'
export {
  type IndexingChange,
  IndexingList,
  indexingClaims,
  type ReportOptions,
  type ReportResult,
  type StartRunOptions,
} from './indexing-list.ts'
export {
  type IndexingEntry,
  type IndexingRun,
  type IndexingStatus,
  indexingRules,
} from './indexing-rules.ts'
export { canonicalJson, isForbiddenKey, isSameJson, type Json, type JsonObject, toPlain } from './json.ts'
export { doAtOnce, type LongWork } from './long-work.ts'
export { BlockStatuses } from './machines/block-statuses.ts'
export { EMBEDDING, FILE, MACHINES, PAYMENT, SYNC, TASK } from './machines/built-in-machines.ts'
export { defineMachine, isMachineName, MACHINE_LIMITS } from './machines/define-machine.ts'
export { inheritMachines, machinesIn, setMachines } from './machines/doc-machines.ts'
export { hideMachines } from './machines/hide-machines.ts'
export {
  isReservedSource,
  type Machine,
  type MachineClaim,
  type MachineName,
  type MachineTable,
} from './machines/machine.ts'
export { digestsOf, machineDigest } from './machines/machine-digest.ts'
export { type MachineList, machineClaims } from './machines/machine-list.ts'
export type { MachineExtras, Stall } from './machines/machine-properties.ts'
export { machinesOf } from './machines/machine-rules.ts'
export { MachineStatuses, shownStatus } from './machines/machine-statuses.ts'
export { doubledSkeletons, hasSkeletons, moveSkeletons, touchedSkeletons } from './moved-skeletons.ts'
export { type BlockChange, type BlocksChange, observeBlocks } from './observe-blocks.ts'
export { plainEditsOf, plainIndexOf, plainTextOf, writeEdits, yjsIndexOf } from './plain-text.ts'
export { PRUNE_ORIGIN, pruneBeaten } from './prune-beaten.ts'
export { blockIdOf, isRandomBlockId, randomBlockId } from './random-id.ts'
export type { Junk, LostClaim } from './ranked-claims.ts'
export { type ReplaceTextOptions, replaceText } from './replace-text.ts'
export { restoreFields } from './restore-claims.ts'
export { planningRestore, planRestore, type RestorePlan, restoreDocument, restoreEdits } from './restore-document.ts'
export { splittingRestore } from './restore-parts.ts'
export type { ChangeList, ContentChange } from './rich-content/content-change.ts'
export { type ContentPath, type PathStep, pathText } from './rich-content/content-path.ts'
export {
  charactersOf,
  type DeltaPiece,
  deltaOf,
  isDelta,
  jsonFormOf,
  type TextForm,
} from './rich-content/json-form.ts'
export type { Unrestorable } from './rich-content/lost-subdocuments.ts'
export type { JsonWrite } from './rich-content/plain-value.ts'
export { replaceDelta } from './rich-content/replace-delta.ts'
export { checkJson, writeJson } from './rich-content/write-json.ts'
export { Sha256, sha256 } from './sha256.ts'
export { SOURCE_PRIORITY, type Source } from './sources.ts'
export {
  RunSupersededError,
  STATUS_ORIGIN,
  type StatusClaimList,
  StatusList,
  statusClaims,
} from './status-list.ts'
export {
  defineStatusRules,
  ORDER_RULES,
  type OrderRule,
  type StatusClaim,
  type StatusRules,
  type StatusTable,
} from './status-rules.ts'
export { applyEdits, diffText, type TextEdit } from './text-diff.ts'
export { type TextOverlap, textOverlaps } from './text-overlap.ts'
export { type UndoScope, undoScope } from './undo-scope.ts'
export {
  blocksAfter,
  blocksMap,
  type CreateBlockOptions,
  countBlocks,
  createBlock,
  deleteBlock,
  getBlock,
  listBlocks,
} from './workspace-blocks.ts'
export type { ClaimAuthor } from './write-arguments.ts'
