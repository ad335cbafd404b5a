import * as Y from 'yjs'
import { BlocksError } from './blocks-error.ts'
import { xmlTextOf } from './rich-content/xml-text.ts'

export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export type JsonObject = { readonly [key: string]: Json }

/** Greatest depth of one JSON value, in levels. Recursion over a value must not overflow the stack, which it does from about 2,000 levels on. */
export const JSON_DEPTH_MAX = 500

/**
 * The key that replaces an object's prototype when it is set on it, in this process or in a program that reads our JSON. Yjs itself
 * drops it inside values. `constructor` and `prototype` are keys like any other: setting them makes own properties.
 */
const FORBIDDEN_KEY = '__proto__'

/** True for `__proto__`, which no reader returns and no writer takes. */
export function isForbiddenKey(key: string): boolean {
  return key === FORBIDDEN_KEY
}

/** Throws `forbidden_key` for a key that no document may hold. `field` names the argument. */
export function assertKeyAllowed(key: string, field: string): void {
  if (isForbiddenKey(key))
    throw new BlocksError('forbidden_key', `${field} may not be "${key}": choose another key`, field)
}

/** True for a value that JSON can carry, at most {@link JSON_DEPTH_MAX} levels deep and without the forbidden key. Yjs types and bytes are no JSON. */
export function isJson(value: unknown, depthMax = JSON_DEPTH_MAX): value is Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || depthMax <= 0) return false
  if (Array.isArray(value)) return value.every((item) => isJson(item, depthMax - 1))
  return isPlainObject(value) && everyEntry(value, (key, item) => !isForbiddenKey(key) && isJson(item, depthMax - 1))
}

/** True for JSON without integers beyond 2^53, which JavaScript has rounded by the time they come here. */
export function isExactJson(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isExactJson)
}

/** True for a JSON object; false for arrays, Yjs types, bytes, dates and the like. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  // An own `__proto__` key that Yjs decoded replaces the prototype, so the prototype proves nothing.
  if (Object.prototype.toString.call(value) !== '[object Object]') return false
  return !(value instanceof Y.AbstractType) && !(value instanceof Y.Doc)
}

function everyEntry(object: Record<string, unknown>, test: (key: string, value: unknown) => boolean): boolean {
  return Object.keys(object).every((key) => test(key, object[key]))
}

/**
 * Copies any value of a document as plain data that the reader owns. Yjs types become text, arrays and objects. The forbidden
 * key is left out at every depth. A value that nests deeper than {@link JSON_DEPTH_MAX} reads as null. Never throws.
 */
export function toPlain(value: unknown, depthMax = JSON_DEPTH_MAX, formOf: FormOf = () => undefined): unknown {
  const form = formOf(value)
  if (form !== undefined) return form
  // lib0 can carry big integers, on which JSON.stringify throws.
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return typeof value === 'function' ? null : value
  if (value instanceof Y.XmlText || value instanceof Y.XmlFragment)
    return xmlTextOf(value, (each) => JSON.stringify(toPlain(each, depthMax - 1, formOf)) ?? 'null', depthMax)
  if (value instanceof Y.Text) return value.toString()
  if (value instanceof Uint8Array) return value.slice()
  if (depthMax <= 0) return null
  if (value instanceof Y.Array || Array.isArray(value)) {
    const items: unknown[] = value instanceof Y.Array ? value.toArray() : value
    return items.map((item) => toPlain(item, depthMax - 1, formOf))
  }
  const object: Record<string, unknown> = {}
  const take = (key: string, item: unknown): void => {
    if (!isForbiddenKey(key) && item !== undefined) object[key] = toPlain(item, depthMax - 1, formOf)
  }
  if (value instanceof Y.Map) for (const [key, item] of value.entries()) take(key, item)
  else if (!isPlainObject(value)) return null
  // A list of entries of an object with tens of thousands takes longer than the rest.
  else for (const key of Object.keys(value)) take(key, value[key])
  return object
}

/** Another form of some values in plain data; undefined for the usual form. */
export type FormOf = (value: unknown) => unknown

/** Canonical text of a JSON value: keys are sorted in code unit order, so that every replica agrees. */
export function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (isJsonArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value
  const keys = Object.keys(object).sort()
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(object[key] ?? null)}`).join(',')}}`
}

/** True for two values that are the same JSON, whatever the order of their keys. */
export function isSameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
    return a.every((item, index) => isSameJson(item, b[index]))
  }
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>]
  return keys.every((key) => Object.hasOwn(right, key) && isSameJson(left[key], right[key]))
}

function isJsonArray(value: Json): value is readonly Json[] {
  return Array.isArray(value)
}

/** Freezes a JSON value at every depth, so that readers who share it can't change it. */
export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) deepFreeze(item)
  }
  return value
}
