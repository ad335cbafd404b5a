import type { IncomingHttpHeaders } from 'node:http'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i

/**
 * Whether a request comes from a page of this server, or from a program. Pages of other sites must not start processes
 * here. Nor may a page under a foreign name that resolves to this machine (DNS rebinding), hence the check of Host itself.
 */
export function isSameOrigin({ host = '', origin, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (!LOOPBACK.test(host)) return false
  if (origin !== undefined && origin !== `http://${host}`) return false
  return site === undefined || site === 'same-origin' || site === 'none'
}
