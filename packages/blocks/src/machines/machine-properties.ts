import { CLAIM_LIMITS, isAt, isName } from '../claim-bounds.ts'
import { type ClaimProperty, COUNT, JSON_OBJECT, NAME } from '../claim-property.ts'
import { isPlainObject, type JsonObject } from '../json.ts'

/** Why and since when a run makes no progress, in milliseconds since the epoch. */
export interface Stall {
  readonly since: number
  /** A word or a sentence of 1 to 256 code units. */
  readonly why: string
}

/** Properties that only statuses of machines have. */
export interface MachineExtras {
  /** Name and version of the table, as `file@1`. */
  readonly machine: string
  /** Name of the resource: of a file, of an order. */
  readonly name: string
  /** Flag beside a status: the run is in this status, and stuck. Ranks nobody. */
  readonly stalled?: Stall
  /** Number of the automatic attempt within the run, from 1. */
  readonly attempt?: number
  /** Time of the next attempt, in milliseconds since the epoch. */
  readonly retry_at?: number
  /** More about the resource, to be shown. */
  readonly detail?: JsonObject
  /** Id of the task that does the work. */
  readonly task?: string
}

/** Greatest length of the JSON of `detail`, in code units: hundreds of statuses of a block are read and compared at once. */
export const DETAIL_LENGTH_MAX = 4_096

const ATTEMPT: ClaimProperty = {
  kind: 'count',
  expected: 'a whole number from 1',
  fits: (value, of) => value !== 0 && COUNT.fits(value, of),
}
const RETRY_AT: ClaimProperty = { kind: 'amount', expected: 'milliseconds since the epoch', fits: isTime }
const DETAIL: ClaimProperty = {
  kind: 'json',
  expected: `a JSON object of at most ${DETAIL_LENGTH_MAX} characters and ${CLAIM_LIMITS.jsonDepthMax} levels`,
  fits: (value, of) => JSON_OBJECT.fits(value, of) && JSON.stringify(value).length <= DETAIL_LENGTH_MAX,
}

export const MACHINE_PROPERTIES = {
  /** The name of the claim's own machine. */
  machine: (name: string): ClaimProperty => ({ kind: 'text', expected: `"${name}"`, fits: (value) => value === name }),
  ofReport: { attempt: ATTEMPT, retry_at: RETRY_AT, detail: DETAIL, task: NAME },
} as const

/** The flag `stalled`, of the statuses and the sources that may set it; undefined for any source. */
export function stalledProperty(statuses: readonly string[], sources: readonly string[] | undefined): ClaimProperty {
  const by = sources === undefined ? '' : `, set by ${sources.join(' or ')}`
  return {
    kind: 'json',
    expected: `{ since, why } beside ${statuses.length === 0 ? 'no status of this machine' : `the status ${statuses.join(' or ')}`}${by}`,
    fits: (value, of) =>
      isStall(value) &&
      statuses.includes(String(of('status'))) &&
      (sources === undefined || sources.includes(String(of('source')))),
  }
}

function isStall(value: unknown): value is Stall {
  return (
    isPlainObject(value) &&
    Object.keys(value).length === 2 &&
    Object.hasOwn(value, 'since') &&
    Object.hasOwn(value, 'why') &&
    isTime(value.since) &&
    isName(value.why)
  )
}

function isTime(value: unknown): boolean {
  return isAt(value) && value >= 0
}
