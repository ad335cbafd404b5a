import { get, type IncomingMessage } from 'node:http'
import { gzipSync } from 'node:zlib'
import { createAuthenticator, signToken, type TokenClaims } from '@joinery/server'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

const SECRET = 'a secret for tests only, long enough for HS256'
const claims: TokenClaims = {
  sub: 'ada',
  workspaces: ['w', 'acme/*'],
  access: 'write',
  sources: ['user_action', 'workflow_execution'],
  exp: Math.floor(Date.now() / 1000) + 3600,
}
const bearer = async (changes: Partial<TokenClaims> = {}) => ({
  authorization: `Bearer ${await signToken(SECRET, { ...claims, ...changes })}`,
})

it('[H13] a token says who writes, where, and for which source', async () => {
  await using api = await ApiFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
  const ada = await bearer()
  const made = await api.call(
    'PUT',
    '/blocks/b1',
    { type: 'text' },
    { ...ada, 'x-joinery-actor': 'eve', 'x-joinery-source': 'workflow_execution' },
  )
  expect(made.body.updatedBy).toMatchObject({ actor: 'ada', source: 'workflow_execution' })
  const nobody = await api.call('GET', '/blocks/b1')
  expect(nobody.status).toBe(401)
  expect(nobody.headers.get('www-authenticate')).toBe('Bearer')
  expect(nobody.body.error.message).toContain('Authorization')
  expect((await api.call('GET', '/blocks/b1', undefined, { authorization: 'Basic x' })).status).toBe(401)
  expect((await api.call('PUT', '/blocks/b1', {}, { ...ada, 'x-joinery-source': 'polling_sync' })).status).toBe(403)
  expect((await api.call('GET', '/v1/workspaces/other', undefined, ada)).body.error.code).toBe('forbidden')
  const reader = await bearer({ access: 'read' })
  expect((await api.call('GET', '/blocks/b1', undefined, reader)).status).toBe(200)
  expect((await api.call('PATCH', '/blocks/b1', {}, reader)).body.error.code).toBe('read_only')
  expect((await api.call('POST', '/restore', { lsn: 0 }, reader)).body.error.code).toBe('read_only')
})

it('[H13] workspaces are listed as far as the token opens them', async () => {
  await using api = await ApiFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
  const ada = await bearer()
  const all = await bearer({ workspaces: ['*'] })
  for (const name of ['acme%2Fone', 'secret', 'w'])
    await api.call('PUT', `/v1/workspaces/${name}/blocks/b`, { type: 't' }, all)
  expect((await api.call('GET', '/v1/workspaces', undefined, ada)).body).toEqual({
    workspaces: ['acme/one', 'w'],
    next: null,
  })
  expect((await api.call('GET', '/v1/workspaces?limit=1', undefined, ada)).body).toEqual({
    workspaces: ['acme/one'],
    next: 'acme/one',
  })
  expect((await api.call('GET', '/v1/workspaces')).status).toBe(401)
})

it('[H13] who can not set headers opens a feed by a token in the query, and nothing else', async () => {
  await using api = await ApiFixture.start({ authenticator: createAuthenticator({ secret: SECRET }) })
  const ada = await bearer()
  await api.call('PUT', '/blocks/b1', { type: 'text' }, ada)
  const token = ada.authorization.slice('Bearer '.length)
  const stop = new AbortController()
  const stream = await fetch(`${api.server.url}/v1/workspaces/w/events?token=${token}`, { signal: stop.signal })
  expect(stream.status).toBe(200)
  stop.abort()
  expect((await api.call('GET', `/blocks/b1?token=${token}`)).status).toBe(422)
  expect((await api.call('GET', '/events?token=nonsense')).status).toBe(401)
})

it.each([
  ['malformed JSON', 'PUT', '/blocks/b', '{"type":', 400, 'malformed'],
  ['a key that reaches prototypes', 'PUT', '/blocks/b', '{"type":"t","data":{"__proto__":1}}', 400, 'malformed'],
  ['a lone surrogate', 'PUT', '/blocks/b', '{"type":"t","content":"\\ud800"}', 422, 'invalid'],
  ['an infinite number', 'PUT', '/blocks/b', '{"type":"t","data":{"n":1e999}}', 422, 'invalid'],
  ['a wrong type', 'PUT', '/blocks/b', '{"type":7}', 422, 'invalid'],
  ['an unknown property', 'PUT', '/blocks/b', '{"type":"t","colour":1}', 422, 'invalid'],
  ['no type for a new block', 'PUT', '/blocks/b', '{}', 422, 'type_required'],
  ['an unknown parameter', 'GET', '/blocks?limt=1', undefined, 422, 'invalid'],
  ['a malformed precondition', 'GET', '/blocks?at=soon', undefined, 422, 'invalid'],
  ['a block id with a slash', 'GET', '/blocks/a%2Fb', undefined, 422, 'invalid'],
  ['a path that can not be decoded', 'GET', '/blocks/%E0%A4', undefined, 400, 'malformed'],
  ['no workspace name', 'GET', '/v1/workspaces/..%2Fetc', undefined, 422, 'invalid'],
  ['an unknown workspace', 'GET', '/v1/workspaces/nowhere', undefined, 404, 'unknown_workspace'],
  ['an unknown workspace to patch', 'PATCH', '/v1/workspaces/nowhere/blocks/b', '{}', 404, 'unknown_workspace'],
  ['an unknown block', 'GET', '/blocks/nope', undefined, 404, 'unknown_block'],
  ['an unknown block to delete', 'DELETE', '/blocks/nope', undefined, 404, 'unknown_block'],
  ['a run on an unknown block', 'POST', '/blocks/nope/indexing/i/runs', '{}', 404, 'unknown_block'],
  ['an unknown path', 'GET', '/v1/nothing', undefined, 404, 'not_found'],
  ['another method', 'POST', '/blocks/b', '{}', 405, 'method_not_allowed'],
  [
    'too large a body',
    'PUT',
    '/blocks/b',
    JSON.stringify({ type: 't', content: 'x'.repeat(2 ** 20) }),
    413,
    'too_large',
  ],
  [
    'too long a content',
    'PUT',
    '/blocks/b',
    JSON.stringify({ type: 't', content: 'x'.repeat(500_001) }),
    413,
    'too_large',
  ],
])(
  '[H14] %s is refused with its status and code, and changes nothing',
  async (_what, method, path, body, status, code) => {
    await using api = await ApiFixture.start()
    await api.call('PUT', '/blocks/here', { type: 'text' })
    const answer = await api.call(method, path, body)
    expect(answer.status).toBe(status)
    expect(answer.body.error).toMatchObject({ code, message: expect.any(String) })
    expect((await api.call('GET', '')).body).toMatchObject({ lsn: 1, blocks: 1 })
  },
)

it.each(['expected_version=', 'expected_version=1e0', 'expected_version=0x1', 'expected_version=1&expected_version=1'])(
  '[H14] %s is no number, and no precondition either',
  async (query) => {
    await using api = await ApiFixture.start()
    await api.call('PUT', '/blocks/b', { type: 'text' })
    expect((await api.call('DELETE', `/blocks/b?${query}`)).status).toBe(422)
    expect((await api.call('GET', '/blocks/b')).status).toBe(200)
  },
)

it('[H14] a method that a path does not have is answered with those that it has', async () => {
  await using api = await ApiFixture.start()
  const refused = await api.call('POST', '/blocks/b', {})
  expect([refused.status, refused.headers.get('allow')]).toEqual([405, 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'])
  expect((await api.call('DELETE', '/v1/docs')).headers.get('allow')).toBe('GET, HEAD, OPTIONS')
  expect((await api.call('DELETE', '/events')).headers.get('allow')).toBe('GET, OPTIONS')
  const asked = await api.call('OPTIONS', '/blocks/b')
  expect([asked.status, asked.headers.get('allow')]).toEqual([204, 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'])
})

it('[H14] HEAD is answered as GET is, without a body, but for a stream', async () => {
  await using api = await ApiFixture.start()
  const made = await api.call('PUT', '/blocks/b', { type: 'text' })
  const head = await api.call('HEAD', '/blocks/b')
  expect([head.status, head.text, head.headers.get('etag')]).toEqual([200, '', made.headers.get('etag')])
  expect(Number(head.headers.get('content-length'))).toBe(made.text.length)
  expect((await api.call('HEAD', '/blocks/none')).status).toBe(404)
  expect((await api.call('HEAD', '/v1/docs')).status).toBe(200)
  expect((await api.call('HEAD', '/events')).status).toBe(405)
})

it('[H14] a body that is no UTF-8, or compressed, is refused rather than written as something else', async () => {
  await using api = await ApiFixture.start()
  const send = async (body: Uint8Array, headers: Record<string, string> = {}) => {
    const url = `${api.server.url}/v1/workspaces/w/blocks/b`
    const all = { 'content-type': 'application/json', ...headers }
    const answer = await fetch(url, { method: 'PUT', headers: all, body: body as Uint8Array<ArrayBuffer> })
    return [answer.status, (await answer.json()).error?.code]
  }
  const latin1 = Buffer.from('{"type":"caf\u00e9"}', 'latin1')
  expect(await send(latin1)).toEqual([400, 'malformed'])
  expect(await send(latin1, { 'content-type': 'application/json; charset=iso-8859-1' })).toEqual([400, 'malformed'])
  const packed = gzipSync('{"type":"text"}')
  expect(await send(packed, { 'content-encoding': 'gzip' })).toEqual([415, 'unsupported_media_type'])
  expect((await api.call('GET', '')).status).toBe(404)
  expect(await send(Buffer.from('\ufeff{"type":"text"}'))).toEqual([201, undefined])
})

it('[H14] a body is nobody to those who say Content-Type with everything, and an error where it would be overlooked', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b', { type: 'text' })
  const overlooked = await api.call('DELETE', '/blocks/b', { expectedVersion: 7 })
  expect([overlooked.status, overlooked.body.error.code]).toEqual([422, 'invalid'])
  expect((await api.call('PUT', '/blocks/b', '')).body.error.message).toContain('the body is missing')
  expect((await api.call('DELETE', '/blocks/b', '')).status).toBe(204)
  expect((await api.call('DELETE', '', {})).status).toBe(204)
})

it('[H14] another media type is refused', async () => {
  await using api = await ApiFixture.start()
  const answer = await api.call('PUT', '/blocks/b', '{"type":"t"}', { 'content-type': 'text/plain' })
  expect(answer.body.error.code).toBe('unsupported_media_type')
  expect(answer.status).toBe(415)
})

it('[H15] an actor that asks too often is told when to come back, and others are not held up', async () => {
  await using api = await ApiFixture.start({ limits: { requestsPerSecond: 0.001, requestsBurst: 3 } })
  const ask = async (actor: string) => api.call('GET', '', undefined, { 'x-joinery-actor': actor })
  const answers = [await ask('ada'), await ask('ada'), await ask('ada'), await ask('ada')]
  expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 429])
  expect(Number(answers[3]?.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await ask('ben')).status).toBe(404)
})

it.each([
  ['ada', 'ada'],
  ['Jos%C3%A9 %E6%97%A5%E6%9C%AC', 'Jos\u00e9 \u65e5\u672c'],
  [Buffer.from('Jos\u00e9 \u65e5\u672c').toString('latin1'), 'Jos\u00e9 \u65e5\u672c'],
  ['Jos\u00e9', 'Jos\u00e9'],
  ['100%25', '100%'],
  ['', 'anonymous'],
])('[H13] X-Joinery-Actor: %s names %s', async (header, actor) => {
  await using api = await ApiFixture.start()
  const { body } = await api.call('PUT', '/blocks/b', { type: 'text' }, { 'x-joinery-actor': header })
  expect(body.updatedBy.actor).toBe(actor)
})

it.each(['100%', '%C3', 'a%0Ab'])('[H13] X-Joinery-Actor: %s is refused', async (header) => {
  await using api = await ApiFixture.start()
  const refused = await api.call('PUT', '/blocks/b', { type: 'text' }, { 'x-joinery-actor': header })
  expect([refused.status, refused.body.error.code]).toEqual([403, 'forbidden'])
})

it.each([
  ['localhost:1234', 200],
  ['127.0.0.1', 200],
  ['[::1]:80', 200],
  ['evil.example', 403],
  ['evil.example:1234', 403],
  ['127.0.0.1.evil.example', 403],
])('[H16] without keys, a request to %s is answered %i', async (host, status) => {
  await using api = await ApiFixture.start()
  const answered = Promise.withResolvers<IncomingMessage>()
  get(`${api.server.url}/v1/workspaces`, { headers: { host } }, answered.resolve).on('error', answered.reject)
  const answer = (await answered.promise).resume()
  expect(answer.statusCode).toBe(status)
})

it('[H16] pages of other origins are refused, those allowed may call and read the answer', async () => {
  await using api = await ApiFixture.start()
  const foreign = await api.call('GET', '/v1/workspaces', undefined, { origin: 'https://evil.example' })
  expect(foreign.body.error.code).toBe('forbidden_origin')
  const origin = 'http://localhost:5173'
  const own = await api.call('GET', '/v1/workspaces', undefined, { origin })
  expect(own.headers.get('access-control-allow-origin')).toBe(origin)
  const preflight = await api.call('OPTIONS', '/blocks/b', undefined, {
    origin,
    'access-control-request-method': 'PATCH',
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-headers')).toContain('idempotency-key')
  await using listed = await ApiFixture.start({ origins: ['https://app.example'] })
  expect((await listed.call('GET', '/v1/workspaces', undefined, { origin })).status).toBe(403)
  expect((await listed.call('GET', '/v1/workspaces', undefined, { origin: 'https://app.example' })).status).toBe(200)
})

it('[H17] a durability is refused, before anything is done, where nothing outlives the process', async () => {
  await using api = await ApiFixture.start({ durability: 'memory' })
  const asked = await api.call('PUT', '/blocks/b', { type: 't' }, { 'x-joinery-durability': 'sync' })
  expect(asked.body.error).toMatchObject({ code: 'durability_unavailable', details: { durability: 'memory' } })
  expect((await api.call('GET', '')).status).toBe(404)
})

it('[H18] the description is OpenAPI 3.1 with every route, and a page shows it without anything from elsewhere', async () => {
  await using api = await ApiFixture.start()
  const { body } = await api.call('GET', '/v1/openapi.json')
  expect(body.openapi).toBe('3.1.0')
  expect(Object.keys(body.paths)).toContain(
    '/v1/workspaces/{workspace}/blocks/{block}/indexing/{index}/runs/{run}/reports',
  )
  expect(JSON.stringify(body)).not.toContain('$defs')
  const page = await api.call('GET', '/v1/docs')
  expect(page.text).toContain('/v1/openapi.json')
  expect(page.text).toContain('curl -X PUT localhost:1234/v1/workspaces/demo/blocks/intro')
  expect(page.text).not.toMatch(/(src|href)="(https?:)?\/\//)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
})

it('[H18] what the page tells to type works as it stands, in this order', async () => {
  await using api = await ApiFixture.start()
  const { text } = await api.call('GET', '/v1/docs')
  for (const operation of [
    'putBlock',
    'getBlock',
    'patchBlock',
    'startRun',
    'reportRun',
    'removeIndex',
    'transact',
    'putEdge',
    'getEdge',
    'listEdges',
    'deleteEdge',
    'listBlocks',
    'listRecords',
    'diffWorkspace',
    'restoreWorkspace',
    'deleteBlock',
    'getWorkspace',
    'listWorkspaces',
    'deleteWorkspace',
    'undeleteWorkspace',
    'deleteWorkspace',
    'purgeWorkspace',
  ]) {
    const { method, path, body } = commandOf(text, operation)
    const answer = await api.call(method, path, body)
    expect(answer.status, `${operation}: ${answer.text}`).toBeLessThan(300)
  }
})

/** Reads the request that the page's command for an operation sends. */
function commandOf(page: string, operation: string): { method: string; path: string; body: string | undefined } {
  const escaped = new RegExp(`<h2 id="${operation}">.*?<pre[^>]*>(.*?)</pre>`, 's').exec(page)?.[1] ?? ''
  const command = escaped.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
  const match =
    /^curl (?:-X (\w+) )?'?localhost:1234(\S+?)'?(?: \\\n {2}-H 'Content-Type: application\/json' -d '(.*)')?$/.exec(
      command,
    )
  if (match === null) throw new Error(`the page has no command for ${operation}: ${command}`)
  return { method: match[1] ?? 'GET', path: match[2] ?? '', body: match[3] }
}
