import type { Json } from '@joinery/blocks'

/**
 * Applies a JSON merge patch (RFC 7396): objects merge key by key, null removes, any other value replaces. A null for a member that
 * is null leaves it: a caller sends back what it has read, and changes nothing. Changes neither argument.
 */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const merged: Record<string, Json> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      if (merged[key] !== null) delete merged[key]
    } else merged[key] = mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value)
  }
  return merged
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
