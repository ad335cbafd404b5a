import { FAILURE_CLASSES, type FailureClass, type StepFailed } from '@joinery/protocol'
import { WORKER_LIMITS } from './limits.ts'

const CLASSES: ReadonlySet<unknown> = new Set(FAILURE_CLASSES)

/** System errors before anything was sent: the call has surely not happened. */
const NOT_SENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'UND_ERR_CONNECT_TIMEOUT',
])
/** Errors of a socket that broke when the request may have arrived. */
const BROKEN: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_RESPONSE',
])

/** Levels of `cause` that are looked at. */
const CAUSES_MAX = 8

/** The parts that errors of `fetch`, HTTP libraries and applications have in common. */
interface Told {
  readonly class?: unknown
  readonly status?: unknown
  readonly statusCode?: unknown
  readonly retryAfterMs?: unknown
  readonly headers?: unknown
  readonly response?: unknown
  readonly code?: unknown
  readonly name?: unknown
  readonly cause?: unknown
}

/**
 * The failure of an attempt as the server is told it. An error says its `class` itself, or its HTTP status does, or its system
 * code; its causes are asked after it. Anything else is `transient`: it is tried again, a bounded number of times.
 */
export function failureOf(error: unknown): StepFailed {
  const message = messageOf(error).slice(0, WORKER_LIMITS.errorLengthMax)
  let retryAfterMs: number | undefined
  let found: FailureClass | undefined
  let told: unknown = error
  for (let depth = 0; depth < CAUSES_MAX && typeof told === 'object' && told !== null; depth++) {
    retryAfterMs ??= retryAfterOf(told)
    found ??= classOf(told, retryAfterMs !== undefined)
    told = (told as Told).cause
  }
  return { error: message, class: found ?? 'transient', ...(retryAfterMs !== undefined && { retryAfterMs }) }
}

function classOf(told: Told, mustWait: boolean): FailureClass | undefined {
  if (CLASSES.has(told.class)) return told.class as FailureClass
  const status = statusOf(told)
  if (status !== undefined) return classOfStatus(status, mustWait)
  if (NOT_SENT.has(told.code)) return 'transient'
  if (BROKEN.has(told.code) || told.name === 'TimeoutError') return 'unsure'
  return undefined
}

/**
 * - 429, and 503 with `Retry-After`: `throttled`.
 * - 408, 409, 425 and 503: `transient`. The service did not do it, or does it now under the same key.
 * - Other 5xx: `unsure`. The request went out, and a part of it may have happened.
 * - Other 4xx, and 3xx that were not followed: `permanent`.
 */
export function classOfStatus(status: number, mustWait = false): FailureClass {
  if (status === 429 || (status === 503 && mustWait)) return 'throttled'
  if (status === 408 || status === 409 || status === 425 || status === 503) return 'transient'
  return status >= 500 ? 'unsure' : 'permanent'
}

function statusOf(told: Told): number | undefined {
  const response = told.response as Told | undefined
  const given = [told.status, told.statusCode, response?.status, response?.statusCode]
  return given.find(
    (status): status is number => Number.isInteger(status) && Number(status) >= 300 && Number(status) < 600,
  )
}

function retryAfterOf(told: Told): number | undefined {
  if (typeof told.retryAfterMs === 'number' && told.retryAfterMs >= 0) return told.retryAfterMs
  const response = told.response as Told | undefined
  for (const headers of [told.headers, response?.headers]) {
    const value =
      headers instanceof Headers
        ? headers.get('retry-after')
        : (headers as Record<string, unknown> | undefined)?.['retry-after']
    if (typeof value === 'string') return parseRetryAfter(value, Date.now())
  }
  return undefined
}

/** The wait that a `Retry-After` header asks for, ms: seconds, or a date. Undefined if it is neither. */
export function parseRetryAfter(value: string, nowMs: number): number | undefined {
  if (/^\d{1,9}$/.test(value.trim())) return Number(value) * 1_000
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : `threw ${describe(error)}`
  const { cause } = error
  // The message of `fetch` itself is only "fetch failed".
  const why =
    cause instanceof Error && cause.message !== '' && !error.message.includes(cause.message) ? `: ${cause.message}` : ''
  return `${error.message === '' ? error.name : error.message}${why}`
}

function describe(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value)
  } catch {
    return typeof value
  }
}
