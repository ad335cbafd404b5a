import { isForbiddenKey, isSameJson, type Json, setPlain, toPlain } from '@joinery/blocks'
import * as Y from 'yjs'

/** Applies a JSON merge patch (RFC 7396): objects merge key by key, null removes, any other value replaces. Changes neither argument. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch
  const merged: Record<string, Json> = isObject(target) ? { ...target } : {}
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key]
    else merged[key] = mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value)
  }
  return merged
}

/** Applies a merge patch to a shared map. Keys that the patch does not name stay untouched; nested Yjs maps are patched in place. */
export function patchMap(map: Y.Map<unknown>, patch: { readonly [key: string]: Json }): void {
  for (const [key, value] of Object.entries(patch)) {
    const before = map.get(key)
    if (value === null) {
      if (before !== undefined) map.delete(key)
    } else if (before instanceof Y.Map && isObject(value)) {
      patchMap(before, value)
    } else {
      const plain = before === undefined ? undefined : (toPlain(before) as Json)
      const after = mergePatch(plain, value)
      if (!isSameJson(plain, after)) setPlain(map, key, after)
    }
  }
}

/**
 * Makes a shared map show exactly `next`, and touches only the keys that differ. A key that no reader shows stays: `next` was read,
 * and can't have it.
 */
export function replaceMap(map: Y.Map<unknown>, next: { readonly [key: string]: Json }): void {
  for (const key of [...map.keys()]) if (!Object.hasOwn(next, key) && !isForbiddenKey(key)) map.delete(key)
  for (const [key, value] of Object.entries(next)) {
    const before = map.get(key)
    if (before === undefined || !isSameJson(toPlain(before), value)) setPlain(map, key, value)
  }
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
