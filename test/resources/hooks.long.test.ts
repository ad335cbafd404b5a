import { expect, it } from 'vitest'
import { Ledger } from './ledger.ts'
import { HOOK_SECRET, ResourceScene, stripeAt } from './resource-scene.ts'

/** Orders of a payment's five events that are sent. The nightly command sends all 120. */
const ORDERS = Number(process.env.JOINERY_HOOK_ORDERS ?? (process.env.JOINERY_NIGHTLY === undefined ? 4 : 120))
/** The same event at once. */
const COPIES = process.env.JOINERY_NIGHTLY === undefined ? 200 : 1_000

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]]
  return items.flatMap((item, n) => permutations(items.toSpliced(n, 1)).map((rest) => [item, ...rest]))
}

it('[RS14, RS15, RS16] events in any order, doubled, show a payment as the service has it', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const all = permutations([0, 1, 2, 3, 4])
  const orders = Array.from({ length: ORDERS }, (_, n) => all[Math.floor((n * all.length) / ORDERS)] ?? [])
  for (const [n, order] of orders.entries()) {
    const name = `p${n}`
    await scene.run(name, { amount: 500, currency: 'eur' })
    const id = String(((await scene.shows(name, { status: 'requires_action' })).detail as { id: string }).id)
    const { ledger } = scene
    const events = [
      ledger.move(id, 'payment_intent.payment_failed', (intent) => {
        intent.last_payment_error = { message: 'Your card was declined.' }
      }),
      ledger.move(id, 'payment_intent.requires_action', (intent) => {
        intent.status = 'requires_action'
      }),
      ledger.move(id, 'payment_intent.processing', (intent) => {
        intent.status = 'processing'
      }),
      ledger.move(id, 'payment_intent.amount_capturable_updated', (intent) => {
        intent.status = 'requires_capture'
      }),
      ledger.move(id, 'payment_intent.succeeded', Ledger.charge),
    ]
    for (const index of order) {
      const event = events[index]
      if (event === undefined) throw new Error('no such event')
      const answers = [await scene.send(event), await scene.send(event)]
      expect(answers.map(({ status }) => status)).toEqual([202, 200])
    }
    await scene.shows(name, { status: 'captured', detail: { received: 500, id } })
  }
})

it('[RS14, RS15, A112] one of many copies at once is kept, and after a kill it is known', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  await scene.run('deposit', { amount: 500, currency: 'eur' })
  const { detail } = await scene.shows('deposit', { status: 'requires_action' })
  const event = scene.ledger.move((detail as { id: string }).id, 'payment_intent.succeeded', Ledger.charge)
  const answers = await Promise.all(Array.from({ length: COPIES }, () => scene.send(event)))
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(1)
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(COPIES - 1)
  await scene.killServer()
  expect((await scene.send(event)).json).toEqual({ duplicate: true })
  await scene.shows('deposit', { status: 'captured' })
  const { json } = await scene.call('GET', `${scene.home}/tasks?saga=payment%401.observe`)
  expect(json.tasks).toHaveLength(1)
  const metrics = (await scene.call('GET', '/metrics')).text
  expect(metrics).toMatch(/joinery_hooks_received_total\{endpoint="stripe",outcome="duplicate"\} 1/)
})

it('[RS14] bad requests are refused with one wording, and nothing of them is kept', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  const good = JSON.stringify({ id: 'evt_x', type: 'charge.updated', data: { object: {} } })
  const { default: Stripe } = await import('stripe')
  const sign = (payload: string, more: object = {}) =>
    Stripe.webhooks.generateTestHeaderString({ payload, secret: HOOK_SECRET, ...more })
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const cases: [string, string, string, number][] = [
    ['no signature', good, '', 400],
    ['another secret', good, sign(good, { secret: 'whsec_other' }), 401],
    ['another body', good.replace('evt_x', 'evt_y'), sign(good), 401],
    ['an old time', good, sign(good, { timestamp: nowSeconds - 400 }), 400],
    ['a time to come', good, sign(good, { timestamp: nowSeconds + 400 }), 400],
    ['a time in ms', good, sign(good, { timestamp: Date.now() }), 400],
    ['a negative time', good, sign(good, { timestamp: -5 }), 400],
    ['no number for a time', good, sign(good).replace(/t=\d+/, 't=abc'), 400],
    ['two times', good, `${sign(good)},t=${nowSeconds}`, 400],
    ['100 signatures', good, `${sign(good)}${',v1=00'.repeat(100)}`, 400],
    ['no JSON', 'hello', sign('hello'), 400],
    ['a list', '[]', sign('[]'), 400],
    ['an id of 10 kB', good.replace('evt_x', 'e'.repeat(10_000)), sign(good.replace('evt_x', 'e'.repeat(10_000))), 400],
    ['too many bytes', ' '.repeat(300_000), 'x', 413],
  ]
  for (const [what, body, signature, expected] of cases) {
    const { status, text } = await scene.send(body, signature)
    expect({ what, status }).toEqual({ what, status: expected })
    if (signature !== '' && expected !== 413 && body === good) expect(text).toBe('{"error":"bad_signature"}')
  }
  const headers = { 'stripe-signature': sign(good), 'content-encoding': 'gzip' }
  expect((await scene.call('POST', '/v1/hooks/stripe', good, headers)).status).toBe(415)
  expect((await scene.call('GET', '/v1/hooks/stripe')).status).toBe(405)
  expect((await scene.call('POST', '/v1/hooks/nobody', good)).status).toBe(404)
  // The last line of defence: what was refused is unknown.
  expect((await scene.send(good)).status).toBe(202)
  expect((await scene.send(good)).status).toBe(200)
  const other = good.replace('{}', '{"a":1}')
  expect((await scene.send(other)).json).toEqual({ conflict: true })
  await expect
    .poll(async () => (await scene.call('GET', '/metrics')).text, { message: 'the conflict is parked' })
    .toMatch(/joinery_hooks_parked 1/)
})
