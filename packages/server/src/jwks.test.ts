import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type Authenticator, createAuthenticator } from './identity.ts'
import type { JwksLimits } from './jwks.ts'

interface Pair {
  readonly jwk: JWK
  readonly token: string
}
let old: Pair
let fresh: Pair
let issuer: Server | undefined
let requests = 0

beforeAll(async () => {
  const claims = { sub: 'ada', workspaces: ['*'], access: 'write', sources: ['user_action'] }
  const [first, second] = await Promise.all(
    ['old', 'fresh'].map(async (kid) => {
      const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
      const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256' }
      const signed = new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid }).setAudience('joinery')
      return { jwk, token: await signed.setExpirationTime('10h').sign(privateKey) }
    }),
  )
  old = first as Pair
  fresh = second as Pair
})
afterEach(() => {
  vi.useRealTimers()
  issuer?.closeAllConnections()
  issuer?.close()
})

/** An authenticator whose JWKS a key server answers. */
async function authenticatorOf(answer: RequestListener, limits: Partial<JwksLimits> = {}): Promise<Authenticator> {
  requests = 0
  issuer = createServer((request, response) => {
    requests++
    answer(request, response)
  })
  const listening = issuer
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  const jwks = `http://127.0.0.1:${(listening.address() as AddressInfo).port}/jwks`
  return createAuthenticator({ jwks }, { jwks: limits })
}
const ask = (authenticate: Authenticator, token: string) =>
  authenticate({ token, actor: undefined, source: undefined, workspace: undefined })
/** The actor, or the code of the refusal. */
const outcome = (authenticate: Authenticator, token: string) =>
  ask(authenticate, token).then(
    ({ actor }) => actor,
    ({ code }: { code: string }) => code,
  )
const unavailable = { code: 'keys_unavailable' }

it.each<[string, RequestListener]>([
  ['status 500', (_request, response) => void response.writeHead(500).end()],
  ['a redirection to it', ({ url }, response) => void (url === '/there' ? answerOld(response) : redirect(response))],
  ['no JSON', (_request, response) => void response.end('{"keys":[')],
  ['JSON that is no JWKS', (_request, response) => void response.end('{"keys":{"__proto__":[]}}')],
  ['an end before its length', (_request, response) => void response.writeHead(200, { 'content-length': 9 }).destroy()],
  [
    'a few kilobytes that unpack to 64 MiB',
    (_request, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.end(gzipSync(Buffer.alloc(64 * 1024 * 1024, 32)))
    },
  ],
])('[S66] a key server that answers with %s is asked once, however many tokens come', async (_what, answer) => {
  const authenticate = await authenticatorOf(answer, { jwksRetryMs: 600_000 })
  for (let attempt = 0; attempt < 3; attempt++) {
    await expect(ask(authenticate, old.token)).rejects.toMatchObject(unavailable)
    await Promise.all([1, 2].map(() => expect(ask(authenticate, fresh.token)).rejects.toMatchObject(unavailable)))
  }
  expect(requests).toBe(1)
})

function redirect(response: Parameters<RequestListener>[1]): void {
  response.writeHead(302, { location: '/there' }).end()
}
function answerOld(response: Parameters<RequestListener>[1]): void {
  response.end(JSON.stringify({ keys: [old.jwk] }))
}

it('[S66] nobody is told that their token is bad when the key server fails', async () => {
  let fails = true
  const authenticate = await authenticatorOf(
    (_request, response) => void (fails ? response.writeHead(500).end() : answerOld(response)),
    { jwksRetryMs: 1 },
  )
  const cause = expect.any(Error)
  await expect(ask(authenticate, old.token)).rejects.toMatchObject({ ...unavailable, cause })
  fails = false
  await expect.poll(() => outcome(authenticate, old.token)).toBe('ada')
})

it('[S66] a token that names an unknown key does no harm to those with known keys while the key server fails', async () => {
  let fails = false
  const authenticate = await authenticatorOf(
    (_request, response) => void (fails ? response.writeHead(503).end() : answerOld(response)),
    { jwksCooldownMs: 0, jwksRetryMs: 0 },
  )
  await ask(authenticate, old.token)
  fails = true
  await expect(ask(authenticate, fresh.token)).rejects.toMatchObject(unavailable)
  await expect(ask(authenticate, old.token)).resolves.toMatchObject({ actor: 'ada' })
})

it('[S138] a new key is found although the clock was set back an hour after the last read', async () => {
  let keys = [old.jwk]
  const authenticate = await authenticatorOf((_request, response) => void response.end(JSON.stringify({ keys })), {
    jwksCooldownMs: 1,
  })
  await ask(authenticate, old.token)
  keys = [old.jwk, fresh.jwk]
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 })
  await expect.poll(() => outcome(authenticate, fresh.token)).toBe('ada')
  expect(requests).toBeGreaterThan(1)
})

it('[S66] a key that was taken out of the JWKS is refused once the JWKS is too old', async () => {
  let keys = [old.jwk, fresh.jwk]
  const authenticate = await authenticatorOf((_request, response) => void response.end(JSON.stringify({ keys })), {
    jwksAgeMs: 1,
    jwksCooldownMs: 0,
  })
  await ask(authenticate, old.token)
  keys = [fresh.jwk]
  await expect.poll(() => outcome(authenticate, old.token)).toBe('unauthorized')
})

it('[S418] a token that is known is refused as soon as a JWKS was read that lacks its key', async () => {
  let keys = [old.jwk]
  const authenticate = await authenticatorOf((_request, response) => void response.end(JSON.stringify({ keys })), {
    jwksCooldownMs: 0,
  })
  for (let time = 0; time < 3; time++) expect(await outcome(authenticate, old.token)).toBe('ada')
  expect(authenticate.actorOf?.(old.token)).toBe('ada')
  keys = [fresh.jwk]
  expect(await outcome(authenticate, fresh.token)).toBe('ada')
  expect(await outcome(authenticate, old.token)).toBe('unauthorized')
})
