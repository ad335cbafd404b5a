/** Pages that may connect: those of exact origins, any page, or the pages of this machine. */
export type Origins = readonly string[] | 'any' | 'loopback'

/** Scheme and host of an origin that URLs don't define, such as those of Tauri, Capacitor and Electron. */
const APP_ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*]+$/

/**
 * Whether a text can be the origin of a page, as browsers and app shells send it. Others would never match: a wildcard, a
 * path, the usual port. `null` is no origin either: every sandboxed page sends it.
 */
export function isOrigin(text: string): boolean {
  if (!APP_ORIGIN.test(text) || !URL.canParse(text)) return false
  const { origin } = new URL(text)
  return origin === text || (origin === 'null' && !text.startsWith('file:'))
}

/** Throws for an entry that no page sends as its origin. */
export function assertOrigins(origins: readonly string[]): void {
  const wrong = origins.find((origin) => !isOrigin(origin))
  if (wrong === undefined) return
  throw new TypeError(
    `"${wrong}" in "origins" matches no page: name exact origins (scheme://host, without path, usual port or wildcard)`,
  )
}

/**
 * Whether a page of this origin may connect. Browsers send the origin of a page; other clients send none. In
 * development mode everybody on the machine may connect without a token, but a foreign page in somebody's browser must
 * not.
 */
export function allowsOrigin(requestOrigin: string | undefined, origins: Origins): boolean {
  if (requestOrigin === undefined || origins === 'any') return true
  if (origins !== 'loopback') return origins.includes(requestOrigin)
  return URL.canParse(requestOrigin) && isLoopbackHost(new URL(requestOrigin).hostname)
}

/** Whether a host is a name or an address of this machine. */
export function isLoopbackHost(name: string): boolean {
  const host = name.toLowerCase()
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  )
}

/**
 * Whether a request in development mode names a host that it may not. A foreign page can have its own host name lead to this
 * machine (DNS rebinding): its browser then takes this server for the page's own, and sends no origin. So a request that
 * arrives over loopback has to name this machine, or the host of an origin in `origins`, as a proxy on this machine does.
 */
export function isForeignHost(
  host: string | undefined,
  localAddress: string | undefined,
  origins: readonly string[],
): boolean {
  if (host === undefined || !isLoopbackHost((localAddress ?? '').replace('::ffff:', ''))) return false
  const name = host.replace(/:\d+$/, '').toLowerCase()
  return !isLoopbackHost(name) && !origins.some((origin) => hostOf(origin) === name)
}

function hostOf(origin: string): string {
  return /^[^:]+:\/\/(.*?)(?::\d+)?$/.exec(origin)?.[1]?.toLowerCase() ?? ''
}
