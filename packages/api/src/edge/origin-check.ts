import { isLoopbackHost, type Origins } from '@joinery/server'

export { allowsOrigin, type Origins } from '@joinery/server'

/**
 * Whether a request that names no origin may come from a foreign page all the same: one whose own name was made to lead to
 * this machine asks its "own" server, which browsers take for no other origin. Only asked where everybody here is let in.
 */
export function isRebound(host: string | undefined, localAddress: string | undefined, origins: Origins): boolean {
  if (origins !== 'loopback' || host === undefined) return false
  const isLocal = isLoopbackHost((localAddress ?? '').replace('::ffff:', ''))
  return isLocal && !isLoopbackHost(host.replace(/:\d+$/, ''))
}

/** Headers of a request that a page may set, and of an answer that it may read, beyond the usual. */
const REQUEST_HEADERS =
  'authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-joinery-actor, x-joinery-durability, x-joinery-source'
const RESPONSE_HEADERS = 'etag, retry-after, x-joinery-lsn'
/** A page's browser asks again after this, s: the most that Firefox takes. */
const PREFLIGHT_SECONDS = 86_400

export function corsHeaders(requestOrigin: string, isPreflight: boolean): Record<string, string> {
  return {
    'access-control-allow-origin': requestOrigin,
    vary: 'Origin',
    ...(isPreflight
      ? {
          'access-control-allow-methods': 'GET, POST, PUT, PATCH, DELETE',
          'access-control-allow-headers': REQUEST_HEADERS,
          'access-control-max-age': String(PREFLIGHT_SECONDS),
        }
      : { 'access-control-expose-headers': RESPONSE_HEADERS }),
  }
}
