import { CLAIM_LIMITS, isBlockId } from '@joinery/blocks'

/** Levels of nesting that a request may have: the most that a document's values may. */
const DEPTH_MAX = 64
const FORBIDDEN_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

/**
 * What is wrong with a parsed body before any schema looks at it; undefined when nothing is. Text that is no Unicode
 * changes on its way to other replicas, which then differ for good; numbers JSON.parse made infinite can't be written.
 */
export function jsonFault(value: unknown, depth = DEPTH_MAX): string | undefined {
  if (typeof value === 'string') return value.isWellFormed() ? undefined : 'holds text that is no Unicode'
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'holds a number beyond the range'
  if (typeof value !== 'object' || value === null) return undefined
  if (depth <= 0) return `nests deeper than ${DEPTH_MAX} levels`
  for (const [key, item] of Object.entries(value)) {
    if (FORBIDDEN_KEYS.has(key)) return `holds the key "${key}", which no document may`
    const fault = key.isWellFormed() ? jsonFault(item, depth - 1) : 'holds text that is no Unicode'
    if (fault !== undefined) return fault
  }
  return undefined
}

/** True for a value that fits a claim: a field's, or an index's configuration. */
export function fitsClaim(value: unknown): boolean {
  return jsonFault(value, CLAIM_LIMITS.jsonDepthMax) === undefined && lengthOf(value) <= CLAIM_LIMITS.jsonLengthMax
}

function lengthOf(value: unknown): number {
  return JSON.stringify(value)?.length ?? 0
}

/** True for a name of an index, a field or a run. */
export function isClaimName(name: string): boolean {
  return (
    name.length > 0 && name.length <= CLAIM_LIMITS.nameLengthMax && name.isWellFormed() && !FORBIDDEN_KEYS.has(name)
  )
}

export { isBlockId }
