import type { Run } from './claim-list.ts'
import { COUNT, JSON_OBJECT } from './claim-property.ts'
import type { JsonObject } from './json.ts'
import { SOURCE_PRIORITY, type Source } from './sources.ts'
import { defineStatusRules, type StatusClaim, type StatusRules } from './status-rules.ts'

export type IndexingStatus = 'notStarted' | 'processing' | 'done' | 'error'

/** Properties that only claims of an indexing list have. */
export interface IndexingExtras {
  /** Name of the index. */
  readonly index_name: string
  /** Configuration of the index. The run's start gives it. */
  readonly collection_configs?: JsonObject
  /** Number of indexed pieces. */
  readonly chunks?: number
}

/** A claim of an indexing list, and the entry shown for its index. */
export type IndexingEntry = StatusClaim<IndexingStatus, Source, IndexingExtras>
export type IndexingRun = Run<Source>

/** The law of indexing lists (SPEC.md, the merge law). */
export const indexingRules: StatusRules<IndexingStatus, Source, IndexingExtras> = defineStatusRules<
  IndexingStatus,
  Source,
  IndexingExtras
>({
  phases: [['notStarted'], ['processing'], ['done', 'error']],
  ranks: ['notStarted', 'processing', 'done', 'error'],
  sources: SOURCE_PRIORITY,
  starts: ['processing', 'notStarted'],
  key: 'index_name',
  ofRun: { collection_configs: JSON_OBJECT },
  ofReport: { chunks: COUNT },
})
