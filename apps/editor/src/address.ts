/** The path below which the server has its pages, such as `/joinery`; empty for none. The server writes it into the page. */
const BASE = globalThis.document?.querySelector<HTMLMetaElement>('meta[name=joinery-base]')?.content ?? ''

/** The path of something of the server, given without a slash at its start: `w/demo`. */
export const pagePath = (path: string): string => `${BASE}/${path}`

/** Address of the server for the SDK. */
export const serverAddress = (): string => location.origin + BASE

/** Name of the workspace in a page's path, `/w/<workspace>`, without slashes at its end; undefined if the path has none. */
export function workspaceOf(pathname: string, base = BASE): string | undefined {
  const match = /^\/w\/([^/].*?)\/*$/.exec(pathname.startsWith(base) ? pathname.slice(base.length) : pathname)
  try {
    return match?.[1] === undefined ? undefined : decodeURIComponent(match[1])
  } catch {
    // A malformed percent-escape.
    return undefined
  }
}
