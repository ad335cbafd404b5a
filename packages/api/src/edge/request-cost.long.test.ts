import { openMemoryStore } from '@joinery/log'
import { createAuthenticator } from '@joinery/server'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { FREE_COSTS } from '../request-work.ts'
import { ApiFixture } from '../testing/api-fixture.ts'
import { bearer, SECRET } from '../testing/bearer.ts'

/** Writes a workspace whose past takes many parts to replay: each record is larger than a part. */
async function writeLong(api: ApiFixture, workspace: string, headers: Record<string, string>): Promise<void> {
  for (let n = 0; n < 6; n++) {
    const content = `${n} `.repeat(130_000)
    const { status } = await api.call(
      'PUT',
      `/v1/workspaces/${workspace}/blocks/b${n}`,
      { type: 'text', content },
      headers,
    )
    expect(status).toBe(201)
  }
}

it('[H63] two readers with many expensive requests do not hold a third one’s `?at=`', async () => {
  await using api = await ApiFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    // A busy machine may take longer for all of them than a caller waits.
    limits: { replayWaitMs: 600_000, costWaitMs: 600_000 },
  })
  const [eve, mallory, ann] = await Promise.all(['eve', 'mallory', 'ann'].map((sub) => bearer(sub)))
  await writeLong(api, 'w', await bearer('writer'))
  const answered: string[] = []
  const read = async (who: string, headers: Record<string, string> | undefined): Promise<number> => {
    const { status } = await api.call('GET', '/blocks/b0?at=5', undefined, headers)
    answered.push(who)
    return status
  }
  const greedy = Array.from({ length: 12 }, () => [read('eve', eve), read('mallory', mallory)]).flat()
  // They are being worked on.
  await Promise.race(greedy)
  const statuses = await Promise.all([...greedy, read('ann', ann)])
  expect(new Set(statuses)).toEqual(new Set([200]))
  // The others have two places each; what they have begun may end first, and what they begin meanwhile.
  expect(answered.indexOf('ann')).toBeLessThan(greedy.length / 2)
})

/** Budgets that never fill up again, while others want the time. */
const SPENT = {
  principalCostShare: 1e-6,
  principalCostBurstMs: 150,
  workspaceCostBurstMs: 1e9,
  costContentionMs: 1e9,
}

it('[H62] a caller over budget is answered 429 with a time to come back, others go on', async () => {
  await using api = await ApiFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    serverLimits: SPENT,
    limits: { costWaitMs: 0 },
  })
  const eve = await bearer('eve')
  await writeLong(api, 'w', await bearer('writer'))
  const read = (headers: Record<string, string>, path = '/diff?from=1&to=6') =>
    api.call('GET', path, undefined, headers)
  let refused = await read(eve)
  while (refused.status === 200) refused = await read(eve)
  expect(refused).toMatchObject({ status: 429, body: { error: { code: 'over_budget' } } })
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  // Refused before the body is read, and in any workspace.
  const put = await api.call('PUT', '/v1/workspaces/v/blocks/b', { type: 'text' }, eve)
  expect(put).toMatchObject({ status: 429, body: { error: { code: 'over_budget' } } })
  const list = await api.call('GET', '/v1/workspaces', undefined, eve)
  expect(list).toMatchObject({ status: 429, body: { error: { code: 'over_budget' } } })
  // A turn of over 10 ms, as a busy machine makes of a short one, is paid from no burst: the next newcomer has another try.
  let newcomers = 0
  const newcomer = async () => (await read(await bearer(`ann${newcomers++}`), '')).status
  await expect.poll(newcomer).toBe(200)
})

it('[H62] a caller over budget waits, and goes on when nobody else wants the time', async () => {
  const limits = { ...SPENT, principalCostBurstMs: 1, costContentionMs: 300 }
  await using api = await ApiFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    serverLimits: limits,
    limits: { costWaitMs: 1e9 },
  })
  const [eve, ann] = await Promise.all([bearer('eve'), bearer('ann')])
  await writeLong(api, 'w', await bearer('writer'))
  await api.call('GET', '', undefined, ann)
  await api.call('GET', '/diff?from=1&to=6', undefined, eve)
  const { costs } = api.server
  await api.call('GET', '', undefined, ann)
  // Its debt is there for good, as long as somebody else has work.
  const late = api.call('GET', '/blocks/b0?at=2', undefined, eve)
  expect((await late).status).toBe(200)
  expect(costs.restOf({ principal: 'eve', workspace: 'w' })).toBe(0)
})

it('[H62] one caller may have so many requests wait, further ones are answered at once', async () => {
  await using api = await ApiFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    serverLimits: SPENT,
    limits: { costWaitMs: 1e12, costWaitingPerActorMax: 3 },
  })
  const [eve, ann] = await Promise.all([bearer('eve'), bearer('ann')])
  await writeLong(api, 'w', await bearer('writer'))
  await api.call('GET', '', undefined, ann)
  const { costs } = api.server
  // Books work for eve as a request of hers would.
  while (costs.restOf({ principal: 'eve', workspace: 'w' }) === 0) {
    costs.book({ principal: 'eve', workspace: 'w' }, performance.now() - 100)
  }
  const ended = new AbortController()
  const settled: number[] = []
  const gets = Array.from({ length: 5 }, () =>
    fetch(`${api.server.url}/v1/workspaces/w`, { headers: eve, signal: ended.signal }).then(
      ({ status }) => settled.push(status),
      () => undefined,
    ),
  )
  await expect.poll(() => settled).toEqual([429, 429])
  ended.abort()
  await Promise.all(gets)
})

it.each([
  ['GET', ''],
  ['GET', '/blocks'],
  ['GET', '/update'],
])('[H62] a caller pays for the document that is built for %s %s', async (method, path) => {
  const store = openMemoryStore()
  const log = await store.open('w')
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'x')
  const update = Y.encodeStateAsUpdate(doc)
  await log.append({ update, actor: 'a', source: 'user_action', connection: 'c', touched: [] }).durable
  await log.close()
  await using api = await ApiFixture.start({
    authenticator: createAuthenticator({ secret: SECRET }),
    serverLimits: { ...SPENT, principalCostBurstMs: 0 },
    store,
    // The request itself is free: all that is booked is the room's.
    costs: FREE_COSTS,
  })
  const { costs } = api.server
  costs.book({ principal: 'ann', workspace: undefined }, performance.now() - 1)
  const { status } = await api.call(method, path, undefined, await bearer('eve'))
  expect(Math.floor(status / 100)).toBe(2)
  expect(costs.restOf({ principal: 'eve', workspace: 'w' })).toBeGreaterThan(0)
})
