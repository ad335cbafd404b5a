import type { Run } from './claim-list.ts'
import { COUNT, JSON_OBJECT } from './claim-property.ts'
import type { JsonObject } from './json.ts'
import { SOURCE_PRIORITY, type Source } from './sources.ts'
import { defineStatusRules, type StatusClaim, type StatusRules } from './status-rules.ts'

export type IndexingStatus = 'notStarted' | 'processing' | 'done' | 'error'

/** What a claim of an indexing list says beside what every status claim says. */
export interface IndexingExtras {
  /** What the claim is about. */
  readonly index_name: string
  /** How the index is to be built. The run's start says it. */
  readonly collection_configs?: JsonObject
  /** How many pieces are indexed. */
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
