import { LogError, openMemoryStore } from '@joinery/log'
import { DelegatingStore } from '@joinery/log/testing'
import { createAuthenticator, signToken } from '@joinery/server'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'
import { readEvents } from '../testing/event-source.ts'

const names = async (api: ApiFixture, query = '') =>
  (await api.call('GET', `/v1/workspaces${query}`)).body.workspaces as string[]

it('[H24] a deleted workspace is gone for everybody, and comes back as it was', async () => {
  await using api = await ApiFixture.start()
  await api.call('PUT', '/blocks/b', { type: 'text', content: 'kept' })
  expect((await api.call('DELETE', '')).status).toBe(204)
  expect((await api.call('DELETE', '')).status).toBe(204)
  for (const [method, path, body] of [
    ['GET', ''],
    ['GET', '/blocks/b'],
    ['GET', '/history'],
    ['GET', '/events?after=0'],
    ['GET', '/blocks/b?at=1'],
    ['PUT', '/blocks/c', { type: 'text' }],
  ] as const) {
    const { status, body: answer } = await api.call(method, path, body)
    expect([status, answer.error.code], `${method} ${path}`).toEqual([410, 'workspace_deleted'])
  }
  expect(await names(api)).toEqual([])
  expect(await names(api, '?deleted=true')).toEqual(['w'])
  expect((await api.call('POST', '/undelete')).status).toBe(204)
  expect((await api.call('GET', '/blocks/b')).body).toMatchObject({ content: 'kept', version: 1 })
  expect(await names(api)).toEqual(['w'])
})

it('[H24] a purged workspace leaves nothing: its name, its keys and its feed begin anew', async () => {
  await using api = await ApiFixture.start()
  const put = (content: string) =>
    api.call('PUT', '/blocks/b', { type: 'text', content }, { 'idempotency-key': 'same-key' })
  await put('old')
  const events = readEvents(`${api.server.url}/v1/workspaces/w/events?after=0`)
  expect((await events.next()).value).toMatchObject({ id: '1', data: { blocks: [{ id: 'b', change: 'added' }] } })
  const { generation } = (await api.call('GET', '')).body
  expect((await api.call('POST', '/purge')).body.error.code).toBe('not_deleted')
  await api.call('DELETE', '')
  expect((await api.call('POST', '/purge')).status).toBe(204)
  expect((await api.call('GET', '')).body.error.code).toBe('unknown_workspace')
  expect((await api.call('POST', '/undelete')).body.error.code).toBe('unknown_workspace')
  expect((await put('new')).body).toMatchObject({ content: 'new', version: 1 })
  expect((await put('new')).body).toMatchObject({ content: 'new', version: 1 })
  expect((await api.call('GET', '')).body.generation).not.toBe(generation)
  const again = readEvents(`${api.server.url}/v1/workspaces/w/events?after=0`)
  expect((await again.next()).value).toMatchObject({ id: '1' })
  // The old stream is over: it would tell of another history under the same numbers.
  expect((await events.next()).done).toBe(true)
  await again.return(undefined)
})

it('[H24] a purge that a node of the cluster could not read of is unavailable for a while, and the answer names the node', async () => {
  /** Purges as a node of a cluster does whose other node has an earlier version. */
  class MixedStore extends DelegatingStore {
    override purge(): Promise<void> {
      return Promise.reject(new LogError('unsupported', 'node old could not read that', { workspace: 'w' }))
    }
  }
  await using api = await ApiFixture.start({ store: new MixedStore(openMemoryStore()) })
  await api.call('PUT', '/blocks/b', { type: 'text' })
  await api.call('DELETE', '')
  const refused = await api.call('POST', '/purge')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '60'])
  expect(refused.body.error).toMatchObject({ code: 'unavailable', message: expect.stringContaining('node old') })
  // It is deleted as before.
  expect((await api.call('POST', '/undelete')).status).toBe(204)
})

it('[H24] what never was can be neither deleted nor purged, and only a person with a token to write does either', async () => {
  const secret = 'thirty-two bytes or more of a key'
  await using api = await ApiFixture.start({ authenticator: createAuthenticator({ secret }) })
  const bearer = async (access: 'read' | 'write', source: string) => {
    const exp = Math.floor(Date.now() / 1_000) + 60
    const claims = { sub: 'ada', workspaces: ['w', 'gone'], access, sources: [source], exp }
    return { authorization: `Bearer ${await signToken(secret, claims)}` }
  }
  const reader = await bearer('read', 'user_action')
  const job = await bearer('write', 'workflow_execution')
  const person = await bearer('write', 'user_action')
  await api.call('PUT', '/blocks/b', { type: 'text' }, job)
  const code = async (method: string, path: string, headers: Record<string, string>) =>
    (await api.call(method, path, undefined, headers)).body?.error.code
  expect(await code('DELETE', '', reader)).toBe('read_only')
  expect(await code('DELETE', '/v1/workspaces/gone', person)).toBe('unknown_workspace')
  expect(await code('POST', '/v1/workspaces/gone/purge', person)).toBe('unknown_workspace')
  expect(await code('POST', '/v1/workspaces/gone/undelete', person)).toBe('unknown_workspace')
  expect(await code('DELETE', '', job)).toBeUndefined()
  expect(await code('POST', '/purge', job)).toBe('forbidden')
  expect(await code('POST', '/purge', reader)).toBe('read_only')
  expect(await code('POST', '/purge', person)).toBeUndefined()
})

it('[H115] the size of a workspace is that of its update, and position and blocks are those of the same moment', async () => {
  await using api = await ApiFixture.start()
  for (const block of ['a', 'b']) await api.call('PUT', `/blocks/${block}`, { type: 'text', content: block })
  await api.call('DELETE', '/blocks/a')
  const update = await fetch(`${api.server.url}/v1/workspaces/w/update`)
  const size = (await update.arrayBuffer()).byteLength
  const lsn = Number(update.headers.get('x-joinery-lsn'))
  expect((await api.call('GET', '')).body).toMatchObject({ blocks: 1, connections: 0, lsn, size })
  expect((await api.call('GET', '/v1/workspaces/none')).body.error.code).toBe('unknown_workspace')
})
