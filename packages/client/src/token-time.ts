/** How long after its `nbf` a token may still be refused for its time, ms: the clocks of issuer, server and client differ. */
const CLOCKS_DIFFER_MS = 60_000

/** Whether a refused token may pass later: it is a JWT whose `nbf` is in the future, or has just passed. */
export function mayBecomeValid(token: string, nowMs: number): boolean {
  try {
    const { nbf } = JSON.parse(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')))
    return typeof nbf === 'number' && nbf * 1_000 + CLOCKS_DIFFER_MS > nowMs
  } catch {
    // No JWT: nobody can tell.
    return false
  }
}
