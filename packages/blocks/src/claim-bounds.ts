import { isJson, type Json } from './json.ts'

/** Bounds of one claim. Beyond them a writer gets an error and a reader sees junk. */
export const CLAIM_LIMITS = {
  /** Code units of an index name, an actor or a run id: names that people and services give, with room. */
  nameLengthMax: 256,
  /** Code units of `error`: a message and the head of a stack, not a log file. */
  errorLengthMax: 4_000,
  /** Code units of the canonical JSON of `collection_configs` or of a field's value. */
  jsonLengthMax: 16_384,
  /** Levels of that JSON. */
  jsonDepthMax: 16,
  /** Greatest run number or seq: far above any history, and low enough that adding 1 stays exact. */
  countMax: 2 ** 31 - 1,
  /** Greatest `progress` and `total`: bytes and rows too are counted exactly up to here. */
  progressMax: Number.MAX_SAFE_INTEGER,
  /** Greatest time, the last a `Date` can hold. */
  atMsMax: 8.64e15,
} as const

/** True for 1 to `nameLengthMax` code units. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= CLAIM_LIMITS.nameLengthMax
}

export function isCount(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= CLAIM_LIMITS.countMax
}

/** True for a number from 0: a fraction, a percentage or a count of whatever the job counts. */
export function isProgress(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= CLAIM_LIMITS.progressMax
}

/** True for what `progress` may be out of: more than nothing, and not less than it. */
export function isTotal(value: unknown, progress: unknown): value is number {
  return isProgress(value) && value > 0 && isProgress(progress) && progress <= value
}

export function isAt(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= CLAIM_LIMITS.atMsMax
}

/** True for JSON within a claim's bounds of depth and length. */
export function isBoundedJson(value: unknown): value is Json {
  if (typeof value === 'boolean' || value === null) return true
  if (typeof value === 'number') return Number.isFinite(value)
  return isJson(value, CLAIM_LIMITS.jsonDepthMax) && JSON.stringify(value).length <= CLAIM_LIMITS.jsonLengthMax
}
