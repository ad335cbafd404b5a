import { createAuthenticator, signToken } from '@joinery/server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import type { ApiDescription, OperationDescription } from '../edge/open-api.ts'
import { type Answered, ApiFixture } from '../testing/api-fixture.ts'

let api: ApiFixture
beforeAll(async () => {
  api = await ApiFixture.start()
})
afterAll(() => api[Symbol.asyncDispose]())

function acquire(body: object, headers: Record<string, string> = {}): Promise<Answered> {
  return api.call('POST', '/leases', { ttlMs: 60_000, ...body }, headers)
}

const under = (token: string) => ({ 'x-joinery-lease': token })

describe('leases', () => {
  it('[H70] one caller holds a lease, others are told who, and it is theirs once it is released', async () => {
    const first = await acquire({ name: 'one', holder: 'import 7' })
    expect(first.status).toBe(201)
    expect(first.body).toMatchObject({ name: 'one', holder: 'import 7', actor: 'anonymous', ttlMs: 60_000, waiting: 0 })
    expect(first.body.expiresAt).toBeGreaterThan(first.body.acquiredAt)
    const { token, ...seen } = first.body
    const second = await acquire({ name: 'one' })
    expect([second.status, second.body.error.code]).toEqual([409, 'lease_held'])
    expect(second.body.current).toMatchObject({ name: 'one', holder: 'import 7', fence: seen.fence })
    expect(second.text + (await api.call('GET', '/leases')).text).not.toContain(token)
    expect((await api.call('GET', '/leases/one')).body).toMatchObject({ name: 'one', holder: 'import 7' })
    const renewed = await api.call('POST', '/leases/one/renew', { token, ttlMs: 90_000 })
    expect([renewed.status, renewed.body.ttlMs, renewed.body.token]).toEqual([200, 90_000, token])
    const waiting = acquire({ name: 'one', waitMs: 25_000 })
    await expect.poll(async () => (await api.call('GET', '/leases/one')).body.waiting).toBe(1)
    expect((await api.call('DELETE', '/leases/one', undefined, under(token))).status).toBe(204)
    const third = await waiting
    expect(third.status).toBe(201)
    expect(third.body.fence).toBeGreaterThan(seen.fence)
    expect((await api.call('DELETE', '/leases/one', undefined, under(token))).body.error.code).toBe('lease_lost')
    expect((await api.call('POST', '/leases/one/renew', { token })).body.error.code).toBe('lease_lost')
    await api.call('DELETE', '/leases/one', undefined, under(third.body.token))
    const gone = await api.call('GET', '/leases/one')
    expect([gone.status, gone.body.error.code]).toEqual([404, 'unknown_lease'])
  })

  it('[H70] leases are listed in pages by name', async () => {
    for (const name of ['list/ü', 'list/b', 'list/a']) await acquire({ name })
    const first = await api.call('GET', '/leases?limit=2&after=list')
    expect(first.body.leases.map(({ name }: { name: string }) => name)).toEqual(['list/a', 'list/b'])
    const rest = await api.call('GET', `/leases?limit=2&after=${encodeURIComponent(first.body.next)}`)
    expect(rest.body).toMatchObject({ leases: [{ name: 'list/ü' }], next: null })
    expect((await api.call('GET', '/leases/list%2F%C3%BC')).body.name).toBe('list/ü')
  })

  it('[H70] a request that is repeated under its key gets the same lease', async () => {
    const key = { 'idempotency-key': 'k1' }
    const first = await acquire({ name: 'keyed' }, key)
    expect((await acquire({ name: 'keyed' }, key)).body.token).toBe(first.body.token)
    expect((await acquire({ name: 'keyed' })).body.error.code).toBe('lease_held')
  })

  it('[H70] a caller that hangs up while it waits does not get the lease', async () => {
    const { token } = (await acquire({ name: 'left' })).body
    const gone = new AbortController()
    const left = fetch(`${api.server.url}/v1/workspaces/w/leases`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'left', waitMs: 25_000 }),
      signal: gone.signal,
    })
    await expect.poll(async () => (await api.call('GET', '/leases/left')).body.waiting).toBe(1)
    gone.abort()
    await expect(left).rejects.toThrow()
    await expect.poll(async () => (await api.call('GET', '/leases/left')).body.waiting).toBe(0)
    await api.call('DELETE', '/leases/left', undefined, under(token))
    expect((await api.call('GET', '/leases/left')).status).toBe(404)
  })

  it.each([
    ['a TTL of 0', { ttlMs: 0 }, 'body.ttlMs'],
    ['a TTL of -1', { ttlMs: -1 }, 'body.ttlMs'],
    ['a TTL of 10^12', { ttlMs: 1e12 }, 'body.ttlMs'],
    ['a TTL of NaN, which JSON makes null', { ttlMs: Number.NaN }, 'body.ttlMs'],
    ['a TTL that is a text', { ttlMs: '1000' }, 'body.ttlMs'],
    ['a TTL with a fraction', { ttlMs: 1000.5 }, 'body.ttlMs'],
    ['a wait of -1', { waitMs: -1 }, 'body.waitMs'],
    ['a wait beyond 25 s', { waitMs: 25_001 }, 'body.waitMs'],
    ['no name', { name: undefined }, 'body.name'],
    ['an empty name', { name: '' }, 'body.name'],
    ['a name of 401 characters', { name: 'n'.repeat(401) }, 'body.name'],
    ['a name with a line feed', { name: 'a\nb' }, 'body.name'],
    ['a name that no URL can hold', { name: '..' }, 'body.name'],
    ['a holder of 401 characters', { holder: 'h'.repeat(401) }, 'body.holder'],
    ['a field that nobody knows', { token: 'mine' }, 'body'],
  ])('[H71] %s is invalid, and says what may be', async (_, body, path) => {
    const refused = await acquire({ name: 'bad', ...body })
    expect([refused.status, refused.body.error.code]).toEqual([422, 'invalid'])
    expect(refused.body.error.details.issues.map((issue: { path: string }) => issue.path)).toContain(path)
    expect((await api.call('GET', '/leases/bad')).status).toBe(404)
  })

  it('[H71] names of the longest kind can be acquired, read and released by their path', async () => {
    const name = '”'.repeat(400)
    const { token } = (await acquire({ name })).body
    expect((await api.call('GET', `/leases/${encodeURIComponent(name)}`)).body.name).toBe(name)
    expect((await api.call('DELETE', `/leases/${encodeURIComponent(name)}`, undefined, under(token))).status).toBe(204)
  })

  it('[H71] a token of another name or workspace, of nobody, or none holds nothing', async () => {
    const { token } = (await acquire({ name: 'mine' })).body
    const other = (await acquire({ name: 'other' })).body.token
    const elsewhere = (await api.call('POST', '/v1/workspaces/v/leases', { name: 'mine' })).body.token
    for (const wrong of [other, elsewhere, 'l1.x.y', `${token}x`, 'é'.repeat(3)]) {
      const renewed = await api.call('POST', '/leases/mine/renew', { token: wrong })
      expect([renewed.status, renewed.body.error.code]).toEqual([409, 'lease_lost'])
    }
    for (const wrong of ['', 'x'.repeat(257)]) {
      expect((await api.call('POST', '/leases/mine/renew', { token: wrong })).body.error.code).toBe('invalid')
    }
    expect((await api.call('DELETE', '/leases/mine')).body.error.code).toBe('invalid')
    expect((await api.call('DELETE', '/leases/mine', undefined, under(other))).body.error.code).toBe('lease_lost')
    expect((await api.call('POST', '/leases/mine/renew', { token })).status).toBe(200)
  })

  it('[H71] a reader may see leases and hold none, and makes no workspace by looking', async () => {
    const secret = 's'.repeat(32)
    const authenticator = await createAuthenticator({ secret })
    await using guarded = await ApiFixture.start({ authenticator })
    const claims = { workspaces: ['*'], sources: ['user_action'], exp: Math.ceil(Date.now() / 1000) + 600 }
    const bearer = async (sub: string, access: 'read' | 'write') => ({
      authorization: `Bearer ${await signToken(secret, { ...claims, sub, access })}`,
    })
    const [reader, writer] = [await bearer('eve', 'read'), await bearer('ada', 'write')]
    expect((await guarded.call('GET', '/leases', undefined, reader)).body.error.code).toBe('unknown_workspace')
    expect((await guarded.call('POST', '/leases', { name: 'a' }, reader)).body.error.code).toBe('read_only')
    const { token } = (await guarded.call('POST', '/leases', { name: 'a' }, writer)).body
    expect((await guarded.call('GET', '/leases/a', undefined, reader)).body).toMatchObject({ actor: 'ada' })
    expect((await guarded.call('POST', '/leases/a/renew', { token }, reader)).body.error.code).toBe('read_only')
    const released = await guarded.call('DELETE', '/leases/a', undefined, { ...reader, ...under(token) })
    expect(released.body.error.code).toBe('read_only')
  })

  it('[H73] deleting a workspace ends its leases and the waits for them, and nobody acquires one in it', async () => {
    const at = '/v1/workspaces/gone'
    const { token } = (await api.call('POST', `${at}/leases`, { name: 'a', ttlMs: 60_000 })).body
    const waiting = api.call('POST', `${at}/leases`, { name: 'a', waitMs: 25_000 })
    await expect.poll(async () => (await api.call('GET', `${at}/leases/a`)).body.waiting).toBe(1)
    expect((await api.call('DELETE', at, undefined, under(token))).status).toBe(204)
    expect((await waiting).body.error.code).toBe('workspace_deleted')
    expect((await api.call('POST', `${at}/leases`, { name: 'a' })).body.error.code).toBe('workspace_deleted')
    await api.call('POST', `${at}/undelete`)
    expect((await api.call('POST', `${at}/leases/a/renew`, { token })).body.error.code).toBe('lease_lost')
    await api.call('POST', `${at}/leases`, { name: 'a' })
    await api.call('DELETE', at)
    expect((await api.call('POST', `${at}/purge`)).status).toBe(204)
    expect((await api.call('GET', `${at}/leases`)).body.error.code).toBe('unknown_workspace')
  })
})

/** One operation of the description, as a request made of its examples. */
interface Example {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly body: unknown
}

function exampleOf(path: string, method: string, operation: OperationDescription, update: Uint8Array): Example {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const { schema } =
      operation.parameters.find((parameter) => parameter.in === 'path' && parameter.name === name) ?? {}
    return name === 'workspace' ? 'fenced' : encodeURIComponent(String(schema?.examples?.[0] ?? name))
  })
  const content = operation.requestBody?.content
  const example = content?.['application/json']?.schema as { readonly examples?: readonly unknown[] } | undefined
  const body = content === undefined ? undefined : (example?.examples?.[0] ?? update)
  return { id: operation.operationId, method: method.toUpperCase(), path: filled, body }
}

describe('writes under a lease', () => {
  /** Requests of all routes that change a workspace, by the description that is made from the table of routes. */
  async function writingExamples(update: Uint8Array): Promise<Example[]> {
    const { paths } = (await api.call('GET', '/v1/openapi.json')).body as ApiDescription
    return Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([method]) => method !== 'get' && /^\/v1\/workspaces\/\{workspace\}(?!\/leases)/.test(path))
        .map(([method, operation]) => exampleOf(path, method, operation, update)),
    )
  }

  async function send({ method, path, body }: Example, token: string): Promise<string> {
    const isUpdate = body instanceof Uint8Array
    const response = await fetch(`${api.server.url}${path}`, {
      method,
      headers: {
        ...under(token),
        ...(body !== undefined && { 'content-type': isUpdate ? 'application/octet-stream' : 'application/json' }),
      },
      ...(body !== undefined && { body: isUpdate ? new Uint8Array(body) : JSON.stringify(body) }),
    })
    const text = await response.text()
    return text === '' ? String(response.status) : (JSON.parse(text).error?.code ?? String(response.status))
  }

  async function stateOf(): Promise<unknown> {
    const whole = (await api.call('GET', '/v1/workspaces/fenced')).body
    return { ...whole, update: (await api.call('GET', '/v1/workspaces/fenced/update')).text }
  }

  it('[H72] every route that changes a workspace refuses a lease that does not stand, and changes nothing', async () => {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'from a script')
    const examples = await writingExamples(Y.encodeStateAsUpdate(doc))
    expect(examples.length).toBeGreaterThanOrEqual(15)
    await api.call('PUT', '/v1/workspaces/fenced/blocks/intro', { type: 'text', content: 'As it was.' })
    const at = '/v1/workspaces/fenced/leases'
    const { token: lost } = (await api.call('POST', at, { name: 'zombie' })).body
    await api.call('DELETE', `${at}/zombie`, undefined, under(lost))
    const { token: elsewhere } = (await acquire({ name: 'elsewhere' })).body
    const before = await stateOf()
    for (const token of [lost, elsewhere, 'l1.x.y'])
      for (const example of examples)
        expect([example.id, await send(example, token)]).toEqual([example.id, 'lease_lost'])
    expect(await stateOf()).toEqual(before)
  })

  it('[H72] every route that changes a workspace takes a lease that stands', async () => {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'from a script')
    const at = '/v1/workspaces/fenced/leases'
    await api.call('PUT', '/v1/workspaces/fenced/blocks/intro', { type: 'text', content: 'As it was.' })
    for (const example of await writingExamples(Y.encodeStateAsUpdate(doc))) {
      // A deleted workspace has no leases: what is asked of it is asked without one.
      if (example.path.endsWith('/purge')) continue
      const answer = await api.call('POST', at, { name: `for ${example.id}` })
      expect([example.id, answer.status]).toEqual([example.id, 201])
      expect([example.id, await send(example, answer.body.token)]).not.toEqual([example.id, 'lease_lost'])
      if (example.id === 'deleteWorkspace') await api.call('POST', '/v1/workspaces/fenced/undelete')
    }
  })

  it('[H72] a write under a lease is made while it stands, and its repeat is answered also when it no longer does', async () => {
    const { token } = (await acquire({ name: 'once' })).body
    const headers = { ...under(token), 'idempotency-key': 'under-a-lease' }
    const first = await api.call('PUT', '/blocks/kept', { type: 'text', content: 'Once.' }, headers)
    expect(first.status).toBe(201)
    await api.call('DELETE', '/leases/once', undefined, under(token))
    const again = await api.call('PUT', '/blocks/kept', { type: 'text', content: 'Once.' }, headers)
    expect([again.status, again.body]).toEqual([first.status, first.body])
    const next = await api.call('PATCH', '/blocks/kept', { content: 'Twice.' }, under(token))
    expect([next.status, next.body.error.code]).toEqual([409, 'lease_lost'])
    expect((await api.call('GET', '/blocks/kept')).body.content).toBe('Once.')
  })
})
