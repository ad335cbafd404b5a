export { allowsOrigin, isForeignHost, type Origins } from '@joinery/server'

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
