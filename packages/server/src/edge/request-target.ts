import type { IncomingMessage } from 'node:http'

const ABSOLUTE_FORM = /^(?:https?|wss?):\/\/([^/?#]*)(.*)$/i

/**
 * Brings a request's target into the origin form (`/path?query`). Some proxies send the absolute form
 * (`http://host/path`). The host of the target then replaces the header `Host`, as RFC 9112 (3.2.2) asks, so that a check
 * of the host sees the host that the client named.
 */
export function toOriginForm(request: IncomingMessage): void {
  const match = ABSOLUTE_FORM.exec(request.url ?? '')
  if (match === null) return
  const [, authority = '', rest = ''] = match
  request.url = rest.startsWith('/') ? rest : `/${rest}`
  request.headers.host = authority
}
