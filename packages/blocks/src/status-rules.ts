import type { Run } from './claim-list.ts'
import type { ClaimProperty } from './claim-property.ts'
import { compareClaimJson, compareText } from './claim-text.ts'
import { isPlainObject, toPlain } from './json.ts'
import type { ClaimRules, ParsedClaim } from './ranked-claims.ts'
import { type StatusClaim, statusParser, statusProperties, type Vocabulary } from './status-claim.ts'

export type { StatusClaim } from './status-claim.ts'

/** The law's rules in words, by the numbers that `compare` returns and conflicts name. */
export const ORDER_RULES = {
  1: 'a later run beats an earlier one',
  2: 'of two runs with one number, the one whose source has priority wins',
  3: 'of two such runs of equal sources, the greater run id wins',
  4: 'within a run, a later phase beats an earlier one',
  5: 'of two results of a run, the one whose reporter has priority wins',
  6: 'of two such reports, the greater status wins',
  7: 'actor, time, then the canonical JSON decide',
} as const
export type OrderRule = keyof typeof ORDER_RULES

/** A state machine whose concurrent writers are ranked: its states, who outranks whom, and what else a claim says. */
export interface StatusTable<Status extends string, Source extends string> {
  /** The statuses by phase, earliest first. Each status once. */
  readonly phases: readonly (readonly Status[])[]
  /** All statuses, lowest rank first. Of two reports that are equal otherwise, the status of greater rank shows. */
  readonly ranks: readonly Status[]
  /** Priority by source. All different, so that the order is total. */
  readonly sources: Readonly<Record<Source, number>>
  /** Statuses that a run may begin with, the usual one first. The first phase when left out. */
  readonly starts?: readonly Status[]
  /** Statuses that may carry an `error` text. The status `error` alone when left out. */
  readonly failures?: readonly Status[]
  /**
   * Statuses that finish a run. Those of the last phase when left out. Of a phase, all statuses are results or none: otherwise the
   * order would not be transitive.
   */
  readonly results?: readonly Status[]
  /** The only sources that may say a status, by status. A claim of another source that says it is junk. */
  readonly only?: { readonly [S in Status]?: readonly Source[] }
  /** True if `{ <key>, status, timestamp }` of a stock client reads as run 0 of the lowest source. True when left out. */
  readonly hasLegacy?: boolean
  /** The property that names what a claim is about. `name` when left out. */
  readonly key?: string
  /** Optional properties that a run's start says and its reports keep. */
  readonly ofRun?: Readonly<Record<string, ClaimProperty>>
  /** Optional properties that each report says anew, beside `error`, `progress` and `total`. */
  readonly ofReport?: Readonly<Record<string, ClaimProperty>>
}

/** The law of one table of statuses. */
export interface StatusRules<Status extends string, Source extends string, Extras extends object = object>
  extends ClaimRules<StatusClaim<Status, Source, Extras>>,
    Vocabulary<Status, Source> {
  readonly table: Required<StatusTable<Status, Source>>
  isFinished(status: Status): boolean
  /** True if a claim of `source` may say the status. */
  maySay(status: Status, source: Source): boolean
  /**
   * True if `source` may start a run while `standing` is shown: no run of a higher-priority source is unfinished there.
   * Undefined stands for an entry that is not there.
   */
  canStart(standing: StatusClaim<Status, Source> | undefined, source: Source): boolean
  /** True if every report on `run` loses to every report on `standing`, whatever both say: by rules 1 to 3. */
  wouldLose(run: Run<Source>, standing: Run<Source>): boolean
}

/** The ranked register for one table of statuses. Throws a plain `TypeError` when the table isn't total. */
export function defineStatusRules<Status extends string, Source extends string, Extras extends object = object>(
  given: StatusTable<Status, Source>,
): StatusRules<Status, Source, Extras> {
  type C = StatusClaim<Status, Source, Extras>
  const table = withDefaults(given)
  const phaseOf = new Map<string, number>()
  table.phases.forEach((phase, index) => {
    for (const status of phase) phaseOf.set(status, index)
  })
  const rankOf = new Map<string, number>(table.ranks.map((status, index) => [status, index]))
  const priorityOf = new Map<string, number>(Object.entries<number>(table.sources))
  const lowest = [...priorityOf].sort((a, b) => a[1] - b[1])[0]?.[0]
  assertTotal(table, phaseOf, rankOf, priorityOf)
  const isStatus = (value: unknown): value is Status => typeof value === 'string' && rankOf.has(value)
  const isSource = (value: unknown): value is Source => typeof value === 'string' && priorityOf.has(value)
  if (!isSource(lowest)) throw new TypeError('A status table needs at least one source')
  const number = (map: ReadonlyMap<string, number>, key: string): number => map.get(key) ?? -1
  const results = new Set<string>(table.results)
  const isFinished = (status: Status): boolean => results.has(status)
  const maySay = (status: Status, source: Source): boolean => {
    const sources: readonly Source[] | undefined = Object.hasOwn(table.only, status) ? table.only[status] : undefined
    return sources === undefined || sources.includes(source)
  }

  const compareRuns = (a: Run<Source>, b: Run<Source>): number =>
    signed(1, a.no - b.no) ||
    signed(2, number(priorityOf, a.source) - number(priorityOf, b.source)) ||
    signed(3, compareText(a.id, b.id))

  const compare = (a: C, b: C): number => {
    const byRun = compareRuns(a.run, b.run)
    if (byRun !== 0) return byRun
    const phase = number(phaseOf, a.status)
    const byPhase = signed(4, phase - number(phaseOf, b.status))
    if (byPhase !== 0) return byPhase
    return (
      // All statuses of a phase are results, or none.
      (isFinished(a.status) && signed(5, number(priorityOf, a.source) - number(priorityOf, b.source))) ||
      signed(6, number(rankOf, a.status) - number(rankOf, b.status)) ||
      signed(7, compareText(a.actor, b.actor) || a.at - b.at || compareClaimJson(a, b))
    )
  }

  const cache = new WeakMap<object, ParsedClaim<C>>()
  const { key } = table
  const properties = statusProperties(table.ofRun, table.ofReport)
  const { hasLegacy } = table
  const vocabulary = { isStatus, isSource, maySay, lowestSource: lowest, key, properties, hasLegacy }
  const parseUncached = statusParser<Status, Source, Extras>(vocabulary)
  return {
    ...vocabulary,
    table,
    isFinished,
    canStart: (standing, source) =>
      standing === undefined ||
      isFinished(standing.status) ||
      number(priorityOf, standing.run.source) <= number(priorityOf, source),
    wouldLose: (run, standing) => compareRuns(run, standing) < 0,
    keyOf: (claim) => (claim as unknown as Readonly<Record<string, string>>)[key] ?? '',
    compare,
    parse: (raw) => {
      // A Yjs type changes in place, so what it said once may not be kept. A JSON element is the same object for life.
      if (!isPlainObject(raw)) {
        const parsed = parseUncached(toPlain(raw))
        // A claim is immutable JSON, which a server can check. A Yjs map can only be a legacy entry.
        return 'claim' in parsed && parsed.claim.run.no > 0 ? { junk: 'not JSON' } : parsed
      }
      const known = cache.get(raw)
      if (known !== undefined) return known
      const parsed = parseUncached(raw)
      cache.set(raw, parsed)
      return parsed
    },
  }
}

function withDefaults<Status extends string, Source extends string>(
  given: StatusTable<Status, Source>,
): Required<StatusTable<Status, Source>> {
  const failures = given.ranks.filter((status) => (status as string) === 'error')
  return {
    starts: given.phases[0] ?? [],
    failures,
    results: given.phases.at(-1) ?? [],
    only: {},
    hasLegacy: true,
    key: 'name',
    ofRun: {},
    ofReport: {},
    ...given,
  }
}

function assertTotal(
  table: Required<StatusTable<string, string>>,
  phaseOf: ReadonlyMap<string, number>,
  rankOf: ReadonlyMap<string, number>,
  priorityOf: ReadonlyMap<string, number>,
): void {
  const statuses = table.phases.flat()
  const isTotal =
    statuses.length === phaseOf.size &&
    statuses.length === table.ranks.length &&
    rankOf.size === table.ranks.length &&
    statuses.every((status) => rankOf.has(status)) &&
    new Set(priorityOf.values()).size === priorityOf.size
  if (!isTotal)
    throw new TypeError(
      'A status table must name each status once in phases and once in ranks, and no two sources may share a priority',
    )
  const unknown = [...table.starts, ...table.failures, ...table.results, ...Object.keys(table.only)].find(
    (status) => !rankOf.has(status),
  )
  if (unknown !== undefined) throw new TypeError(`A status table has no status "${unknown}" in its phases`)
  const isSplit = table.phases.some((phase) => new Set(phase.map((status) => table.results.includes(status))).size > 1)
  if (isSplit || table.results.length === 0)
    throw new TypeError('A status table needs results, and of a phase either all statuses are results or none')
  for (const [status, sources = []] of Object.entries(table.only)) {
    if (sources.length === 0 || !sources.every((source) => priorityOf.has(source)))
      throw new TypeError(`Of a status table, "only" must name sources of the table for "${status}"`)
  }
}

function signed(rule: OrderRule, difference: number): number {
  return difference === 0 ? 0 : Math.sign(difference) * rule
}
