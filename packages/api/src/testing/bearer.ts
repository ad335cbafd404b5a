import { signToken, type TokenClaims } from '@joinery/server'

/** The secret of the servers in tests. */
export const SECRET = 'a secret of at least thirty-two bytes'

/** The headers of an actor's requests: the token may write everywhere, unless `changes` say otherwise. */
export async function bearer(sub: string, changes: Partial<TokenClaims> = {}): Promise<Record<string, string>> {
  const exp = Math.floor(Date.now() / 1000) + 600
  const token = await signToken(SECRET, {
    sub,
    workspaces: ['*'],
    access: 'write',
    sources: ['user_action'],
    exp,
    ...changes,
  })
  return { authorization: `Bearer ${token}` }
}
