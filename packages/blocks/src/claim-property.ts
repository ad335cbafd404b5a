import { CLAIM_LIMITS, isBoundedJson, isCount, isName, isProgress, isTotal } from './claim-bounds.ts'
import { isPlainObject } from './json.ts'

/** One optional property of a claim: which values it may have. */
export interface ClaimProperty {
  /** `count`: a whole number; `amount`: any number from 0. */
  readonly kind: 'json' | 'text' | 'count' | 'amount'
  /** Description of a valid value, for errors: `chunks must be …`. */
  readonly expected: string
  /** True for a value within the bounds; `of` reads the claim's other properties. */
  fits(value: unknown, of: (property: string) => unknown): boolean
}

export const JSON_OBJECT: ClaimProperty = {
  kind: 'json',
  expected: `a JSON object of at most ${CLAIM_LIMITS.jsonLengthMax} characters and ${CLAIM_LIMITS.jsonDepthMax} levels`,
  fits: (value) => isPlainObject(value) && isBoundedJson(value),
}
/** A message and the head of a stack. */
export const ERROR_TEXT: ClaimProperty = {
  kind: 'text',
  expected: `a text of at most ${CLAIM_LIMITS.errorLengthMax} characters`,
  fits: (value) => typeof value === 'string' && value.length <= CLAIM_LIMITS.errorLengthMax,
}
/** A name or a code. */
export const NAME: ClaimProperty = {
  kind: 'text',
  expected: `1 to ${CLAIM_LIMITS.nameLengthMax} characters`,
  fits: isName,
}
export const COUNT: ClaimProperty = {
  kind: 'count',
  expected: 'a whole number from 0',
  fits: (value) => isCount(value, 0),
}
export const PROGRESS: ClaimProperty = { kind: 'amount', expected: 'a number from 0', fits: isProgress }
export const TOTAL: ClaimProperty = {
  kind: 'amount',
  expected: 'a number above 0 that goes with `progress` and is not less than it',
  fits: (value, of) => isTotal(value, of('progress')),
}
