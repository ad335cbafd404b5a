import { CLAIM_LIMITS, isAt, isBoundedJson, isCount, isName, isProgress, isTotal } from './claim-bounds.ts'
import { compareClaimJson, compareText } from './claim-text.ts'
import { deepFreeze, isPlainObject, type JsonObject, toPlain } from './json.ts'
import type { ClaimRules, ParsedClaim } from './ranked-claims.ts'

/** One attempt. `no` counts attempts from 1 (0: a legacy entry), `id` names this one, `source` is who started it. */
export interface Run<Source extends string = string> {
  readonly no: number
  readonly id: string
  readonly source: Source
}

/** One writer's record of a status. Immutable; `at` is milliseconds since the epoch, for display. */
export interface RankedStatusClaim<Status extends string, Source extends string> {
  readonly index_name: string
  readonly run: Run<Source>
  readonly status: Status
  readonly source: Source
  readonly actor: string
  readonly at: number
  readonly collection_configs?: JsonObject
  readonly error?: string
  readonly chunks?: number
  /** How far the run is, out of `total` if that is given. Says nothing about who wins. */
  readonly progress?: number
  readonly total?: number
}

/** The numbers of the law's rules, as `compare` returns them and conflicts name them. */
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

/** A state machine whose concurrent writers are ranked: its states, and who outranks whom. */
export interface StatusTable<Status extends string, Source extends string> {
  /** The statuses by phase, earliest first; those of the last phase finish a run. Each status once. */
  readonly phases: readonly (readonly Status[])[]
  /** All statuses, lowest rank first: the order that shows of two equally placed reports. */
  readonly ranks: readonly Status[]
  /** Priority by source. All different, so that the order is total. */
  readonly sources: Readonly<Record<Source, number>>
}

export interface StatusRules<Status extends string, Source extends string>
  extends ClaimRules<RankedStatusClaim<Status, Source>> {
  readonly table: StatusTable<Status, Source>
  isStatus(value: unknown): value is Status
  isSource(value: unknown): value is Source
  isFinished(status: Status): boolean
  /** What a legacy entry of a stock client is taken to come from. */
  readonly lowestSource: Source
}

/** The ranked register for one table of statuses. Throws a plain `TypeError` when the table isn't total. */
export function defineStatusRules<Status extends string, Source extends string>(
  table: StatusTable<Status, Source>,
): StatusRules<Status, Source> {
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
  const lastPhase = table.phases.length - 1
  const number = (map: ReadonlyMap<string, number>, key: string): number => map.get(key) ?? -1

  const compare = (a: RankedStatusClaim<Status, Source>, b: RankedStatusClaim<Status, Source>): number => {
    const byRun =
      signed(1, a.run.no - b.run.no) ||
      signed(2, number(priorityOf, a.run.source) - number(priorityOf, b.run.source)) ||
      signed(3, compareText(a.run.id, b.run.id))
    if (byRun !== 0) return byRun
    const phase = number(phaseOf, a.status)
    const byPhase = signed(4, phase - number(phaseOf, b.status))
    if (byPhase !== 0) return byPhase
    const areFinished = phase === lastPhase
    return (
      (areFinished && signed(5, number(priorityOf, a.source) - number(priorityOf, b.source))) ||
      signed(6, number(rankOf, a.status) - number(rankOf, b.status)) ||
      signed(7, compareText(a.actor, b.actor) || a.at - b.at || compareClaimJson(a, b))
    )
  }

  const cache = new WeakMap<object, ParsedClaim<RankedStatusClaim<Status, Source>>>()
  const parseUncached = statusParser({ isStatus, isSource, lowestSource: lowest })
  return {
    table,
    isStatus,
    isSource,
    lowestSource: lowest,
    isFinished: (status) => phaseOf.get(status) === lastPhase,
    keyOf: (claim) => claim.index_name,
    compare,
    parse: (raw) => {
      // A Yjs type changes in place, so what it said once may not be kept. JSON elements are the same object for life.
      if (!isPlainObject(raw)) {
        const parsed = parseUncached(toPlain(raw))
        // A claim is immutable JSON, which a server can check; a Yjs map can only be somebody's legacy entry.
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

function assertTotal(
  table: StatusTable<string, string>,
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
      'A status table names each status once in phases and ranks, and no two sources share a priority',
    )
}

function signed(rule: OrderRule, difference: number): number {
  return difference === 0 ? 0 : Math.sign(difference) * rule
}

interface Vocabulary<Status extends string, Source extends string> {
  isStatus(value: unknown): value is Status
  isSource(value: unknown): value is Source
  lowestSource: Source
}

/** Reads a claim or a legacy `{ index_name, status, timestamp }`; the first thing wrong is the junk's reason. */
function statusParser<Status extends string, Source extends string>(
  words: Vocabulary<Status, Source>,
): (raw: unknown) => ParsedClaim<RankedStatusClaim<Status, Source>> {
  return (raw) => {
    if (!isPlainObject(raw)) return { junk: 'not an object' }
    const own = (key: string): unknown => (Object.hasOwn(raw, key) ? raw[key] : undefined)
    const index_name = own('index_name')
    const status = own('status')
    if (!isName(index_name)) return { junk: 'index_name' }
    if (!words.isStatus(status)) return { junk: 'status' }
    const extras = statusExtras(own)
    if (typeof extras === 'string') return { junk: extras }
    if (own('run') === undefined) {
      const timestamp = own('timestamp')
      const run = { no: 0, id: '', source: words.lowestSource }
      const at = isAt(timestamp) ? timestamp : 0
      return { claim: deepFreeze({ index_name, run, status, source: words.lowestSource, actor: '', at, ...extras }) }
    }
    const run = parseRun(own('run'), words)
    const source = own('source')
    const actor = own('actor')
    const at = own('at')
    if (run === undefined) return { junk: 'run' }
    if (!words.isSource(source)) return { junk: 'source' }
    if (!isName(actor)) return { junk: 'actor' }
    if (!isAt(at)) return { junk: 'at' }
    return { claim: deepFreeze({ index_name, run, status, source, actor, at, ...extras }) }
  }
}

interface StatusExtras {
  collection_configs?: JsonObject
  error?: string
  chunks?: number
  progress?: number
  total?: number
}

/** The optional fields, copied, or the name of the first that is wrong. */
function statusExtras(own: (key: string) => unknown): StatusExtras | string {
  const configs = own('collection_configs')
  const error = own('error')
  const chunks = own('chunks')
  const progress = own('progress')
  const total = own('total')
  const extras: StatusExtras = {}
  if (configs !== undefined) {
    if (!isPlainObject(configs) || !isBoundedJson(configs)) return 'collection_configs'
    extras.collection_configs = toPlain(configs) as JsonObject
  }
  if (error !== undefined) {
    if (typeof error !== 'string' || error.length > CLAIM_LIMITS.errorLengthMax) return 'error'
    extras.error = error
  }
  if (chunks !== undefined) {
    if (!isCount(chunks, 0)) return 'chunks'
    extras.chunks = chunks
  }
  if (progress !== undefined) {
    if (!isProgress(progress)) return 'progress'
    extras.progress = progress
  }
  if (total !== undefined) {
    if (!isTotal(total, progress)) return 'total'
    extras.total = total
  }
  return extras
}

function parseRun<Source extends string>(raw: unknown, words: Vocabulary<string, Source>): Run<Source> | undefined {
  if (!isPlainObject(raw)) return undefined
  const { no, id, source } = raw
  return isCount(no, 1) && isName(id) && words.isSource(source) ? { no, id, source } : undefined
}
