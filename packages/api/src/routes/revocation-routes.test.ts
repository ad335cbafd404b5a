import { createAuthenticator, Revocations, signToken } from '@joinery/server'
import { describe, expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

const SECRET = 'a secret of at least thirty-two bytes'
const nowSeconds = (): number => Math.floor(Date.now() / 1000)
const tokenOf = (sub: string, more: { iat?: number; operator?: boolean; workspaces?: string[] } = {}) =>
  signToken(SECRET, {
    sub,
    workspaces: ['*'],
    access: 'write',
    sources: ['user_action'],
    exp: nowSeconds() + 600,
    ...more,
  })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function start(expireAfterMs?: number): Promise<ApiFixture> {
  const revocations = new Revocations()
  const authenticate = createAuthenticator({ secret: SECRET }, { revocations })
  return ApiFixture.start({
    revocations,
    limits: { feedConsumersPerActorMax: 3 },
    authenticator: async (credentials) => {
      const identity = await authenticate(credentials)
      const isShort = identity.actor === 'short' && expireAfterMs !== undefined
      return isShort ? { ...identity, expiresAtMs: Date.now() + expireAfterMs } : identity
    },
  })
}

/** Everything that a stream of events brings until it ends. */
async function wholeStream(api: ApiFixture, token: string): Promise<string> {
  const response = await fetch(`${api.server.url}/v1/workspaces/w/events`, { headers: bearer(token) })
  expect(response.status).toBe(200)
  return response.text()
}

describe('a stream of events', () => {
  it('[H34] ends when its token expires, and another stream goes on', async () => {
    await using api = await start(300)
    const long = await tokenOf('long')
    await api.call('PUT', '/blocks/b', { type: 'text' }, bearer(long))
    const other = await fetch(`${api.server.url}/v1/workspaces/w/events`, { headers: bearer(long) })
    expect(await wholeStream(api, await tokenOf('short'))).toMatch(/event: unauthorized\ndata: {"why":"expired"}\n\n$/)
    await api.call('PUT', '/blocks/after', { type: 'text' }, bearer(long))
    let heard = ''
    for await (const bytes of other.body ?? []) {
      heard += Buffer.from(bytes).toString()
      if (heard.includes('event: change')) break
    }
    expect(heard).toContain('after')
  })

  it('[H34] beyond feedConsumersPerActorMax only that actor gets no more', async () => {
    await using api = await start()
    const token = await tokenOf('ada')
    await api.call('PUT', '/blocks/b', { type: 'text' }, bearer(token))
    const open = async (sub: string) => {
      return fetch(`${api.server.url}/v1/workspaces/w/events`, { headers: bearer(await tokenOf(sub)) })
    }
    const streams = [await open('ada'), await open('ada'), await open('ada')]
    const refused = await open('ada')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5'])
    expect((await open('bob')).status).toBe(200)
    await streams[0]?.body?.cancel()
    await expect.poll(async () => (await open('ada')).status).toBe(200)
  })
})

describe('POST /v1/revocations', () => {
  it('[H35] refuses older tokens and ends the streams of their actor, and not those of others', async () => {
    await using api = await start()
    const old = await tokenOf('eve', { iat: nowSeconds() - 60 })
    await api.call('PUT', '/blocks/b', { type: 'text' }, bearer(old))
    const stream = await fetch(`${api.server.url}/v1/workspaces/w/events`, { headers: bearer(old) })
    expect(stream.status).toBe(200)
    const operator = bearer(await tokenOf('root', { operator: true, workspaces: [] }))
    const since = new Date(Date.now() - 30_000).toISOString()
    const revoked = await api.call('POST', '/v1/revocations', { actor: 'eve', since }, operator)
    expect(revoked.body).toEqual({ actor: 'eve', since, ended: 1 })
    expect(await stream.text()).toMatch(/event: unauthorized\ndata: {"why":"revoked"}\n\n$/)
    expect((await api.call('GET', '/blocks/b', undefined, bearer(old))).status).toBe(401)
    expect((await api.call('GET', '/blocks/b', undefined, bearer(await tokenOf('eve')))).status).toBe(200)
    expect((await api.call('GET', '/blocks/b', undefined, bearer(await tokenOf('ada')))).status).toBe(200)
  })

  it('[H35] needs the rights of an operator, and a time that is not to come', async () => {
    await using api = await start()
    const ada = bearer(await tokenOf('ada'))
    const root = bearer(await tokenOf('root', { operator: true }))
    const ask = async (body: unknown, headers = {}) => {
      const answer = await api.call('POST', '/v1/revocations', body, headers)
      return [answer.status, answer.body.error?.code]
    }
    expect(await ask({ actor: 'eve' })).toEqual([401, 'unauthorized'])
    expect(await ask({ actor: 'eve' }, ada)).toEqual([403, 'forbidden'])
    expect(await ask({ actor: '' }, root)).toEqual([422, 'invalid'])
    expect(await ask({ actor: 'eve', since: '2999-01-01T00:00:00Z' }, root)).toEqual([422, 'invalid'])
    expect(await ask({ actor: 'eve' }, root)).toEqual([200, undefined])
  })

  it('[H35] is refused without keys: nobody has a token, and nothing is ended', async () => {
    await using api = await ApiFixture.start()
    await api.call('PUT', '/blocks/b', { type: 'text' }, { 'x-joinery-actor': 'ada' })
    const stream = await fetch(`${api.server.url}/v1/workspaces/w/events`, { headers: { 'x-joinery-actor': 'ada' } })
    const refused = await api.call('POST', '/v1/revocations', { actor: 'ada' })
    expect(refused).toMatchObject({ status: 409, body: { error: { code: 'no_tokens' } } })
    await api.call('PUT', '/blocks/c', { type: 'text' }, { 'x-joinery-actor': 'ada' })
    const events = stream.body?.pipeThrough(new TextDecoderStream()).getReader()
    let seen = ''
    while (!seen.includes('id: 2')) seen += (await events?.read())?.value ?? ''
    await events?.cancel()
  })
})
