import { signToken } from '../identity.ts'

/** The secret of servers under test. */
export const SECRET = 'a secret of at least thirty-two bytes'

/** A token for every workspace, which lasts ten minutes. */
export function tokenOf(sub: string, more: { access?: 'read' | 'write'; iat?: number } = {}): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 600
  return signToken(SECRET, { sub, workspaces: ['*'], access: 'write', sources: ['user_action'], exp, ...more })
}
