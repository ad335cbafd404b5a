/** The claims of a token that this page uses. The server alone can tell whether they are true. */
export interface TokenClaims {
  readonly sub: string | undefined
  readonly workspaces: readonly string[]
  readonly isReader: boolean
  /** Times in ms since epoch. */
  readonly issuedAtMs: number | undefined
  readonly endsAtMs: number | undefined
}

/** Longest token that a server takes, characters. */
const TOKEN_CHARS_MAX = 8_192
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** Whether a text from outside has the form of a token. */
export const isToken = (text: unknown): text is string =>
  typeof text === 'string' && text.length <= TOKEN_CHARS_MAX && TOKEN.test(text)

export function claimsOf(token: string): TokenClaims {
  const { sub, workspaces, access, iat, exp } = payloadOf(token)
  const timeOf = (seconds: unknown): number | undefined => (typeof seconds === 'number' ? seconds * 1_000 : undefined)
  return {
    sub: typeof sub === 'string' && sub !== '' ? sub : undefined,
    workspaces: Array.isArray(workspaces) ? workspaces.filter((name) => typeof name === 'string') : [],
    isReader: access === 'read',
    issuedAtMs: timeOf(iat),
    endsAtMs: timeOf(exp),
  }
}

function payloadOf(token: string): Record<string, unknown> {
  try {
    const bytes = atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))
    const text = new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)))
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** A token found in an address, and the address without it. */
export interface FoundToken {
  readonly token: string
  /** Path, query and fragment that stay. */
  readonly rest: string
}

/** Finds `token` in the fragment of an address, or in its query, where older links have it. */
export function tokenIn(address: string): FoundToken | undefined {
  const url = new URL(address)
  const fragment = new URLSearchParams(url.hash.slice(1))
  const [ofFragment, ofQuery] = [fragment.get('token'), url.searchParams.get('token')]
  const token = ofFragment ?? ofQuery
  if (token === null) return undefined
  fragment.delete('token')
  url.searchParams.delete('token')
  if (ofFragment !== null) url.hash = fragment.toString()
  return { token, rest: url.pathname + url.search + url.hash }
}
