import type * as Y from 'yjs'
import { BlockClaims } from './block-claims.ts'
import { BlocksError } from './blocks-error.ts'
import { CLAIM_LIMITS, isBoundedJson, isCount, isProgress, isTotal } from './claim-bounds.ts'
import type { ListChange } from './claim-diff.ts'
import {
  type IndexingEntry,
  type IndexingRun,
  type IndexingStatus,
  indexingRules,
  SOURCE_PRIORITY,
} from './indexing-rules.ts'
import type { Json, JsonObject } from './json.ts'
import type { Junk } from './ranked-claims.ts'
import type { OrderRule } from './status-rules.ts'
import { assertAuthor, assertName, badArgument, type ClaimAuthor } from './write-arguments.ts'

/** Origin of the transactions in which statuses are written. Undo doesn't track it. */
export const STATUS_ORIGIN: object = Object.freeze({ joinery: 'status' })

export interface StartRunOptions extends ClaimAuthor {
  readonly collectionConfigs?: JsonObject
  /** What the new run shows at first: `processing` unless it is only planned. */
  readonly status?: 'notStarted' | 'processing'
  /** Names the run, so that a retried request starts it once. Random when left out. */
  readonly runId?: string
}

/**
 * `error` goes with status `error` alone; `chunks` says how many are indexed; `progress` how far the run is, any number from
 * 0, out of `total` if that is given.
 */
export type ReportOptions<Status extends IndexingStatus = IndexingStatus> = ClaimAuthor & {
  readonly chunks?: number
  readonly progress?: number
  readonly total?: number
} & (Status extends 'error' ? { readonly error?: string } : { readonly error?: undefined })

/**
 * What came of a report. A report that loses is no error: it happened, it is in the history, and it changes nothing.
 * `recorded` is false only for a run whose entry was removed, which a late report must not bring back.
 */
export type ReportResult =
  | { readonly recorded: true; readonly shown: true; readonly entry: IndexingEntry }
  | { readonly recorded: true; readonly shown: false; readonly entry: IndexingEntry; readonly rule: OrderRule }
  | { readonly recorded: false; readonly shown: false; readonly entry: undefined }

/** Thrown by `startRun` over an unfinished run of a higher-priority source. */
export class RunSupersededError extends BlocksError {
  override name = 'RunSupersededError'
  /** The entry whose run stands. */
  readonly standing: IndexingEntry
  constructor(standing: IndexingEntry) {
    const { index_name, run, actor, status } = standing
    super(
      'run_superseded',
      `Run ${run.no} of index "${index_name}", started by ${run.source} (${actor}), is ${status} and stands`,
    )
    this.standing = standing
  }
}

export type IndexingChange = ListChange<IndexingEntry>

/** The indexes of one block and how far they are. Writers add claims; `entries` shows the greatest claim of each index. */
export class IndexingList extends BlockClaims<IndexingEntry> {
  constructor(block: Y.Map<unknown>, blockId: string) {
    super(block, blockId, 'indexingList', (views) => views.indexingList)
  }

  /** The shown entry of one index. */
  get(indexName: string): IndexingEntry | undefined {
    return this.view?.winner(indexName)
  }

  /** Elements that are neither claims nor legacy entries, with what is wrong with each. */
  junk(): readonly Junk[] {
    return this.view?.fold.junk ?? NO_JUNK
  }

  /**
   * Starts an attempt at building an index, numbered 1 + the highest this replica has seen. Throws
   * {@link RunSupersededError} over an unfinished run of a higher-priority source, `bad_argument`, `block_missing`.
   */
  startRun(indexName: string, options: StartRunOptions): IndexingRun {
    assertName(indexName, 'indexName')
    assertAuthor(options)
    const { source, actor, collectionConfigs, status = 'processing', runId = newRunId() } = options
    assertName(runId, 'runId')
    if (status !== 'notStarted' && status !== 'processing')
      throw badArgument('status', '"notStarted" or "processing"', status)
    if (collectionConfigs !== undefined) assertConfigs(collectionConfigs)
    return this.write((view, open) => {
      const standing = view.winner(indexName)
      if (standing?.run.id === runId) return standing.run
      if (standing !== undefined && isShielded(standing, source)) throw new RunSupersededError(standing)
      const no = view.highestSeen(indexName, standing) + 1
      if (!isCount(no, 1)) throw badArgument('run', `a number up to ${CLAIM_LIMITS.countMax}`, no)
      const run: IndexingRun = { no, id: runId, source }
      const at = options.at ?? Date.now()
      const claim: Record<string, Json> = { index_name: indexName, run: { ...run }, status, source, actor, at }
      if (collectionConfigs !== undefined) claim.collection_configs = collectionConfigs
      open().write(claim)
      return run
    }, STATUS_ORIGIN)
  }

  /**
   * Records how a run fares, and says whether that is shown: see {@link ReportResult}. What the run's start said of
   * `collection_configs` stays with it. Throws `bad_argument` (naming the field) and `block_missing`.
   */
  report<Status extends IndexingStatus>(
    indexName: string,
    run: IndexingRun,
    status: Status,
    options: ReportOptions<Status>,
  ): ReportResult {
    assertName(indexName, 'indexName')
    assertRun(run)
    assertReport(status, options)
    return this.write((view, open) => {
      const standing = view.winner(indexName)
      if (standing === undefined && view.highestSeen(indexName, standing) >= run.no) {
        return { recorded: false, shown: false, entry: undefined }
      }
      const claim = reportClaim(indexName, run, status, options, standing)
      const { winner, rule } = open().write(claim)
      if (rule === 0) return { recorded: true, shown: true, entry: winner }
      return { recorded: true, shown: false, entry: winner, rule: rule as OrderRule }
    }, STATUS_ORIGIN)
  }

  /** Removes an index: deletes the claims this replica sees. A claim made meanwhile elsewhere stays. True if there was one. */
  remove(indexName: string): boolean {
    assertName(indexName, 'indexName')
    return this.write((view, open) => {
      if (view.winner(indexName) === undefined) return false
      return open().remove([indexName]) > 0
    }, STATUS_ORIGIN)
  }
}

const NO_JUNK: readonly Junk[] = Object.freeze([])

function isShielded(standing: IndexingEntry, source: keyof typeof SOURCE_PRIORITY): boolean {
  return !indexingRules.isFinished(standing.status) && SOURCE_PRIORITY[standing.run.source] > SOURCE_PRIORITY[source]
}

function newRunId(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function reportClaim(
  indexName: string,
  run: IndexingRun,
  status: IndexingStatus,
  options: ReportOptions,
  standing: IndexingEntry | undefined,
): JsonObject {
  const { source, actor, chunks, progress, total, error } = options
  const isSameRun = standing?.run.id === run.id
  const isRepeat = isSameRun && standing.status === status && standing.actor === actor
  // A writer's later word about the same status must win over its earlier one within one tick of the clock.
  const at = options.at ?? (isRepeat ? Math.max(Date.now(), standing.at + 1) : Date.now())
  const configs = isSameRun ? standing.collection_configs : undefined
  return {
    index_name: indexName,
    run: { no: run.no, id: run.id, source: run.source },
    status,
    source,
    actor,
    at: Math.min(at, CLAIM_LIMITS.atMsMax),
    ...(configs === undefined ? {} : { collection_configs: configs }),
    ...(error === undefined ? {} : { error }),
    ...(chunks === undefined ? {} : { chunks }),
    ...(progress === undefined ? {} : { progress }),
    ...(total === undefined ? {} : { total }),
  }
}

function assertRun(run: IndexingRun): void {
  if (typeof run !== 'object' || run === null) throw badArgument('run', 'a run that startRun returned', run)
  if (!isCount(run.no, 1)) throw badArgument('run.no', `a number from 1 to ${CLAIM_LIMITS.countMax}`, run.no)
  assertName(run.id, 'run.id')
  if (!indexingRules.isSource(run.source)) throw badArgument('run.source', 'a source', run.source)
}

function assertReport(status: unknown, options: ReportOptions): void {
  assertAuthor(options)
  const { error, chunks, progress, total } = options
  if (!indexingRules.isStatus(status)) {
    throw badArgument('status', `one of ${indexingRules.table.ranks.join(', ')}`, status)
  }
  if (error !== undefined && status !== 'error')
    throw badArgument('error', 'left out unless the status is "error"', error)
  if (error !== undefined && (typeof error !== 'string' || error.length > CLAIM_LIMITS.errorLengthMax)) {
    throw badArgument('error', `a text of at most ${CLAIM_LIMITS.errorLengthMax} characters`, error)
  }
  if (chunks !== undefined && !isCount(chunks, 0)) throw badArgument('chunks', 'a whole number from 0', chunks)
  if (progress !== undefined && !isProgress(progress)) throw badArgument('progress', 'a number from 0', progress)
  if (total !== undefined && !isTotal(total, progress))
    throw badArgument('total', 'a number above 0 that goes with `progress` and is not less than it', total)
}

function assertConfigs(configs: unknown): void {
  if (typeof configs === 'object' && configs !== null && !Array.isArray(configs) && isBoundedJson(configs)) return
  throw badArgument(
    'collectionConfigs',
    `a JSON object of at most ${CLAIM_LIMITS.jsonLengthMax} characters and ${CLAIM_LIMITS.jsonDepthMax} levels`,
    configs,
  )
}
