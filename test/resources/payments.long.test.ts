import { expect, it } from 'vitest'
import { ResourceScene, stripeAt } from './resource-scene.ts'

const CARD = { amount: 1_250, currency: 'eur', payment_method: 'pm_card_visa' }

it('[RS9, RS12] a run of payment@1 is one payment at Stripe, and its block shows how it is', async () => {
  await using scene = await ResourceScene.start({ resources: stripeAt })
  await scene.run('deposit', CARD)
  const entry = await scene.shows('deposit', { status: 'captured', source: 'provider' })
  expect(entry.detail).toMatchObject({ amount: 1_250, received: 1_250, currency: 'eur', id: 'pi_1' })
  const [intent] = scene.ledger.charged
  expect(intent?.metadata).toMatchObject({ joinery_workspace: 'shop', joinery_block: 'order', joinery_name: 'deposit' })
  // A refund is a run of its own.
  await scene.run('deposit', { action: 'refund', id: 'pi_1', amount: 250 })
  await scene.shows('deposit', { status: 'partly_refunded', run: { no: 2 } })
  await scene.run('deposit', { action: 'refund', id: 'pi_1' })
  await scene.shows('deposit', { status: 'refunded', detail: { refunded: 1_250 }, run: { no: 3 } })
  expect(scene.ledger.charged).toEqual([])

  await scene.run('other', { amount: 100, currency: 'eur' })
  await scene.shows('other', { status: 'requires_action' })
  const refusals = [
    ['a card that is declined', { ...CARD, payment_method: 'pm_card_chargeDeclined' }, /declined/],
    ['another currency', { ...CARD, currency: 'usd' }, /currency must be one of eur/],
    ['an amount above the bound', { ...CARD, amount: 10_001 }, /at most 10000 minor units/],
    ['an amount in major units', { ...CARD, amount: 12.5 }, /amount/],
    ['no amount', { currency: 'eur' }, /amount/],
    ['another resource’s payment', { action: 'refund', id: 'pi_1' }, /belongs to another resource/],
  ] as const
  for (const [name, detail] of refusals) await scene.run(name.replaceAll(/[^a-z]/g, '-'), detail)
  for (const [name, , error] of refusals) {
    const shown = { status: 'failed', source: 'provider', error: expect.stringMatching(error) }
    await scene.shows(name.replaceAll(/[^a-z]/g, '-'), shown)
  }
  expect(scene.ledger.charged).toEqual([])
})
