import { expect, it } from 'vitest'
import { Ledger } from './ledger.ts'
import { ResourceScene, stripeAt } from './resource-scene.ts'

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
