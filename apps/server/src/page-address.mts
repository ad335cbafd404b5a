import type { IncomingMessage } from 'node:http'
import type { PageConfig } from './page-setting.mts'

/** A path that a proxy may name as its own: nothing in it has a meaning in HTML. */
const PREFIX = /^(\/[\w.-]*\w[\w.-]*)+$/

/** The path below which a page's links lead: the configured one, or the one that a proxy names in `X-Forwarded-Prefix`. */
export function baseOf({ headers }: IncomingMessage, { base }: PageConfig): string {
  const named = headers['x-forwarded-prefix']
  if (base !== '' || typeof named !== 'string') return base
  const path = named.replace(/\/+$/, '')
  return PREFIX.test(path) ? path : ''
}
