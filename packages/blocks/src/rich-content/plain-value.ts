import * as Y from 'yjs'
import { isForbiddenKey, isPlainObject, isSameJson, type Json, type JsonObject } from '../json.ts'
import { bytesIn, jsonFormOf } from './json-form.ts'

/** `replace` makes an object hold exactly the given keys. `patch` is a JSON merge patch (RFC 7396). */
export type JsonWrite = 'replace' | 'patch'

/**
 * True if a value reads as the JSON has it, in either form of texts. Plain values are compared where they stand: a form is a copy, and
 * a body may have tens of thousands of them.
 */
export function readsAs(value: unknown, json: Json): boolean {
  if (value === json) return true
  if (Array.isArray(value)) {
    if (!Array.isArray(json) || value.length !== json.length) return false
    return value.every((item, index) => readsAs(item, json[index] as Json))
  }
  if (isPlainObject(value)) return isPlainObject(json) && objectReadsAs(value, json as JsonObject)
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return false
  if (isSameJson(jsonFormOf(value), json)) return true
  return value instanceof Y.AbstractType && isSameJson(jsonFormOf(value, 'delta'), json)
}

function objectReadsAs(object: Record<string, unknown>, json: JsonObject): boolean {
  let shown = 0
  for (const key of Object.keys(object)) {
    const item = object[key]
    if (item === undefined || isForbiddenKey(key)) continue
    if (!Object.hasOwn(json, key) || !readsAs(item, json[key] as Json)) return false
    shown++
  }
  return shown === Object.keys(json).length
}

/**
 * The new value of one that holds no Yjs types. A part that reads as the JSON has it stays the very same, such as bytes, which are no
 * JSON, and so does the whole: the value itself is then returned. Each part is looked at once, however deep it is.
 */
export function plainNext(before: unknown, next: Json, write: JsonWrite): unknown {
  const bytes = bytesIn(next)
  if (typeof next !== 'object' || next === null || bytes !== undefined)
    return before !== undefined && readsAs(before, next) ? before : (bytes ?? next)
  return Array.isArray(next) ? nextArray(before, next) : nextObject(before, next as JsonObject, write)
}

function nextArray(before: unknown, next: readonly Json[]): unknown {
  const old: readonly unknown[] = Array.isArray(before) ? before : []
  let isSame = Array.isArray(before) && before.length === next.length
  const items = next.map((item, index) => {
    const was = old[index]
    // A hole reads as null.
    const isKept = was === undefined && item === null && index < old.length
    const part = isKept ? was : plainNext(was, item, 'replace')
    isSame &&= Object.is(part, was)
    return part
  })
  return isSame ? before : items
}

function nextObject(before: unknown, next: JsonObject, write: JsonWrite): unknown {
  const old = isPlainObject(before) ? before : {}
  const merged: Record<string, unknown> = {}
  let isSame = old === before
  for (const key of Object.keys(old)) {
    const isGiven = Object.hasOwn(next, key)
    if (isGiven || isForbiddenKey(key)) continue
    if (write === 'patch' || old[key] === undefined) merged[key] = old[key]
    else isSame = false
  }
  for (const key of Object.keys(next)) {
    const value = next[key] as Json
    const was = Object.hasOwn(old, key) ? old[key] : undefined
    const isRemoval = write === 'patch' && value === null && (was === undefined || !readsAs(was, null))
    const part = isRemoval ? undefined : plainNext(was, value, write)
    if (part !== undefined) merged[key] = part
    isSame &&= Object.is(part, was)
  }
  return isSame ? before : merged
}
