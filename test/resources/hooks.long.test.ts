import { expect, it } from 'vitest'
import { HOOK_SECRET, ResourceScene, stripeAt } from './resource-scene.ts'

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
