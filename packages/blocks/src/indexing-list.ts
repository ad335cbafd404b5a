import type * as Y from 'yjs'
import type { ListChange } from './claim-diff.ts'
import { JSON_OBJECT } from './claim-property.ts'
import {
  type IndexingEntry,
  type IndexingExtras,
  type IndexingRun,
  type IndexingStatus,
  indexingRules,
} from './indexing-rules.ts'
import type { JsonObject } from './json.ts'
import type { Source } from './sources.ts'
import {
  type RunOptions,
  type StatusClaimList,
  StatusList,
  type StatusReport,
  type StatusReportResult,
  statusClaims,
} from './status-list.ts'
import { badArgument } from './write-arguments.ts'

export interface StartRunOptions extends RunOptions<'notStarted' | 'processing', Source> {
  /** Configuration of the index. */
  readonly collectionConfigs?: JsonObject
}

/** Options of a report. `error` goes with status `error` alone; `chunks` is the number of indexed pieces. */
export type ReportOptions<Status extends IndexingStatus = IndexingStatus> = Omit<StatusReport<Source>, 'error'> & {
  readonly chunks?: number
} & (Status extends 'error' ? { readonly error?: string } : { readonly error?: undefined })

export type ReportResult = StatusReportResult<IndexingEntry>
export type IndexingChange = ListChange<IndexingEntry>

/** The indexes of one block and how far they are. Writers add claims; `entries` shows the greatest claim of each index. */
export class IndexingList extends StatusList<IndexingStatus, Source, IndexingExtras> {
  constructor(block: Y.Map<unknown>, blockId: string) {
    super(block, blockId, indexingClaims, indexingClaims)
  }

  /**
   * Starts an attempt at building an index, numbered 1 + the highest this replica has seen. Throws `RunSupersededError` over an
   * unfinished run of a higher-priority source, `bad_argument`, `block_missing`.
   */
  override startRun(indexName: string, options: StartRunOptions): IndexingRun {
    const configs = options?.collectionConfigs
    if (configs === undefined) return super.startRun(indexName, options)
    if (!JSON_OBJECT.fits(configs, () => undefined))
      throw badArgument('collectionConfigs', JSON_OBJECT.expected, configs)
    return super.startRun(indexName, { ...options, collection_configs: configs })
  }

  override report<Status extends IndexingStatus>(
    indexName: string,
    run: IndexingRun,
    status: Status,
    options: ReportOptions<Status>,
  ): ReportResult {
    return super.report(indexName, run, status, options)
  }
}

const LIST = {
  part: 'indexingList',
  noun: 'index',
  told: { list: 'indexing', key: 'index' },
  rules: indexingRules,
} as const

/** The row of indexing lists in the table. */
export const indexingClaims: StatusClaimList<IndexingStatus, Source, IndexingExtras, IndexingList> & {
  readonly part: typeof LIST.part
  readonly told: typeof LIST.told
} = {
  ...statusClaims<IndexingStatus, Source, IndexingExtras>(LIST),
  part: LIST.part,
  told: LIST.told,
  open: (block, blockId) => new IndexingList(block, blockId),
}
