import { describe, expect, it } from 'vitest'
import { createAuthenticator, signToken } from './identity.ts'
import { KnownTokens } from './known-tokens.ts'
import { Revocations } from './revocations.ts'

const SECRET = 'a secret of more than thirty-two bytes, for tests only'
const START_MS = Date.UTC(2030, 0, 1)
const CLAIMS = { workspaces: ['*'], access: 'write', sources: ['user_action'] } as const
const claimsOf = (sub: string, seconds = 300) => ({
  ...CLAIMS,
  workspaces: [...CLAIMS.workspaces],
  sources: [...CLAIMS.sources],
  sub,
  iat: START_MS / 1000,
  exp: START_MS / 1000 + seconds,
})
const NO_ONE = { actor: undefined, source: undefined, workspace: undefined }

describe('a token that is known', () => {
  const good = { keys: {}, fromMs: 1_000, untilMs: 2_000 }

  it('[S418] counts for the keys that it was checked with, from then on and until it expires', () => {
    const cases: [keys: object | undefined, nowMs: number, claims: string | undefined][] = [
      [good.keys, 1_000, 'ada'],
      [good.keys, 1_999, 'ada'],
      [good.keys, 2_000, undefined],
      [good.keys, 999, undefined],
      [{}, 1_500, undefined],
      [undefined, 1_500, undefined],
    ]
    for (const [keys, nowMs, claims] of cases) {
      const known = new KnownTokens<string>()
      known.remember('token', 'ada', good)
      expect(known.claimsOf('token', keys, nowMs)).toBe(claims)
    }
  })

  it('[S418] is forgotten when others that were used later need its place', () => {
    const known = new KnownTokens<string>(15)
    const isKnown = (token: string): boolean => known.claimsOf(token, good.keys, 1_500) !== undefined
    for (const token of ['one--', 'two--', 'three']) known.remember(token, token, good)
    expect(isKnown('one--')).toBe(true)
    known.remember('four-', 'four-', good)
    known.remember('four-', 'again', good)
    expect(['one--', 'two--', 'three', 'four-'].filter(isKnown)).toEqual(['one--', 'three', 'four-'])
    known.remember('x'.repeat(16), 'too long to remember', good)
    expect(['one--', 'two--', 'three', 'four-'].filter(isKnown)).toEqual([])
  })
})

describe('an authenticator that has seen a token', () => {
  it('[S418] refuses it once it has expired or was revoked, and still tells whose it was', async () => {
    let nowMs = START_MS
    const revocations = new Revocations()
    const authenticate = createAuthenticator({ secret: SECRET }, { now: () => nowMs, revocations })
    const ask = (token: string) => authenticate({ token, ...NO_ONE })
    const [ada, eve] = [await signToken(SECRET, claimsOf('ada')), await signToken(SECRET, claimsOf('eve'))]
    expect(authenticate.actorOf?.(ada)).toBeUndefined()
    for (let time = 0; time < 2; time++) {
      await expect(ask(ada)).resolves.toMatchObject({ actor: 'ada' })
      await expect(ask(eve)).resolves.toMatchObject({ actor: 'eve' })
    }
    expect(authenticate.actorOf?.(ada)).toBe('ada')
    await revocations.revoke('eve', nowMs + 1_000)
    await expect(ask(eve)).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('revoked') })
    expect(authenticate.actorOf?.(eve)).toBe('eve')
    await expect(ask(ada)).resolves.toMatchObject({ actor: 'ada' })
    nowMs += 305_000
    await expect(ask(ada)).rejects.toMatchObject({ code: 'unauthorized', message: expect.stringContaining('expired') })
  })

  it('[S418] asks of each request what its token allows', async () => {
    const authenticate = createAuthenticator({ secret: SECRET }, { now: () => START_MS })
    const token = await signToken(SECRET, claimsOf('ada'))
    for (let time = 0; time < 2; time++) {
      await expect(authenticate({ token, ...NO_ONE })).resolves.toMatchObject({ source: 'user_action' })
      const other = { ...NO_ONE, source: 'polling_sync' }
      await expect(authenticate({ token, ...other })).rejects.toMatchObject({ code: 'forbidden' })
    }
  })
})
