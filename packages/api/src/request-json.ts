import { CLAIM_LIMITS, doAtOnce, isBlockId, isForbiddenKey, type LongWork } from '@joinery/blocks'

/** Levels of nesting in a request's body: as many as a value in a document may have. */
const DEPTH_MAX = 64

/** Values of a body between two steps of the look for its faults: less than a ms. */
const VALUES_PER_STEP = 1_000

/**
 * Describes the fault of a parsed body that no document could hold; undefined when there is none. Called before the schemas.
 * Ill-formed text would change on its way to other replicas, which would then differ for good. JSON can't write infinite
 * numbers, which `JSON.parse` makes of too large ones.
 */
export function jsonFault(value: unknown, depthMax = DEPTH_MAX): string | undefined {
  return doAtOnce(findJsonFault(value, depthMax))
}

/** As {@link jsonFault}, in steps: to look through a megabyte of values takes some tens of ms. */
export function* findJsonFault(body: unknown, depthMax = DEPTH_MAX): LongWork<string | undefined> {
  const left: { readonly value: object; readonly depth: number }[] = []
  const faultOf = (value: unknown, depth: number): string | undefined => {
    if (typeof value === 'string') return value.isWellFormed() ? undefined : ILL_FORMED
    if (typeof value === 'number') return numberFault(value)
    if (typeof value !== 'object' || value === null) return undefined
    if (depth > depthMax) return `is nested deeper than ${DEPTH_MAX} levels`
    left.push({ value, depth })
    return undefined
  }
  let fault = faultOf(body, 1)
  let looks = 0
  for (let next = left.pop(); next !== undefined && fault === undefined; next = left.pop()) {
    const { value, depth } = next
    const keys = Array.isArray(value) ? undefined : Object.keys(value)
    const items: readonly unknown[] = keys ?? (value as readonly unknown[])
    for (let at = 0; at < items.length && fault === undefined; at++) {
      const key = keys?.[at]
      fault =
        (key === undefined ? undefined : keyFault(key)) ??
        faultOf(key === undefined ? items[at] : (value as Record<string, unknown>)[key], depth + 1)
      if (++looks % VALUES_PER_STEP === 0) yield
    }
  }
  return fault
}

const ILL_FORMED = 'holds text that is not well-formed Unicode'

function keyFault(key: string): string | undefined {
  if (isForbiddenKey(key)) return `holds the key "${key}", which no document may hold`
  return key.isWellFormed() ? undefined : ILL_FORMED
}

const [QUOTE, BACKSLASH, COLON, OPEN_BRACKET, OPEN_BRACE] = [0x22, 0x5c, 0x3a, 0x5b, 0x7b]

/**
 * Whether a JSON text in UTF-8 has more than `max` members of objects, objects and arrays, at any depth. They are counted from the bytes:
 * to parse a megabyte of them takes a tenth of a second.
 */
export function hasMoreValues(json: Uint8Array, max: number): boolean {
  let count = 0
  let isInText = false
  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) isInText = !isInText
    else if (isInText) at += byte === BACKSLASH ? 1 : 0
    else if ((byte === COLON || byte === OPEN_BRACE || byte === OPEN_BRACKET) && ++count > max) return true
  }
  return false
}

const ROUNDED = 'holds an integer beyond 2^53, which would be rounded: send it as text'
/** JavaScript writes doubles from here on with an exponent: they are no integers that somebody counts with. */
const EXPONENT_MIN = 1e21
/** An integer that is written in digits, as many as only a double of {@link EXPONENT_MIN} or more has. */
const LONG_INTEGER = /(?<![\d.eE+-])-?\d{22,}(?![\d.eE])/

function numberFault(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'holds a number that is too large for a double'
  if (!Number.isInteger(value) || Number.isSafeInteger(value) || Math.abs(value) >= EXPONENT_MIN) return undefined
  return ROUNDED
}

/** The fault of a body that only its text shows, once `JSON.parse` has made a double of an integer; undefined when there is none. */
export function textFault(json: string): string | undefined {
  if (!LONG_INTEGER.test(json)) return undefined
  return LONG_INTEGER.test(json.replace(/"(?:[^"\\]|\\.)*"/g, '""')) ? ROUNDED : undefined
}

/** True for a value that a claim may hold, as a field's value or an index's configuration. */
export function fitsClaim(value: unknown): boolean {
  return jsonFault(value, CLAIM_LIMITS.jsonDepthMax) === undefined && lengthOf(value) <= CLAIM_LIMITS.jsonLengthMax
}

function lengthOf(value: unknown): number {
  return JSON.stringify(value)?.length ?? 0
}

/** True for a text that may name an index, a field or a run. */
export function isClaimName(name: string): boolean {
  return name.length > 0 && name.length <= CLAIM_LIMITS.nameLengthMax && name.isWellFormed() && !isForbiddenKey(name)
}

export { isBlockId }
