/** Name of the workspace in a page's path, `/w/<workspace>`, without slashes at its end; undefined if the path has none. */
export function workspaceOf(pathname: string): string | undefined {
  const match = /^\/w\/([^/].*?)\/*$/.exec(pathname)
  try {
    return match?.[1] === undefined ? undefined : decodeURIComponent(match[1])
  } catch {
    // A malformed percent-escape.
    return undefined
  }
}
