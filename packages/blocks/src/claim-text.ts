import { canonicalJson, type Json } from './json.ts'

/** Compares two texts in code unit order, so that every replica agrees. */
export function compareText(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

const canonicals = new WeakMap<object, string>()
/** The canonical JSON of a parsed (frozen) claim, made once. */
export function canonical(claim: object): string {
  const known = canonicals.get(claim)
  if (known !== undefined) return known
  const text = canonicalJson(claim as Json)
  canonicals.set(claim, text)
  return text
}

/** The last rule of every order of claims. Returns 0 only for claims that are the same JSON. */
export function compareClaimJson(a: object, b: object): number {
  return compareText(canonical(a), canonical(b))
}
