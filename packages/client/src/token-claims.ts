/** How long after its `nbf` a token may still be refused for its time, ms: the clocks of issuer, server and client differ. */
const CLOCKS_DIFFER_MS = 60_000

/** Whether a refused token may pass later: it is a JWT whose `nbf` is in the future, or has just passed. */
export function mayBecomeValid(token: string, nowMs: number): boolean {
  const { nbf } = claimsOf(token)
  return typeof nbf === 'number' && nbf * 1_000 + CLOCKS_DIFFER_MS > nowMs
}

/** Whom a token names, to choose a local copy by: only the server can tell whether it is true. */
export function subjectOf(token: unknown): string | undefined {
  const { sub } = typeof token === 'string' ? claimsOf(token) : {}
  return typeof sub === 'string' ? sub : undefined
}

/** The claims of a JWT, unverified; none of a text that is no JWT. */
function claimsOf(token: string): { readonly nbf?: unknown; readonly sub?: unknown } {
  try {
    return JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))) ?? {}
  } catch {
    return {}
  }
}
