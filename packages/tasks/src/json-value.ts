import { createHash } from 'node:crypto'
import type { Json } from '@joinery/protocol'
import { TaskError } from './task-error.ts'

/** Levels of a value at most: deeper ones overflow the stack of some reader. */
const DEPTH_MAX = 64

/**
 * The length of a value as JSON, in bytes.
 *
 * @throws TaskError `invalid` if it is no JSON or has a key that no reader may have; `too_large` if it is longer than `max`
 */
export function checkJson(value: unknown, what: string, max: number): number {
  const fault = faultOf(value, '', 0)
  if (fault !== undefined) throw new TaskError('invalid', `${what} is no JSON: ${fault}`)
  const bytes = Buffer.byteLength(JSON.stringify(value))
  if (bytes > max) {
    const advice = 'keep what is larger elsewhere, and pass its name'
    throw new TaskError('too_large', `${what} has ${bytes} bytes as JSON, and at most ${max} are allowed: ${advice}`)
  }
  return bytes
}

/** A digest that is the same for equal values, whatever the order of their keys. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(canonical(value)).digest('base64url').slice(0, 22)
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`
}

/** The first thing in a value that JSON does not have; undefined if there is none. */
function faultOf(value: unknown, path: string, depth: number): string | undefined {
  const where = path === '' ? 'it' : path
  if (depth > DEPTH_MAX) return `${where} is more than ${DEPTH_MAX} levels deep`
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${where} is ${value}`
  if (typeof value !== 'object') return `${where} is ${value === undefined ? 'undefined' : `a ${typeof value}`}`
  if (Array.isArray(value)) {
    for (const [n, inner] of value.entries()) {
      const fault = faultOf(inner, `${path}[${n}]`, depth + 1)
      if (fault !== undefined) return fault
    }
    return undefined
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return `${where} is no plain object`
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return `${where} has the key __proto__`
    const fault = faultOf(inner, path === '' ? key : `${path}.${key}`, depth + 1)
    if (fault !== undefined) return fault
  }
  return undefined
}

export function isSameJson(a: Json | undefined, b: Json | undefined): boolean {
  return canonical(a) === canonical(b)
}
