/** The workspace that an address names, `/w/<workspace>`; undefined when it names none. */
export function workspaceOf(pathname: string): string | undefined {
  const match = /^\/w\/(.+)$/.exec(pathname)
  try {
    return match?.[1] === undefined ? undefined : decodeURIComponent(match[1])
  } catch {
    // A malformed escape is no name.
    return undefined
  }
}
