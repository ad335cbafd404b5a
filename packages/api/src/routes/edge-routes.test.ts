import type { WorkspaceId } from '@joinery/server'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'

async function withBlock(): Promise<ApiFixture> {
  const api = await ApiFixture.start()
  await api.call('PUT', '/blocks/a', { type: 'text' })
  return api
}

it('[H25] an edge is written, read, listed and deleted, at a version, now and in the past', async () => {
  await using api = await withBlock()
  const first = await api.call('PUT', '/edges/e', { source: 'a', target: 'b', data: { label: 'x' } })
  expect(first.body).toMatchObject({ id: 'e', source: 'a', target: 'b', data: { label: 'x' }, version: 2 })
  expect(first.headers.get('etag')).toBe('"2"')
  const again = await api.call('PUT', '/edges/e', { source: 'a', target: 'b', data: { label: 'x' } })
  expect(again.body).toEqual(first.body)
  await api.call('PUT', '/edges/f', { source: 'b', target: 'a' })
  const stale = await api.call('PUT', '/edges/e', { source: 'a', target: 'c' }, { 'if-match': '"3"' })
  expect([stale.status, stale.body.error.code, stale.body.current]).toEqual([409, 'version_conflict', first.body])
  const taken = await api.call('PUT', '/edges/e', { source: 'a', target: 'c' }, { 'if-none-match': '*' })
  expect([taken.status, taken.body.error.code]).toEqual([409, 'edge_exists'])
  const changed = await api.call('PUT', '/edges/e', { source: 'a', target: 'c' }, { 'if-match': '"2"' })
  expect(changed.body).toMatchObject({ target: 'c', data: {}, version: 4 })
  const page = (await api.call('GET', '/edges?limit=1')).body
  expect(page).toEqual({ edges: [changed.body], lsn: 4, next: 'e' })
  expect((await api.call('GET', '/edges?after=e')).body).toMatchObject({ edges: [{ id: 'f', version: 3 }], next: null })
  expect((await api.call('GET', '/edges/e?at=2')).body).toEqual(first.body)
  expect((await api.call('DELETE', '/edges/e', undefined, { 'if-match': '"4"' })).status).toBe(204)
  expect((await api.call('DELETE', '/edges/e')).body.error.code).toBe('unknown_edge')
  expect((await api.call('GET', '/edges/e')).body.error.code).toBe('unknown_edge')
  expect((await api.call('GET', '/blocks/a')).body.version).toBe(1)
})

it('[H25] an edge that a stock client wrote reads as one, and what it wrote otherwise does not', async () => {
  await using api = await withBlock()
  const write = { writer: { actor: 'stock', source: 'user_action' }, via: 'test' }
  await api.server.workspaces.write('w' as WorkspaceId, {
    ...write,
    run: (doc) => {
      doc.getMap('edges').set('e', { source: 'a', target: 'b', weight: 3 })
      doc.getMap('edges').set('junk', 7)
    },
  })
  expect((await api.call('GET', '/edges')).body.edges).toMatchObject([{ id: 'e', data: { weight: 3 }, version: 2 }])
  expect((await api.call('GET', '/edges/junk')).status).toBe(404)
  expect((await api.call('PUT', '/edges/junk', { source: 'a', target: 'b' })).body).toMatchObject({ source: 'a' })
})

it('[H4] an edge written under a key is written once, and every repeat gets the first answer', async () => {
  await using api = await withBlock()
  const key = { 'idempotency-key': 'k' }
  const put = (target: string) => api.call('PUT', '/edges/e', { source: 'a', target }, key)
  const first = await put('b')
  await api.call('DELETE', '/edges/e')
  expect((await put('b')).body).toEqual(first.body)
  expect((await put('c')).body.error.code).toBe('key_reused')
  expect((await api.call('GET', '/edges/e')).status).toBe(404)
})

it('[H14] an edge with other ends in its data, without ends, or into a workspace nobody made is refused', async () => {
  await using api = await withBlock()
  const code = async (path: string, body: unknown) => (await api.call('PUT', path, body)).body.error.code
  expect(await code('/edges/e', { source: 'a', target: 'b', data: { source: 'c' } })).toBe('invalid')
  expect(await code('/edges/e', { source: 'a' })).toBe('invalid')
  expect(await code('/edges/a%2Fb', { source: 'a', target: 'b' })).toBe('invalid')
  expect(await code('/v1/workspaces/none/edges/e', { source: 'a', target: 'b' })).toBe('unknown_workspace')
})

it('[H6] a page of large edges ends before its limit, and the next begins after it', async () => {
  await using api = await ApiFixture.start()
  // A stock client may write edges of any size.
  await api.server.workspaces.write('w' as WorkspaceId, {
    ...{ writer: { actor: 'stock', source: 'user_action' }, via: 'test' },
    run: (doc) => {
      for (const id of ['a', 'b', 'c', 'd', 'e', 'f'])
        doc.getMap('edges').set(id, { source: 'a', target: 'b', label: 'x'.repeat(450_000) })
    },
  })
  const idsOf = ({ body }: { body: { edges: { id: string }[] } }): string => body.edges.map(({ id }) => id).join('')
  const first = await api.call('GET', '/edges')
  expect([idsOf(first), first.body.next]).toEqual(['abcde', 'e'])
  const second = await api.call('GET', `/edges?after=${first.body.next}`)
  expect([idsOf(second), second.body.next]).toEqual(['f', null])
})
