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

/** Names of request headers, joined by commas. */
const HEADER_NAMES = /^[\w-]{1,64}(?:[ \t]*,[ \t]*[\w-]{1,64}){0,99}$/

/**
 * The headers that let the pages of an allowed origin call. `asked` are the headers that a preflight asks for: a page may send any.
 * Tracing libraries add names that nobody can list, and a header that the server does not know changes nothing.
 */
export function corsHeaders(requestOrigin: string, asked?: string): Record<string, string> {
  return {
    'access-control-allow-origin': requestOrigin,
    vary: asked === undefined ? 'Origin' : 'Origin, Access-Control-Request-Headers',
    ...(asked !== undefined
      ? {
          'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
          'access-control-allow-headers': allowedHeaders(asked),
          'access-control-max-age': String(PREFLIGHT_SECONDS),
        }
      : { 'access-control-expose-headers': RESPONSE_HEADERS }),
  }
}

function allowedHeaders(asked: string): string {
  if (!HEADER_NAMES.test(asked)) return REQUEST_HEADERS
  const names = asked.split(',').map((name) => name.trim().toLowerCase())
  return [...new Set([...REQUEST_HEADERS.split(', '), ...names])].join(', ')
}
