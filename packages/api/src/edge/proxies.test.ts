import { request } from 'node:http'
import { gzipSync } from 'node:zlib'
import { createAuthenticator, signToken } from '@joinery/server'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

const SECRET = 'a secret of at least thirty-two bytes'

it('[H28] no cache keeps an answer and no proxy transforms it, whatever its status', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const answers = await Promise.all([
    api.call('GET', '/blocks/b'),
    api.call('HEAD', '/blocks/b'),
    api.call('GET', '/blocks/b', undefined, { 'if-none-match': '"1"' }),
    api.call('GET', '/v1/openapi.json'),
    api.call('GET', '/blocks/%E0%A4'),
    api.call('GET', '/blocks/none'),
    api.call('GET', '/nothing'),
    api.call('POST', '/blocks/b', {}),
    api.call('GET', '/blocks/b', undefined, { origin: 'https://evil.example' }),
  ])
  expect(answers.map(({ status, headers }) => [status, headers.get('cache-control')])).toEqual(
    [200, 200, 304, 200, 400, 404, 404, 405, 403].map((status) => [status, 'no-store, no-transform']),
  )
})

it('[H28] a feed tells proxies neither to keep, compress nor buffer it, and begins before the first event', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const stop = new AbortController()
  const headers = { 'accept-encoding': 'gzip' }
  const stream = await fetch(`${api.server.url}/v1/workspaces/w/events`, { headers, signal: stop.signal })
  expect(stream.headers.get('cache-control')).toBe('no-store, no-transform')
  expect(stream.headers.get('x-accel-buffering')).toBe('no')
  expect(stream.headers.get('content-encoding')).toBeNull()
  const first = await stream.body?.getReader().read()
  expect(Buffer.from(first?.value ?? []).toString()).toContain('retry: 1000')
  stop.abort()
})

it('[H29] a page may send the headers of tracing libraries, and read every header that says how to go on', async () => {
  await using api = await ApiFixture.start()
  const origin = 'http://localhost:5173'
  const asked =
    'authorization baggage content-type idempotency-key if-match if-none-match last-event-id prefer sentry-trace traceparent tracestate x-joinery-actor x-joinery-durability x-joinery-lease x-joinery-source x-request-id'
  const preflight = await api.call('OPTIONS', '/blocks/b', undefined, {
    origin,
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': asked.replaceAll(' ', ','),
  })
  const allowed = preflight.headers.get('access-control-allow-headers')?.split(', ')
  expect(allowed).toEqual(expect.arrayContaining(asked.split(' ')))
  const traced = await api.call('OPTIONS', '/blocks/b', undefined, {
    origin,
    'access-control-request-method': 'PATCH',
    'access-control-request-headers': 'B3, x-datadog-trace-id,uber-trace-id',
  })
  const also = traced.headers.get('access-control-allow-headers')?.split(', ')
  expect(also).toEqual(expect.arrayContaining(['authorization', 'b3', 'x-datadog-trace-id', 'uber-trace-id']))
  const refused = await api.call('PUT', '/blocks/b', '{}', { origin, 'content-type': 'text/plain' })
  const exposed = refused.headers.get('access-control-expose-headers')?.split(', ')
  const needed = ['accept', 'accept-encoding', 'allow', 'etag', 'retry-after', 'www-authenticate', 'x-joinery-lsn']
  expect(exposed).toEqual(expect.arrayContaining(needed))
})

it('[H30] a body that is not read is answered with what is', async () => {
  await using api = await ApiFixture.start()
  const url = `${api.server.url}/v1/workspaces/w/blocks/b`
  const packed = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
  for (const [headers, body] of [
    [{ 'content-type': 'text/plain' }, '{"type":"t"}'],
    [packed, new Uint8Array(gzipSync('{"type":"t"}'))],
  ] as const) {
    const answer = await fetch(url, { method: 'PUT', headers, body })
    expect([answer.status, answer.headers.get('accept'), answer.headers.get('accept-encoding')]).toEqual([
      415,
      'application/json, application/merge-patch+json',
      'identity',
    ])
  }
})

it.each(['/v1/workspaces/acme/plan/blocks/b', '/v1/workspaces/w/blocks/a/b', '/v1/workspaces/acme/plan'])(
  '[H30] the answer to %s says how to send a name with a slash',
  async (path) => {
    await using api = await ApiFixture.start()
    const answer = await api.call('GET', path)
    expect([answer.status, answer.body.error.code]).toEqual([404, 'not_found'])
    expect(answer.body.error.message).toContain('%2F')
    expect((await api.call('GET', '/v1/nothing')).body.error.message).not.toContain('%2F')
  },
)

it.each([
  ['application/json', 2 ** 21, 413, false],
  ['text/plain', 12, 415, false],
  ['application/json', 12, 201, true],
])(
  '[H31] a body of %s with %i bytes, sent only after 100 Continue, is answered %i, and asked for: %s',
  async (type, length, status, isAskedFor) => {
    await using api = await ApiFixture.start()
    const headers = { 'content-type': type, 'content-length': length, expect: '100-continue' }
    const sent = request(`${api.server.url}/v1/workspaces/w/blocks/b`, { method: 'PUT', headers })
    let isContinued = false
    sent.on('continue', () => {
      isContinued = true
      sent.end('{"type":"t"}')
    })
    sent.flushHeaders()
    const answered = await new Promise<number | undefined>((resolve, reject) => {
      sent.on('response', (answer) => resolve(answer.resume().statusCode)).on('error', reject)
    })
    sent.destroy()
    expect([answered, isContinued]).toEqual([status, isAskedFor])
  },
)

it.each([undefined, 'not.a.token', 'other'])(
  '[H33] a body with the token %s is answered without a 100 and without being read',
  async (kind) => {
    await using api = await ApiFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
    const claims = { sub: 'ada', workspaces: ['other'], access: 'write' as const, sources: ['user_action'] }
    const token = kind === 'other' ? await signToken(SECRET, { ...claims, exp: Date.now() / 1000 + 600 }) : kind
    for (const path of ['blocks/b', 'transactions', '.%2f/blocks/b']) {
      const headers = {
        'content-type': 'application/json',
        'content-length': 1_000_000,
        expect: '100-continue',
        ...(token && { authorization: `Bearer ${token}` }),
      }
      const sent = request(`${api.server.url}/v1/workspaces/${path.includes('.') ? '' : 'w/'}${path}`, {
        method: path === 'transactions' ? 'POST' : 'PUT',
        headers,
      })
      let isContinued = false
      sent.on('continue', () => {
        isContinued = true
      })
      sent.flushHeaders()
      const answered = await new Promise<number | undefined>((resolve, reject) => {
        sent.on('response', (answer) => resolve(answer.resume().statusCode)).on('error', reject)
      })
      sent.destroy()
      expect([answered, isContinued]).toEqual([path.includes('.') ? 422 : kind === 'other' ? 403 : 401, false])
    }
  },
)
