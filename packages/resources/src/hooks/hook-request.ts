import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '@joinery/blocks'

/** Bounds of the requests of services, each with its unit. */
export const HOOK_LIMITS = {
  bodyBytesMax: 256 * 1024,
  /** Requests a second of one endpoint, before any signature is computed. */
  perSecond: 200,
  burst: 400,
  /** Time for the body of a request. */
  bodyMs: 10_000,
  /** Bytes and time for which a body that is too large is read on, and thrown away, so that its sender reads the answer. */
  restBytesMax: 32 * 1024 * 1024,
  restMs: 2_000,
  /** Time until an event is on the disk; then the sender is told to come again. */
  durableMs: 10_000,
} as const

/**
 * The bytes of a request's body; undefined for more than the bound: the rest of it is still to come then. Rejects when they do not
 * come.
 */
export async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > HOOK_LIMITS.bodyBytesMax) return undefined
  const chunks: Buffer[] = []
  let bytes = 0
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  const take = (chunk: Buffer): void => {
    bytes += chunk.byteLength
    if (bytes > HOOK_LIMITS.bodyBytesMax) resolve(undefined)
    else chunks.push(chunk)
  }
  const timer = setTimeout(() => request.destroy(new Error('the body did not come in time')), HOOK_LIMITS.bodyMs)
  // Not as an iterator: leaving that early would destroy the connection, and the sender would get no answer.
  request.on('data', take)
  request.once('end', () => resolve(Buffer.concat(chunks)))
  request.once('error', reject)
  request.once('close', () => reject(new Error('the body was cut off')))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    request.off('data', take)
  }
}

/** The object that a body is in JSON; undefined for any other body. */
export function jsonObjectOf(body: Buffer): JsonObject | undefined {
  try {
    const read: unknown = JSON.parse(body.toString('utf8'))
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as JsonObject) : undefined
  } catch {
    return undefined
  }
}

/** Answers a service: a word for its log, and nothing that a forger could use. */
export function answer(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent || response.destroyed) return
  const isTaken = status < 300
  const body = JSON.stringify(isTaken ? { [code]: true } : { error: code })
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 413 && { connection: 'close' }),
    ...headers,
  })
  if (status === 413) return endAfterRequest(response, body)
  response.end(body)
}

/**
 * Sends an answer at once, and ends the connection once the request's body is over, or has gone on for long enough: unread bytes would have
 * the kernel reset the connection before the sender reads the answer.
 */
function endAfterRequest(response: ServerResponse, body: string): void {
  const { req: request } = response
  let bytes = 0
  const end = (): void => {
    clearTimeout(timer)
    if (!response.writableEnded) response.end()
  }
  const timer = setTimeout(end, HOOK_LIMITS.restMs)
  response.write(body)
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes > HOOK_LIMITS.restBytesMax) end()
  })
  request.once('end', end)
  request.once('close', end)
}

/** How many requests each endpoint may take: so many a second, and a burst. */
export class HookRate {
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>()

  /** Takes one request; false if there were too many. */
  take(endpoint: string): boolean {
    const nowMs = performance.now()
    const { perSecond, burst } = HOOK_LIMITS
    const bucket = this.#buckets.get(endpoint) ?? { tokens: burst, atMs: nowMs }
    const tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * perSecond)
    this.#buckets.set(endpoint, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: nowMs })
    return tokens >= 1
  }
}
