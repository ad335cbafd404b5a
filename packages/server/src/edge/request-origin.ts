/** Pages that may connect: those of exact origins, any page, or the pages of this machine. */
export type Origins = readonly string[] | 'any' | 'loopback'

/**
 * Tells whether a page of this origin may connect. Browsers send a page's origin; other clients send none. In development
 * mode everybody on the machine is let in without a token, and a foreign page in their browser must not be.
 */
export function allowsOrigin(requestOrigin: string | undefined, origins: Origins): boolean {
  if (requestOrigin === undefined || origins === 'any') return true
  if (origins !== 'loopback') return origins.includes(requestOrigin)
  return URL.canParse(requestOrigin) && isLoopbackHost(new URL(requestOrigin).hostname)
}

/** True for the names and addresses of this machine. */
export function isLoopbackHost(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    host === '[::1]' ||
    /^127(\.\d{1,3}){3}$/.test(host)
  )
}
