import type * as Y from 'yjs'
import { BlockClaims } from './block-claims.ts'
import { BlocksError } from './blocks-error.ts'
import { CLAIM_LIMITS, isCount } from './claim-bounds.ts'
import type { BlockList, ClaimList, Run } from './claim-list.ts'
import { type Json, type JsonObject, toPlain } from './json.ts'
import type { Junk } from './ranked-claims.ts'
import type { OrderRule, StatusClaim, StatusRules } from './status-rules.ts'
import {
  assertAuthor,
  assertName,
  assertReachable,
  badArgument,
  type ClaimAuthor,
  nextCount,
} from './write-arguments.ts'

/** Origin of the transactions in which statuses are written. Undo doesn't track it. */
export const STATUS_ORIGIN: object = Object.freeze({ joinery: 'status' })

/** Options of a run's start; beside these, the list's own properties of a run. */
export interface RunOptions<Status extends string, Source extends string> extends ClaimAuthor<Source> {
  /** First status of the new run; the list's usual start when left out. */
  readonly status?: Status
  /** Name of the run, so that a retried request starts it once. Random when left out. */
  readonly runId?: string
}

/** Options of a report; beside these, the list's own properties of a report. */
export interface StatusReport<Source extends string> extends ClaimAuthor<Source> {
  /** Text of the error. Only a status that is a failure may carry it. */
  readonly error?: string | undefined
  /** How far the run is, any number from 0, out of `total` if that is given. */
  readonly progress?: number
  readonly total?: number
}

/**
 * Result of a report. A report that loses is no error: it stands in the history, and changes nothing that is shown. `recorded`
 * is false only for a run whose entry was removed: a late report must not bring the entry back.
 */
export type StatusReportResult<Entry> =
  | { readonly recorded: true; readonly shown: true; readonly entry: Entry }
  | { readonly recorded: true; readonly shown: false; readonly entry: Entry; readonly rule: OrderRule }
  | { readonly recorded: false; readonly shown: false; readonly entry: undefined }

/** The row of one status list in the table of lists. */
export interface StatusClaimList<
  Status extends string,
  Source extends string,
  Extras extends object,
  L extends BlockList<StatusClaim<Status, Source, Extras>> = BlockList<StatusClaim<Status, Source, Extras>>,
> extends ClaimList<StatusClaim<Status, Source, Extras>, L, StatusClaim<Status, Source, Extras>> {
  readonly rules: StatusRules<Status, Source, Extras>
  /** Word for the subject of an entry: `index`. */
  readonly noun: string
}

/** The law by which a {@link StatusList} reads and writes. */
export interface StatusLaw<Status extends string, Source extends string, Extras extends object> {
  readonly rules: StatusRules<Status, Source, Extras>
  /** Word for the subject of an entry: `index`. */
  readonly noun: string
  /** The key for which the claims of one name compete; the name itself when left out. */
  keyOf?(name: string): string
  /** Properties that every claim has. */
  readonly fixed?: Readonly<Record<string, Json>>
  /** True if a run's start says all that a report says. */
  readonly isToldAtStart?: boolean
}

/** Thrown by `startRun` over an unfinished run of a higher-priority source. */
export class RunSupersededError<Entry extends StatusClaim = StatusClaim> extends BlocksError {
  override name = 'RunSupersededError'
  /** The entry whose run stands. */
  readonly standing: Entry
  constructor(standing: Entry, subject: string) {
    const { run, actor, status } = standing
    super(
      'run_superseded',
      `Run ${run.no} of ${subject}, started by ${run.source} (${actor}), is ${status}: report on it, or wait for its end`,
    )
    this.standing = standing
  }
}

/** The statuses of one block under one table: writers add claims, and the greatest claim of each name shows. */
export class StatusList<Status extends string, Source extends string, Extras extends object> extends BlockClaims<
  StatusClaim<Status, Source, Extras>,
  readonly StatusClaim<Status, Source, Extras>[]
> {
  readonly #law: StatusLaw<Status, Source, Extras>
  readonly #rules: StatusRules<Status, Source, Extras>
  readonly #noun: string

  constructor(
    block: Y.Map<unknown>,
    blockId: string,
    list: ClaimList<StatusClaim<Status, Source, Extras>>,
    law: StatusLaw<Status, Source, Extras>,
  ) {
    super(block, blockId, list)
    this.#law = law
    this.#rules = law.rules
    this.#noun = law.noun
  }

  /** The shown entry of one name. */
  get(name: string): StatusClaim<Status, Source, Extras> | undefined {
    return this.view?.winner(this.#keyOf(name))
  }

  /** Elements that are neither claims nor legacy entries, with what is wrong with each. */
  junk(): readonly Junk[] {
    return this.view?.fold.junk ?? NO_JUNK
  }

  /**
   * Starts an attempt, numbered 1 + the highest this replica has seen. Throws {@link RunSupersededError} over an unfinished run
   * of a higher-priority source, `bad_argument` (also for the names `.` and `..`, which no URL can name), `block_missing`.
   */
  startRun(name: string, options: RunOptions<Status, Source> & Partial<Extras>): Run<Source> {
    assertReachable(name, this.#nameArgument)
    assertReachable(options?.runId, 'runId')
    return this.startAnyRun(name, options)
  }

  /** As {@link startRun}, under any name: those of older documents can be restored. */
  startAnyRun(name: string, options: RunOptions<Status, Source> & Partial<Extras>): Run<Source> {
    const { table } = this.#rules
    assertName(name, this.#nameArgument)
    assertAuthor(options, table.sources)
    const { source, actor, status = table.starts[0], runId = newRunId() } = options
    assertName(runId, 'runId')
    if (status === undefined || !table.starts.includes(status))
      throw badArgument('status', `one of ${table.starts.join(', ')}`, status)
    this.#assertMaySay(status, source)
    const extras = this.#given({ ...options, status }, this.#law.isToldAtStart === true ? undefined : true)
    const key = this.#keyOf(name)
    return this.write((view, open) => {
      const standing = view.winner(key)
      if (standing?.run.id === runId) return standing.run
      if (standing !== undefined && !this.#rules.canStart(standing, source))
        throw new RunSupersededError(standing, `${this.#noun} "${name}"`)
      const no = nextCount(view.highestSeen(key, standing), 'run')
      const run: Run<Source> = { no, id: runId, source }
      const at = options.at ?? Date.now()
      const claim = { [table.key]: name, run: { no, id: runId, source }, status, source, actor, at, ...extras }
      open().write({ ...claim, ...this.#law.fixed })
      return run
    }, STATUS_ORIGIN)
  }

  /**
   * Records how a run fares, and says whether that is shown: see {@link StatusReportResult}. The properties that the run's start
   * said stay with it. Throws `bad_argument` (naming the field) and `block_missing`.
   */
  report(
    name: string,
    run: Run<Source>,
    status: Status,
    options: StatusReport<Source> & Partial<Extras>,
  ): StatusReportResult<StatusClaim<Status, Source, Extras>> {
    assertName(name, this.#nameArgument)
    this.#assertRun(run)
    const told = this.#assertReport(status, options)
    const key = this.#keyOf(name)
    return this.write((view, open) => {
      const standing = view.winner(key)
      if (standing === undefined && view.highestSeen(key, standing) >= run.no) {
        return { recorded: false, shown: false, entry: undefined }
      }
      const { winner, rule } = open().write(this.#reportClaim(name, run, status, options, told, standing))
      if (rule === 0) return { recorded: true, shown: true, entry: winner }
      return { recorded: true, shown: false, entry: winner, rule: rule as OrderRule }
    }, STATUS_ORIGIN)
  }

  /** Removes an entry: deletes the claims this replica sees. A claim made meanwhile elsewhere stays. True if there was one. */
  remove(name: string): boolean {
    assertName(name, this.#nameArgument)
    const key = this.#keyOf(name)
    return this.write((view, open) => {
      if (view.winner(key) === undefined) return false
      return open().remove([key]) > 0
    }, STATUS_ORIGIN)
  }

  toJSON(): readonly StatusClaim<Status, Source, Extras>[] {
    return [...this.entries()]
  }

  #keyOf(name: string): string {
    return this.#law.keyOf?.(name) ?? name
  }

  #assertMaySay(status: Status, source: Source): void {
    if (this.#rules.maySay(status, source)) return
    const sources: readonly Source[] = this.#rules.table.only[status] ?? []
    throw badArgument('source', `${sources.join(' or ')} to say the status "${status}"`, source)
  }

  get #nameArgument(): string {
    return `${this.#noun}Name`
  }

  /**
   * The properties of a run, those of a report, or both, that `options` has. Throws `bad_argument` that names the first wrong one.
   */
  #given(options: object, isOfRun: boolean | undefined): Record<string, Json> {
    const { table, properties } = this.#rules
    const given: Record<string, Json> = {}
    for (const [name, property] of Object.entries(properties)) {
      const value = own(options, name)
      if (value === undefined || (isOfRun !== undefined && Object.hasOwn(table.ofRun, name) !== isOfRun)) continue
      if (!property.fits(value, (other) => own(options, other))) throw badArgument(name, property.expected, value)
      given[name] = toPlain(value) as Json
    }
    return given
  }

  #assertRun(run: Run<Source>): void {
    if (typeof run !== 'object' || run === null) throw badArgument('run', 'a run that startRun returned', run)
    if (!isCount(run.no, 1)) throw badArgument('run.no', `a number from 1 to ${CLAIM_LIMITS.countMax}`, run.no)
    assertName(run.id, 'run.id')
    if (!this.#rules.isSource(run.source)) throw badArgument('run.source', 'a source', run.source)
  }

  /** The report's own properties. */
  #assertReport(status: unknown, options: StatusReport<Source>): Record<string, Json> {
    const { table, isStatus } = this.#rules
    assertAuthor(options, table.sources)
    if (!isStatus(status)) throw badArgument('status', `one of ${table.ranks.join(', ')}`, status)
    this.#assertMaySay(status, options.source)
    if (options.error !== undefined && !table.failures.includes(status)) {
      const failures = table.failures.map((failure) => `"${failure}"`).join(' or ')
      throw badArgument('error', `left out unless the status is ${failures}`, options.error)
    }
    return this.#given({ ...options, status }, false)
  }

  #reportClaim(
    name: string,
    run: Run<Source>,
    status: Status,
    options: StatusReport<Source>,
    told: Record<string, Json>,
    standing: StatusClaim<Status, Source, Extras> | undefined,
  ): JsonObject {
    const { source, actor } = options
    const isSameRun = standing?.run.id === run.id
    const isRepeat = isSameRun && standing.status === status && standing.actor === actor
    // A writer's later word about the same status must win over its earlier one within one tick of the clock.
    const at = options.at ?? (isRepeat ? Math.max(Date.now(), standing.at + 1) : Date.now())
    const { key, ofRun } = this.#rules.table
    return {
      [key]: name,
      run: { no: run.no, id: run.id, source: run.source },
      status,
      source,
      actor,
      at: Math.min(at, CLAIM_LIMITS.atMsMax),
      ...(isSameRun ? pick(standing, Object.keys(ofRun)) : {}),
      ...told,
      ...this.#law.fixed,
    }
  }
}

/** The parts of a status list's row that do not follow from its rules. */
interface StatusListWords<Status extends string, Source extends string, Extras extends object> {
  readonly part: string
  readonly rules: StatusRules<Status, Source, Extras>
  /** Word for the subject of an entry: `index`. */
  readonly noun: string
  /** Names in events and differences; the part and the noun when left out. */
  readonly told?: { readonly list: string; readonly key: string }
}

/** The row of a status list whose entries are read and written by a {@link StatusList}. */
export function statusClaims<Status extends string, Source extends string, Extras extends object>(
  words: StatusListWords<Status, Source, Extras>,
): StatusClaimList<Status, Source, Extras, StatusList<Status, Source, Extras>> {
  const { part, rules, noun, told = { list: part, key: noun } } = words
  const list: StatusClaimList<Status, Source, Extras, StatusList<Status, Source, Extras>> = {
    part,
    rules,
    noun,
    told,
    mark: 'run',
    isUndoable: false,
    numberOf: (claim) => claim.run.no,
    runOf: (claim) => claim.run,
    shownOf: (claim) => claim,
    open: (block, blockId) => new StatusList(block, blockId, list, list),
  }
  return list
}

const NO_JUNK: readonly Junk[] = Object.freeze([])

function newRunId(): string {
  return [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

function own(object: object, property: string): unknown {
  return Object.hasOwn(object, property) ? (object as Readonly<Record<string, unknown>>)[property] : undefined
}

/** Picks the given properties out of the object. */
function pick(object: object, properties: readonly string[]): Record<string, Json> {
  const picked: Record<string, Json> = {}
  for (const property of properties) {
    const value = own(object, property)
    if (value !== undefined) picked[property] = value as Json
  }
  return picked
}
