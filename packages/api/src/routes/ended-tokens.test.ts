import { request } from 'node:http'
import { createAuthenticator, Revocations } from '@joinery/server'
import { expect, it } from 'vitest'
import { ApiFixture } from '../testing/api-fixture.ts'
import { bearer, SECRET } from '../testing/bearer.ts'

async function start() {
  const revocations = new Revocations()
  const authenticator = createAuthenticator({ secret: SECRET }, { revocations })
  return { revocations, api: await ApiFixture.start({ revocations, authenticator }) }
}

/** A request whose body comes in two parts: the second when `finish` is called, which resolves with the answer. */
function sendInParts(api: ApiFixture, path: string, headers: Record<string, string>, body: Uint8Array, type: string) {
  const url = `${api.server.url}/v1/workspaces/w${path}`
  const method = path === '/update' ? 'POST' : 'PUT'
  const sent = request(url, { method, headers: { ...headers, 'content-type': type, 'content-length': body.length } })
  const answer = new Promise<{ status: number | undefined; code: string }>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', async (response) => {
      const text = Buffer.concat(await response.toArray()).toString()
      resolve({ status: response.statusCode, code: JSON.parse(text).error?.code })
    })
  })
  sent.write(body.subarray(0, 1))
  return async () => {
    sent.end(body.subarray(1))
    return answer
  }
}

it.each([
  ['/blocks/b', Buffer.from('{"type":"text"}'), 'application/json'],
  ['/update', Uint8Array.of(0, 0), 'application/octet-stream'],
])('[H36] a request to %s whose token is revoked before its body is here changes nothing', async (path, body, type) => {
  const { api, revocations } = await start()
  await using _ = api
  const eve = await bearer('eve', { iat: Math.floor(Date.now() / 1000) - 60 })
  const finish = sendInParts(api, path, eve, body, type)
  // The request was let in once the server waits for its body.
  await expect.poll(() => api.server.load().tcpConnections).toBeGreaterThan(0)
  await api.call('GET', '/v1/workspaces', undefined, eve)
  await revocations.revoke('eve', Date.now())
  expect(await finish()).toEqual({ status: 401, code: 'unauthorized' })
  const ann = await bearer('ann')
  expect((await api.call('GET', '/v1/workspaces', undefined, ann)).body.workspaces).toEqual([])
})

it('[H36] a caller whose token is revoked while it waits for a lease does not get it', async () => {
  const { api, revocations } = await start()
  await using _ = api
  const [ann, eve] = [await bearer('ann'), await bearer('eve', { iat: Math.floor(Date.now() / 1000) - 60 })]
  const lease = { name: 'n', ttlMs: 60_000 }
  const held = await api.call('POST', '/leases', lease, ann)
  const waiting = api.call('POST', '/leases', { ...lease, waitMs: 25_000 }, eve)
  await expect.poll(async () => (await api.call('GET', '/leases/n', undefined, ann)).body.waiting).toBe(1)
  await revocations.revoke('eve', Date.now())
  await api.call('DELETE', '/leases/n', undefined, { ...ann, 'x-joinery-lease': held.body.token })
  expect(await waiting).toMatchObject({ status: 401, body: { error: { code: 'unauthorized' } } })
  expect((await api.call('GET', '/leases/n', undefined, ann)).status).toBe(404)
})
