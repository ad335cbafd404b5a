import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseWorkspaceName, type WorkspaceId } from '@joinery/protocol'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type Authenticator,
  type Credentials,
  createAuthenticator,
  developmentAuthenticator,
  IdentityError,
  type IdentityErrorCode,
  signToken,
  type TokenClaims,
} from './identity.ts'
import type { JwksLimits } from './jwks.ts'

const SECRET = 'a secret of more than thirty-two bytes, for tests only'
const NOW_MS = Date.UTC(2030, 0, 1)
const NOW = NOW_MS / 1000
const now = () => NOW_MS

const good: TokenClaims = {
  sub: 'ada',
  workspaces: ['acme/*', 'notes'],
  access: 'write',
  sources: ['polling_sync', 'user_action'],
  exp: NOW + 300,
}

function workspace(name: string): WorkspaceId {
  const id = parseWorkspaceName(name)
  if (id === undefined) throw new Error(`${name} is no workspace name`)
  return id
}

function credentials(token: string | undefined, over: Partial<Credentials> = {}): Credentials {
  return { token, actor: undefined, source: undefined, workspace: workspace('notes'), ...over }
}

/** Signs any claims, also broken ones, which signToken would refuse. */
function sign(payload: JWTPayload, key: CryptoKey | Uint8Array = utf8(SECRET), header = { alg: 'HS256' }) {
  return new SignJWT(payload).setProtectedHeader(header).sign(key)
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function base64Json(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

async function refusal(answer: Promise<unknown> | (() => unknown)): Promise<IdentityError> {
  try {
    await (typeof answer === 'function' ? answer() : answer)
  } catch (error) {
    expect(error).toBeInstanceOf(IdentityError)
    return error as IdentityError
  }
  throw new Error('nothing was refused')
}

const payload = (over: Record<string, unknown> = {}): JWTPayload => ({ ...good, aud: 'joinery', ...over })
const authenticate = createAuthenticator({ secret: SECRET }, { now })

describe('a token signed with the secret', () => {
  it('[S60] the authenticator knows who it is when the token is good', async () => {
    const identity = await authenticate(credentials(await signToken(SECRET, good)))
    expect(identity).toMatchObject({ actor: 'ada', access: 'write', isAuthenticated: true, sources: good.sources })
    expect(identity.expiresAtMs).toBe((good.exp + 5) * 1000)
  })

  it('[S60] the authenticator ignores the actor a client names when it has a token', async () => {
    const identity = await authenticate(credentials(await signToken(SECRET, good), { actor: 'eve' }))
    expect(identity.actor).toBe('ada')
  })

  it.each([
    ['expired within the leeway', { exp: NOW - 4 }],
    ['valid from a time within the leeway', { nbf: NOW + 5 }],
    ['for several audiences', { aud: ['other', 'joinery'] }],
    ['with claims of others', { iss: 'https://issuer.example', iat: NOW, role: 'x' }],
  ])('[S60] the authenticator takes a token when it is %s', async (_, over) => {
    await expect(authenticate(credentials(await sign(payload(over))))).resolves.toMatchObject({ actor: 'ada' })
  })

  const { exp: _exp, ...withoutExp } = payload()
  const { aud: _aud, ...withoutAud } = payload()
  const faults: [string, () => string | Promise<string> | undefined, RegExp][] = [
    ['is missing', () => undefined, /no token/],
    ['is empty', () => '', /no token/],
    ['is not a JWT', () => 'let me in', /malformed/],
    ['has two parts', () => 'e30.e30', /malformed/],
    ['has a header that is not JSON', () => '!!!.e30.AAAA', /malformed/],
    ['is over 8,192 characters', () => 'x'.repeat(8193), /at most 8192/],
    ['has expired', () => sign(payload({ exp: NOW - 5 })), /expired/],
    ['never expires', () => sign(withoutExp), /exp/],
    ['expires at a text', () => sign(payload({ exp: 'tomorrow' as never })), /exp/],
    ['expires at milliseconds', () => sign(payload({ exp: 1e15 })), /exp.*seconds/],
    ['is not valid yet', () => sign(payload({ nbf: NOW + 6 })), /not valid yet/],
    ['is for somebody else', () => sign(payload({ aud: 'other' })), /aud/],
    ['is for nobody', () => sign(withoutAud), /aud/],
    ['was signed with another secret', () => sign(payload(), utf8('x'.repeat(40))), /another key/],
    [
      'was changed after signing',
      async () => {
        const [head, , signature] = (await sign(payload())).split('.')
        return `${head}.${base64Json(payload({ sub: 'root' }))}.${signature}`
      },
      /another key/,
    ],
  ]
  it.each(faults)('[S60] the authenticator refuses a token when it %s', async (_, make, message) => {
    const token = await make()
    const error = await refusal(authenticate(credentials(token)))
    expect(error.code).toBe('unauthorized')
    expect(error.message).toMatch(message)
    for (const part of token?.split('.') ?? []) if (part.length > 3) expect(error.message).not.toContain(part)
    expect(error.cause).toBeUndefined()
  })

  it.each(['none', 'None', 'HS384', 'HS512', 'RS256'])(
    '[S61] the authenticator refuses alg %s when it has a secret',
    async (alg) => {
      const token = `${base64Json({ alg })}.${base64Json(payload())}.`
      const error = await refusal(authenticate(credentials(token)))
      expect(error.code).toBe('unauthorized')
      expect(error.message).toMatch(/signed in a way/)
    },
  )

  it.each([
    ['has no sub', { sub: undefined }, /sub/],
    ['has an empty sub', { sub: '' }, /sub/],
    ['has a sub of 129 characters', { sub: 'a'.repeat(129) }, /sub/],
    ['has a line break in its sub', { sub: 'a\nb' }, /sub/],
    ['has a NUL in its sub', { sub: 'a\0b' }, /sub/],
    ['has a line separator in its sub', { sub: 'a\u2028b' }, /sub/],
    ['has a number as sub', { sub: 7 as never }, /sub/],
    ['has no workspaces', { workspaces: undefined }, /workspaces/],
    ['has one text as workspaces', { workspaces: 'notes' }, /workspaces/],
    ['names a workspace that can not be', { workspaces: ['../notes'] }, /workspaces\.0/],
    ['has a star amid a prefix', { workspaces: ['a*b*'] }, /workspaces\.0/],
    ['has no access', { access: undefined }, /access/],
    ['has an access that is neither', { access: 'admin' }, /access/],
    ['has no sources', { sources: undefined }, /sources/],
    ['has an empty list of sources', { sources: [] }, /sources/],
    ['has a source in capitals', { sources: ['USER'] }, /sources\.0/],
    ['has a source of 65 letters', { sources: ['a'.repeat(65)] }, /sources\.0/],
  ])('[S62] the authenticator refuses a token when it %s', async (_, over, message) => {
    const error = await refusal(authenticate(credentials(await sign(payload(over)))))
    expect(error.code).toBe('unauthorized')
    expect(error.message).toMatch(message)
  })

  it('[S323] the identity has the sagas of `work`, none without it, and a list that breaks its rule is refused', async () => {
    const work = ['instantiate-template', '*']
    expect((await authenticate(credentials(await signToken(SECRET, { ...good, work })))).work).toEqual(work)
    expect((await authenticate(credentials(await signToken(SECRET, good)))).work).toBeUndefined()
    for (const wrong of ['*', [''], ['a'.repeat(129)], [7]]) {
      const error = await refusal(authenticate(credentials(await sign(payload({ work: wrong as never })))))
      expect([error.code, error.message]).toEqual(['unauthorized', expect.stringContaining('work')])
    }
  })

  it.each([
    ['notes', true],
    ['acme/plan', true],
    ['acme/a/b/c', true],
    ['acme', false],
    ['acme-two/plan', false],
    ['notes2', false],
    ['Notes', false],
  ])('[S63] a token for acme/* and notes opens %s: %s', async (name, isOpen) => {
    const token = await signToken(SECRET, good)
    const answer = authenticate(credentials(token, { workspace: workspace(name) }))
    if (isOpen) expect((await answer).allows(workspace(name))).toBe(true)
    else expect((await refusal(answer)).code).toBe('forbidden')
    const identity = await authenticate(credentials(token))
    expect(identity.allows(workspace(name))).toBe(isOpen)
  })

  it('[S63] a token for * opens every workspace, one for none opens none', async () => {
    const all = await signToken(SECRET, { ...good, workspaces: ['*'] })
    await expect(authenticate(credentials(all, { workspace: workspace('a/b') }))).resolves.toBeDefined()
    const none = await signToken(SECRET, { ...good, workspaces: [] })
    expect((await refusal(authenticate(credentials(none)))).code).toBe('forbidden')
  })

  it.each([
    ['the one asked for', ['user_action', 'polling_sync'], 'polling_sync', 'polling_sync'],
    ['user_action when none is asked for', ['polling_sync', 'user_action'], undefined, 'user_action'],
    ['its first when user_action is not among them', ['polling_sync', 'instantiation'], undefined, 'polling_sync'],
  ])('[S64] a connection speaks for %s', async (_, sources, source, expected) => {
    const identity = await authenticate(credentials(await signToken(SECRET, { ...good, sources }), { source }))
    expect(identity.source).toBe(expected)
  })

  it.each(['user_action', '', 'polling_sync,user_action'])(
    '[S64] a connection that asks for %j is refused when its token does not allow it',
    async (source) => {
      const token = await signToken(SECRET, { ...good, sources: ['polling_sync'] })
      const error = await refusal(authenticate(credentials(token, { source })))
      expect(error.code).toBe('forbidden')
      expect(error.message).toContain('polling_sync')
    },
  )
})

describe('keys at start', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'joinery-identity-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  const pem = '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----'
  it.each([
    ['of 31 bytes', 'x'.repeat(31), /31 bytes.*at least 32/],
    ['that is a PEM key', pem, /PEM.*JWKS/],
  ])('[S65] a secret %s is refused when the server starts or a token is signed', async (_, secret, message) => {
    for (const error of [
      await refusal(() => createAuthenticator({ secret })),
      await refusal(signToken(secret, good)),
    ]) {
      expect(error.code).toBe('misconfigured')
      expect(error.message).toMatch(message)
    }
  })

  it('[S65] a secret of 32 bytes is taken, counted in UTF-8', () => {
    expect(() => createAuthenticator({ secret: 'é'.repeat(16) })).not.toThrow()
  })

  it.each([
    ['is missing', undefined, /ENOENT/],
    ['is not JSON', 'keys', /not JSON/],
    ['is not a key set', '{"kid":1}', /malformed/],
    ['is empty', '{"keys":[]}', /no key/],
    ['holds a shared secret', '{"keys":[{"kty":"oct","k":"AAAA"}]}', /public keys only/],
    ['holds a private key', '{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}]}', /public keys only/],
  ])('[S65] a JWKS file is refused at start when it %s', async (_, text, message) => {
    const jwks = join(directory, 'bad.json')
    if (text === undefined) await rm(jwks, { force: true })
    else await writeFile(jwks, text)
    const error = await refusal(() => createAuthenticator({ jwks }))
    expect(error.code).toBe('misconfigured')
    expect(error.message).toMatch(message)
  })

  it.each(['http://user:pass@127.0.0.1/keys', 'https://'])('[S65] a JWKS at %s is refused at start', async (jwks) => {
    const error = await refusal(() => createAuthenticator({ jwks }))
    expect(error.code).toBe('misconfigured')
    expect(error.message).not.toContain('pass@')
  })

  it.each([
    ['a bad workspace', { workspaces: ['..'] }],
    ['no source', { sources: [] }],
    ['an expiry that is no number', { exp: Number.NaN }],
  ])('[S65] signToken refuses claims with %s', async (_, over) => {
    expect((await refusal(signToken(SECRET, { ...good, ...over }))).code).toBe('misconfigured')
  })
})

describe('a token signed with a key of the JWKS', () => {
  let directory: string
  let file: string
  let server: Server
  let url: string
  /** The present answer of the key server. */
  let published: { status: number; keys: JWK[] }
  let requests = 0
  const pairs = new Map<string, { publicKey: CryptoKey; privateKey: CryptoKey; jwk: JWK }>()

  beforeAll(async () => {
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA', 'RS512']) {
      const pair = await generateKeyPair(alg, { extractable: true })
      pairs.set(alg, { ...pair, jwk: { ...(await exportJWK(pair.publicKey)), kid: alg, alg, use: 'sig' } })
    }
    directory = await mkdtemp(join(tmpdir(), 'joinery-jwks-'))
    file = join(directory, 'jwks.json')
    server = createServer((_request, response) => {
      requests++
      response.statusCode = published.status
      response.end(JSON.stringify({ keys: published.keys }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  })
  afterEach(() => {
    requests = 0
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    await rm(directory, { recursive: true })
  })

  function pair(alg: string) {
    const found = pairs.get(alg)
    if (found === undefined) throw new Error(`no key pair for ${alg}`)
    return found
  }
  function signWith(alg: string, header: Record<string, unknown> = { kid: alg }): Promise<string> {
    return sign(payload(), pair(alg).privateKey, { alg, ...header })
  }
  async function publish(where: 'file' | 'url', algs: string[], status = 200): Promise<void> {
    const keys = algs.map((alg) => pair(alg).jwk)
    published = { status, keys }
    if (where === 'file') await writeFile(file, JSON.stringify({ keys }))
  }
  function authenticator(where: 'file' | 'url', limits: Partial<JwksLimits> = {}): Authenticator {
    return createAuthenticator({ jwks: where === 'file' ? file : url }, { now, jwks: limits })
  }
  async function codeOf(answer: Promise<unknown>): Promise<IdentityErrorCode> {
    return (await refusal(answer)).code
  }

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('[S61] the authenticator takes %s when it has a JWKS', async (alg) => {
    await publish('file', ['RS256', 'PS256', 'ES256', 'EdDSA'])
    await expect(authenticator('file')(credentials(await signWith(alg)))).resolves.toMatchObject({ actor: 'ada' })
  })

  it('[S61] the authenticator refuses HS256 when the key is the text of a public one', async () => {
    await publish('file', ['RS256'])
    const { publicKey, jwk } = pair('RS256')
    for (const text of [await exportSPKI(publicKey), JSON.stringify(jwk), jwk.n ?? '']) {
      const token = await sign(payload(), utf8(text), { alg: 'HS256', kid: 'RS256' } as { alg: string })
      const error = await refusal(authenticator('file')(credentials(token)))
      expect(error.code).toBe('unauthorized')
      expect(error.message).toMatch(/signed in a way/)
    }
  })

  it('[S61] the authenticator refuses none, an algorithm off its list and a key of another algorithm', async () => {
    await publish('file', ['RS256', 'RS512'])
    const authenticate = authenticator('file')
    const none = `${base64Json({ alg: 'none', kid: 'RS256' })}.${base64Json(payload())}.`
    expect(await codeOf(authenticate(credentials(none)))).toBe('unauthorized')
    expect(await codeOf(authenticate(credentials(await signWith('RS512'))))).toBe('unauthorized')
    expect(await codeOf(authenticate(credentials(await signWith('PS256', { kid: 'RS256' }))))).toBe('unauthorized')
  })

  it.each(['file', 'url'] as const)('[S66] a key that joins the %s opens without a restart', async (where) => {
    await publish(where, ['RS256'])
    const authenticate = authenticator(where, { jwksCooldownMs: 0 })
    await authenticate(credentials(await signWith('RS256')))
    const next = await signWith('ES256')
    expect((await refusal(authenticate(credentials(next)))).message).toMatch(/kid/)
    await publish(where, ['ES256'])
    await expect(authenticate(credentials(next))).resolves.toMatchObject({ actor: 'ada' })
    expect(await codeOf(authenticate(credentials(await signWith('RS256'))))).toBe('unauthorized')
  })

  it('[S66] tokens with unknown keys do not make the key server work when the JWKS was just read', async () => {
    await publish('url', ['RS256'])
    const authenticate = authenticator('url')
    for (let i = 0; i < 5; i++) {
      expect(await codeOf(authenticate(credentials(await signWith('ES256', { kid: `k${i}` }))))).toBe('unauthorized')
    }
    expect(requests).toBe(1)
  })

  it('[S66] a token without kid is taken when one key fits, and refused when several do', async () => {
    await publish('file', ['RS256', 'ES256'])
    const token = await signWith('ES256', {})
    await expect(authenticator('file')(credentials(token))).resolves.toMatchObject({ actor: 'ada' })
    const { jwk } = pair('ES256')
    await writeFile(file, JSON.stringify({ keys: [jwk, { ...jwk, kid: 'twin' }] }))
    expect((await refusal(authenticator('file')(credentials(token)))).message).toMatch(/several/)
  })
})

describe('development mode', () => {
  const authenticate = developmentAuthenticator()

  it('[S67] everybody is anonymous, writes everywhere and speaks for all when keys are not configured', async () => {
    const identity = await authenticate(credentials('whatever'))
    expect(identity).toMatchObject({ actor: 'anonymous', source: 'user_action', access: 'write' })
    expect(identity).toMatchObject({ sources: undefined, isAuthenticated: false, expiresAtMs: undefined })
    expect(identity.allows(workspace('any/where'))).toBe(true)
  })

  it('[S67] a client is who it says it is when keys are not configured', async () => {
    const identity = await authenticate(credentials(undefined, { actor: 'ada', source: 'polling_sync' }))
    expect(identity).toMatchObject({ actor: 'ada', source: 'polling_sync' })
  })

  it.each([[{ actor: 'a\nb' }], [{ actor: '' }], [{ actor: 'a'.repeat(129) }], [{ source: '' }], [{ source: 'User' }]])(
    '[S67] a client is refused when it names %j',
    async (over) => {
      expect((await refusal(authenticate(credentials(undefined, over)))).code).toBe('forbidden')
    },
  )
})
