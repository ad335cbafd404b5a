import { connect } from 'node:net'
import { createAuthenticator } from '@joinery/server'
import { expect, it } from 'vitest'
import { API_LIMITS } from '../api-limits.ts'
import { ApiFixture } from '../testing/api-fixture.ts'
import { bearer, SECRET } from '../testing/bearer.ts'

const keysOf = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]))
const listOf = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))

it('[H64] many small values in one request are refused, and nothing is written', async () => {
  await using api = await ApiFixture.start()
  const { keysMax, bodyValuesMax, runOperationsMax } = API_LIMITS
  const put = (body: object, block = 'b') => api.call('PUT', `/blocks/${block}`, { type: 'text', ...body })
  const transact = (operations: object[]) => api.call('POST', '/transactions', { operations })
  const half = keysOf(keysMax / 2)
  const fields = Object.fromEntries(Object.entries(half).map(([key, value]) => [`f${key}`, value]))
  expect((await put({ fields, data: half }, 'most')).status).toBe(201)
  const refused = [
    await put({ fields: keysOf(60_000) }),
    await put({ fields: keysOf(keysMax + 1) }),
    await put({ data: keysOf(keysMax + 1) }),
    await put({ fields, data: { ...half, one: 1 } }),
    await put({ data: { list: listOf(bodyValuesMax, () => []) } }),
    await put({ data: { list: listOf(bodyValuesMax / 2, (i) => ({ i })) } }),
    await put({ delta: listOf(bodyValuesMax / 2, (i) => ({ insert: i % 2 ? 'a' : 'b' })) }),
    await api.call('PATCH', '/blocks/most', { fields: keysOf(keysMax + 1) }),
    await transact([
      { op: 'put', block: 'b', type: 'text', fields },
      { op: 'patch', block: 'b', data: keysOf(keysMax / 2 + 1) },
    ]),
    await transact(listOf(runOperationsMax + 1, (i) => ({ op: 'startRun', block: 'most', index: `i${i}` }))),
    await transact(listOf(runOperationsMax + 1, (i) => ({ op: 'removeIndex', block: 'most', index: `i${i}` }))),
  ]
  // Told before the schemas see them: these would name the faults of each.
  const { operationsMax } = API_LIMITS
  refused.push(
    await put({ fields: keysOf(keysMax + 1), content: 7 }),
    await transact(listOf(operationsMax + 1, () => ({}))),
  )
  expect(refused.map(({ status, body }) => [status, body.error.code])).toEqual(refused.map(() => [413, 'too_large']))
  expect((await api.call('GET', '')).body).toMatchObject({ lsn: 1, blocks: 1 })
})

/** Sends the headers of a request with a body, and as much of the body. Gives the first line of the answer. */
function begin(url: string, headers: Record<string, string>, length: number | 'chunked'): Promise<string> & Disposable {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const size = length === 'chunked' ? 'transfer-encoding: chunked' : `content-length: ${length}`
  const lines = Object.entries({ host: hostname, 'content-type': 'application/json', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  socket.write(`PUT /v1/workspaces/w/blocks/b HTTP/1.1\r\n${[...lines, size].join('\r\n')}\r\n\r\n`)
  const answer = new Promise<string>((resolve) => {
    socket.once('data', (bytes) => resolve(bytes.toString()))
    socket.once('close', () => resolve(''))
    socket.once('error', () => resolve(''))
  })
  return Object.assign(answer, { [Symbol.dispose]: () => void socket.destroy() })
}

it('[H65] bodies on their way have a bound in all and for each actor, and are counted until they are answered', async () => {
  await using api = await ApiFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    limits: { bodyBytesMax: 1_000, bodiesInFlightBytesMax: 3_000, bodiesInFlightPerActorBytesMax: 2_000 },
  })
  const [eve, mallory, ann] = await Promise.all(['eve', 'mallory', 'ann'].map((sub) => bearer(sub)))
  const put = async (headers = {}) => {
    const { status, headers: sent, body } = await api.call('PUT', '/blocks/b', { type: 'text' }, headers)
    return [status, body?.error?.code, sent.get('retry-after')]
  }
  const { url } = api.server
  {
    using _first = begin(url, { ...eve }, 1_000)
    using _second = begin(url, { ...eve }, 'chunked')
    // Another actor's bodies pass, and a reading without a body.
    await expect.poll(() => put(eve)).toEqual([503, 'busy', '1'])
    expect((await put(ann))[0]).toBeLessThan(300)
    expect((await api.call('GET', '/blocks/b', undefined, eve)).status).toBe(200)
    using _third = begin(url, { ...mallory }, 1_000)
    await expect.poll(() => put(ann)).toEqual([503, 'busy', '1'])
    // One that is too large is told so, and takes no more than the largest.
    using large = begin(url, { ...ann }, 5_000)
    expect(await large).toMatch(/^HTTP\/1.1 (413|503)/)
  }
  await expect.poll(() => put(eve).then(([status]) => Number(status) < 300)).toBe(true)
})
