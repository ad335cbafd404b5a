import type { Json } from '@joinery/protocol'
import { WORKER_LIMITS } from './limits.ts'
import { WorkerError, type WorkerErrorCode } from './worker-error.ts'

export interface JsonRule {
  /** Names the value in the message. */
  readonly what: string
  readonly code: WorkerErrorCode
  readonly bytesMax?: number
}

/**
 * Copies a value as JSON has it. Properties that are undefined are left out, as they read the same. Throws {@link WorkerError} with
 * the rule's code for everything else that JSON would change or drop: `undefined`, numbers that are not finite, bigints,
 * functions, promises, dates and other instances, circles, `__proto__`, more than 100 levels, too many bytes.
 */
export function plainJson(value: unknown, { what, code, bytesMax }: JsonRule): Json {
  const json = copy(value, what, code, new Set())
  const bytes = bytesMax === undefined ? 0 : Buffer.byteLength(JSON.stringify(json))
  if (bytesMax !== undefined && bytes > bytesMax) {
    throw new WorkerError(
      code,
      `${what} has ${bytes} bytes of JSON, and at most ${bytesMax} are kept: store it elsewhere, and give its id`,
    )
  }
  return json
}

function copy(value: unknown, path: string, code: WorkerErrorCode, above: Set<object>): Json {
  const refuse = (fault: string): never => {
    throw new WorkerError(code, `${path} ${fault}`)
  }
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number') {
    return Number.isFinite(value)
      ? value
      : refuse(`is ${value}, which JSON does not have: give a finite number or null`)
  }
  if (value === undefined) return refuse('is undefined: return a value, or null if there is none')
  if (typeof value === 'bigint') return refuse('is a bigint, which JSON does not have: give a number or a string')
  if (typeof value !== 'object') return refuse(`is a ${typeof value}, which JSON does not have`)
  if (typeof (value as { then?: unknown }).then === 'function') return refuse('is a promise: await it first')
  if (above.has(value)) return refuse('refers to itself: JSON has no circles')
  if (above.size >= WORKER_LIMITS.depthMax) return refuse(`is nested in more than ${WORKER_LIMITS.depthMax} levels`)
  above.add(value)
  const json = Array.isArray(value)
    ? Array.from(value, (item, index) => copy(item, `${path}[${index}]`, code, above))
    : copyObject(value, path, code, above)
  above.delete(value)
  return json
}

function copyObject(value: object, path: string, code: WorkerErrorCode, above: Set<object>): Json {
  const prototype: unknown = Object.getPrototypeOf(value)
  // Objects of another realm have another `Object.prototype`, which has no prototype either.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    const name = value.constructor?.name ?? 'instance'
    throw new WorkerError(code, `${path} is a ${name}, which JSON does not have: give its parts as plain values`)
  }
  if (Object.hasOwn(value, '__proto__'))
    throw new WorkerError(code, `${path} has the key "__proto__": choose another key`)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  return Object.fromEntries(entries.map(([key, item]) => [key, copy(item, `${path}.${key}`, code, above)]))
}
