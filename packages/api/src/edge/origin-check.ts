import { isLoopbackHost, type Origins } from '@joinery/server'

export { allowsOrigin, type Origins } from '@joinery/server'

/**
 * True for a request without an origin that may come from a foreign page all the same (DNS rebinding). Such a page has its
 * own host name resolve to this machine: its browser then takes this server for the page's own, and sends no origin. Checked
 * in development mode only, where everybody on this machine is let in.
 */
export function isRebound(host: string | undefined, localAddress: string | undefined, origins: Origins): boolean {
  if (origins !== 'loopback' || host === undefined) return false
  const isLocal = isLoopbackHost((localAddress ?? '').replace('::ffff:', ''))
  return isLocal && !isLoopbackHost(host.replace(/:\d+$/, ''))
}

/**
 * Headers that a page may set in a request, besides those that browsers always allow. The second row has those that tracing
 * and retrying libraries add to every request: a preflight that leaves one of them out fails the whole request.
 */
const REQUEST_HEADERS = [
  'authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, x-joinery-actor, x-joinery-durability, x-joinery-source',
  'baggage, cache-control, prefer, sentry-trace, traceparent, tracestate, x-joinery-lease, x-request-id, x-requested-with',
].join(', ')
/** Headers that a page may read in an answer, besides those that browsers always allow. */
const RESPONSE_HEADERS = 'accept, accept-encoding, allow, date, etag, retry-after, www-authenticate, x-joinery-lsn'
/** How long a browser may remember the answer to a preflight, s: the most that Firefox accepts. */
const PREFLIGHT_SECONDS = 86_400

export function corsHeaders(requestOrigin: string, isPreflight: boolean): Record<string, string> {
  return {
    'access-control-allow-origin': requestOrigin,
    vary: 'Origin',
    ...(isPreflight
      ? {
          'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
          'access-control-allow-headers': REQUEST_HEADERS,
          'access-control-max-age': String(PREFLIGHT_SECONDS),
        }
      : { 'access-control-expose-headers': RESPONSE_HEADERS }),
  }
}
