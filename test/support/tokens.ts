import { SignJWT, UnsecuredJWT } from 'jose'

/** The secret of servers under test: 32 bytes and more. */
export const SECRET = 'a secret for tests only, long enough for HS256'

export interface TestClaims {
  readonly sub?: string
  readonly workspaces?: readonly string[]
  readonly access?: 'read' | 'write'
  readonly sources?: readonly string[]
  readonly aud?: string
  /** Seconds from now; negative for one that is over. */
  readonly expiresIn?: number
  /** Seconds from now before which it is not valid; none by default. */
  readonly notBeforeIn?: number
}

function payload(claims: TestClaims) {
  const { sub = 'ada', workspaces = ['*'], access = 'write', sources = ['user_action'] } = claims
  return { sub, workspaces: [...workspaces], access, sources: [...sources] }
}

const expiry = ({ expiresIn = 3_600 }: TestClaims) => Math.floor(Date.now() / 1000) + expiresIn

/** A token as the server's operator makes it, unless the claims say otherwise. */
export function makeToken(claims: TestClaims = {}, secret = SECRET): Promise<string> {
  const token = new SignJWT(payload(claims))
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setAudience(claims.aud ?? 'joinery')
    .setExpirationTime(expiry(claims))
  const { notBeforeIn } = claims
  if (notBeforeIn !== undefined) token.setNotBefore(Math.floor(Date.now() / 1000) + notBeforeIn)
  return token.sign(new TextEncoder().encode(secret))
}

/** A token whose header says that it has no signature. */
export function makeUnsignedToken(claims: TestClaims = {}): string {
  return new UnsecuredJWT(payload(claims)).setAudience('joinery').setExpirationTime(expiry(claims)).encode()
}
