import { isAt, isBoundedJson, isCount, isName } from './claim-bounds.ts'
import { compareClaimJson, compareText } from './claim-text.ts'
import { deepFreeze, isForbiddenKey, isPlainObject, type Json, toPlain } from './json.ts'
import type { ClaimRules, ParsedClaim } from './ranked-claims.ts'
import { SOURCE_PRIORITY, type Source } from './sources.ts'

/** One writer's record of a field's value. */
export interface FieldClaim {
  readonly key: string
  readonly value: Json
  readonly seq: number
  readonly source: Source
  readonly actor: string
  readonly at: number
}

/** The rules of the order of fields, in words, by their numbers. */
export const FIELD_ORDER_RULES = {
  1: 'the greater seq wins: its writer had seen the other value',
  2: 'of two concurrent values, the one whose source has priority wins',
  3: 'actor, then the canonical JSON decide',
} as const
export type FieldOrderRule = keyof typeof FIELD_ORDER_RULES

const cache = new WeakMap<object, ParsedClaim<FieldClaim>>()

export const fieldRules: ClaimRules<FieldClaim> = {
  keyOf: (claim) => claim.key,
  compare: (a, b) => {
    const bySeq = Math.sign(a.seq - b.seq)
    if (bySeq !== 0) return bySeq
    const bySource = Math.sign(SOURCE_PRIORITY[a.source] - SOURCE_PRIORITY[b.source]) * 2
    if (bySource !== 0) return bySource
    return (compareText(a.actor, b.actor) || compareClaimJson(a, b)) * 3
  },
  parse: (raw) => {
    if (!isPlainObject(raw)) return { junk: 'not an object' }
    const known = cache.get(raw)
    if (known !== undefined) return known
    const parsed = parseField(raw)
    cache.set(raw, parsed)
    return parsed
  },
}

function parseField(raw: unknown): ParsedClaim<FieldClaim> {
  if (!isPlainObject(raw)) return { junk: 'not an object' }
  const own = (key: string): unknown => (Object.hasOwn(raw, key) ? raw[key] : undefined)
  const [key, value, seq] = [own('key'), own('value'), own('seq')]
  const [source, actor, at] = [own('source'), own('actor'), own('at')]
  if (!isName(key) || isForbiddenKey(key)) return { junk: 'key' }
  if (!isBoundedJson(value)) return { junk: 'value' }
  if (!isCount(seq, 1)) return { junk: 'seq' }
  if (typeof source !== 'string' || !Object.hasOwn(SOURCE_PRIORITY, source)) return { junk: 'source' }
  if (!isName(actor)) return { junk: 'actor' }
  if (!isAt(at)) return { junk: 'at' }
  return { claim: deepFreeze({ key, value: toPlain(value) as Json, seq, source: source as Source, actor, at }) }
}
