import { expect, it } from 'vitest'
import { Ledger } from './ledger.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'

const CACHE = { ttlMs: 3_600_000, staleIfErrorMs: 3_600_000, negativeMs: 3_600_000 }

it('[RS44, H117] a look at the service is kept until there is news, and writes nothing', async () => {
  await using scene = await ResourceScene.start({ resources: (ledger) => stripeAt(ledger, { cache: CACHE }) })
  const path = (name: string) => `${scene.home}/blocks/order/statuses/payment@1/${name}/outside`
  const look = (name: string) => scene.call('GET', path(name))
  await scene.run('deposit', { amount: 500, currency: 'eur' })
  const { detail } = await scene.shows('deposit', { status: 'requires_action' })
  const id = (detail as { id: string }).id
  const first = await look('deposit')
  expect(first.status, JSON.stringify(first.json)).toBe(200)
  expect(first.json).toMatchObject({ observed: { status: 'requires_action', externalId: id }, isStale: false })

  // The ledger moves without telling: the same answer is given until somebody asks for another.
  let asked = 0
  scene.ledger.onRequest = (at) => {
    if (at === `/v1/payment_intents/${id}`) asked += 1
  }
  scene.ledger.move(id, 'payment_intent.processing', (intent) => {
    intent.status = 'processing'
  })
  expect((await look('deposit')).json).toEqual(first.json)
  expect(asked).toBe(0)
  expect((await scene.call('DELETE', `${path('deposit')}/cache`)).status).toBe(204)
  expect((await look('deposit')).json).toMatchObject({ observed: { status: 'processing' } })
  // A look is no status.
  expect(await scene.entry('deposit')).toMatchObject({ status: 'requires_action' })

  // An event is news: what was known before it is gone.
  await scene.send(scene.ledger.move(id, 'payment_intent.succeeded', Ledger.charge))
  await scene.shows('deposit', { status: 'captured' })
  // The event wakes the task of the run, too, whose own look is news.
  const open = async () => (await scene.call('GET', `${scene.home}/tasks?state=running,waiting,queued,stalled`)).json
  await expect.poll(open).toMatchObject({ tasks: [] })
  expect((await look('deposit')).json).toMatchObject({ observed: { status: 'captured' }, isStale: false })

  // A service that is away: the last answer, marked as old, or an error that says when to come again.
  await scene.call('PUT', `${scene.home}/blocks/other`, { type: 'order' })
  scene.ledger.fault = () => ({ drop: true })
  expect((await look('deposit')).json).toMatchObject({ observed: { status: 'captured' } })
  await scene.call('DELETE', `${path('deposit')}/cache`)
  const away = await look('deposit')
  expect([away.status, away.json]).toMatchObject([503, { error: { code: 'unavailable' } }])
  expect(away.headers['retry-after']).toBe('5')

  const metrics = (await scene.call('GET', '/metrics')).text
  for (const line of [/outcome="miss"\} 3/, /outcome="hit"\} 2/, /outcome="failed"\} 1/]) {
    expect(metrics).toMatch(new RegExp(`joinery_cache_requests_total\\{${line.source}`))
  }
})

it('[RS44, H117] nobody looks at the payment of others by an id of one’s own choice, and an adapter without a cache is not asked', async () => {
  await using scene = await ResourceScene.start({
    resources: (ledger) => stripeAt(ledger, { cache: CACHE }),
  })
  await scene.run('deposit', { amount: 500, currency: 'eur' })
  await scene.shows('deposit', { status: 'requires_action', detail: { id: 'pi_1' } })
  const refused = async (machine: string, name: string) => {
    const { status, json } = await scene.call('GET', `${scene.home}/blocks/order/statuses/${machine}/${name}/outside`)
    return [status, (json as { error?: { code: string } }).error?.code]
  }
  // The worker is away, so that the run stays as its person wrote it.
  scene.ledger.fault = () => ({ drop: true })
  await scene.run('mine', { action: 'refund', id: 'pi_1' })
  expect(await refused('payment@1', 'mine')).toEqual([404, 'unknown_status'])
  expect(await refused('payment@1', 'none')).toEqual([404, 'unknown_status'])
  expect(await refused('sync@1', 'mine')).toEqual([404, 'unknown_machine'])
})
