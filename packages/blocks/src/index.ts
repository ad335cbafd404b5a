export { Block, type BlockJson } from './block.ts'
export { BlockFields, type FieldsChange } from './block-fields.ts'
export { ID_LENGTH_MAX, isBlockId } from './block-id.ts'
export { BlocksError, type BlocksErrorCode } from './blocks-error.ts'
export { changeFields } from './change-fields.ts'
export { CLAIM_LIMITS } from './claim-bounds.ts'
export type { EntryChange, ListChange } from './claim-diff.ts'
export { type BlocksDocumentRules, documentRules, type RuledBlocks } from './document-rules/document-rules.ts'
export type { BlocksRefusal, BlocksRefusalCode, BlocksWriter } from './document-rules/refusal.ts'
export type { LostConflict, Observed, ShownChange } from './document-rules/shown-changes.ts'
export { touchedPaths } from './document-rules/touched-paths.ts'
export { type Edge, edgesMap, type ListedEdge, listEdges, removeEdge, setEdge } from './edges.ts'
export { FIELD_ORDER_RULES, type FieldClaim, type FieldOrderRule } from './field-rules.ts'
export { forkDoc, mergeFork } from './fork.ts'
export {
  type IndexingChange,
  IndexingList,
  type ReportOptions,
  type ReportResult,
  RunSupersededError,
  STATUS_ORIGIN,
  type StartRunOptions,
} from './indexing-list.ts'
export {
  type IndexingEntry,
  type IndexingRun,
  type IndexingStatus,
  indexingRules,
  SOURCE_PRIORITY,
  type Source,
  type StatusClaim,
} from './indexing-rules.ts'
export { canonicalJson, type Json, type JsonObject, toPlain } from './json.ts'
export { type BlockChange, type BlocksChange, observeBlocks } from './observe-blocks.ts'
export { PRUNE_ORIGIN, pruneBeaten } from './prune-beaten.ts'
export type { Junk, LostClaim } from './ranked-claims.ts'
export { type ReplaceTextOptions, replaceText } from './replace-text.ts'
export {
  defineStatusRules,
  ORDER_RULES,
  type OrderRule,
  type RankedStatusClaim,
  type Run,
  type StatusRules,
  type StatusTable,
} from './status-rules.ts'
export { applyEdits, diffText, type TextEdit } from './text-diff.ts'
export { type TextOverlap, textOverlaps } from './text-overlap.ts'
export { type UndoScope, undoScope } from './undo-scope.ts'
export { blocksMap, createBlock, deleteBlock, getBlock, listBlocks } from './workspace-blocks.ts'
export type { ClaimAuthor } from './write-arguments.ts'
