/** Pages that may connect: those of exact origins, any page, or the pages of this machine. */
export type Origins = readonly string[] | 'any' | 'loopback'

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
export function isLoopbackHost(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  )
}
