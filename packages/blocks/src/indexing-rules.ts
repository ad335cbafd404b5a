import { defineStatusRules, type RankedStatusClaim, type Run, type StatusRules } from './status-rules.ts'

export type IndexingStatus = 'notStarted' | 'processing' | 'done' | 'error'
/** The classes of writer, by priority 100, 80, 60 and 40. */
export type Source = 'user_action' | 'workflow_execution' | 'instantiation' | 'polling_sync'

/** A claim of an indexing list, and the entry shown for its index. */
export type StatusClaim = RankedStatusClaim<IndexingStatus, Source>
export type IndexingEntry = StatusClaim
export type IndexingRun = Run<Source>

/** Priority by source, for statuses and fields alike. */
export const SOURCE_PRIORITY: Readonly<Record<Source, number>> = {
  user_action: 100,
  workflow_execution: 80,
  instantiation: 60,
  polling_sync: 40,
}

/** The law of indexing lists (SPEC.md, the merge law). */
export const indexingRules: StatusRules<IndexingStatus, Source> = defineStatusRules<IndexingStatus, Source>({
  phases: [['notStarted'], ['processing'], ['done', 'error']],
  ranks: ['notStarted', 'processing', 'done', 'error'],
  sources: SOURCE_PRIORITY,
})
