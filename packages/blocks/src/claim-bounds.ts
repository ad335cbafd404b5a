import { isJson, type Json } from './json.ts'

/** Bounds of one claim. A writer of a claim beyond them gets an error, and a reader sees junk. */
export const CLAIM_LIMITS = {
  /** Greatest length of an index name, an actor or a run id, in code units: names by people and services fit with room to spare. */
  nameLengthMax: 256,
  /** Greatest length of `error`, in code units: a message and the head of a stack fit, a log file does not. */
  errorLengthMax: 4_000,
  /** Greatest length of the JSON of `collection_configs` or of a field's value, in code units. */
  jsonLengthMax: 16_384,
  /** Greatest depth of such JSON, in levels. */
  jsonDepthMax: 16,
  /**
   * Greatest run number or seq. No history comes near it: a writer that counts on by the greatest step that is allowed, in ten
   * thousand updates a second, takes more than a hundred days. Adding 1 to it is exact.
   */
  countMax: 2 ** 53 - 2,
  /** Greatest `progress` and `total`: a number counts bytes and rows exactly up to here. */
  progressMax: Number.MAX_SAFE_INTEGER,
  /** Greatest time: the last that a `Date` can hold. */
  atMsMax: 8.64e15,
} as const

/** True for a text of 1 to `nameLengthMax` code units. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= CLAIM_LIMITS.nameLengthMax
}

export function isCount(value: unknown, min: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= CLAIM_LIMITS.countMax
}

/** True for a number from 0: a fraction, a percentage or a count of the job's own units. */
export function isProgress(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= CLAIM_LIMITS.progressMax
}

/** True for a `total` that goes with `progress`: a number above 0 that is not less than `progress`. */
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
