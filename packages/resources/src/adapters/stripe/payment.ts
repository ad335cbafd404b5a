import type { JsonObject } from '@joinery/blocks'
import type Stripe from 'stripe'
import type { Observed } from '../adapter.ts'

/** Time for which no second look is needed: the customer has to act, which a webhook tells. */
const SETTLED: ReadonlySet<string> = new Set([
  'authorized',
  'captured',
  'partly_refunded',
  'refunded',
  'canceled',
  'failed',
  'disputed',
])

/** The state of an intent as `payment@1` names it. */
export function observedOf(intent: Stripe.PaymentIntent): Observed {
  const status = statusOf(intent)
  const error = intent.last_payment_error?.message ?? undefined
  return {
    status,
    externalId: intent.id,
    isSettled: SETTLED.has(status),
    ...(status === 'failed' && error !== undefined && { error }),
    detail: detailOf(intent),
  }
}

function statusOf(intent: Stripe.PaymentIntent): string {
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
  if (charge?.disputed === true) return 'disputed'
  switch (intent.status) {
    case 'requires_payment_method':
      return intent.last_payment_error == null ? 'requires_action' : 'failed'
    case 'requires_confirmation':
    case 'requires_action':
      return 'requires_action'
    case 'processing':
      return 'processing'
    case 'requires_capture':
      return 'authorized'
    case 'canceled':
      return 'canceled'
    case 'succeeded':
      if (charge?.refunded === true) return 'refunded'
      return (charge?.amount_refunded ?? 0) > 0 ? 'partly_refunded' : 'captured'
    default:
      return 'processing'
  }
}

function detailOf({
  amount,
  amount_received: received,
  currency,
  latest_charge: charge,
}: Stripe.PaymentIntent): JsonObject {
  const refunded = typeof charge === 'object' ? (charge?.amount_refunded ?? 0) : 0
  return { amount, received, currency, ...(refunded > 0 && { refunded }) }
}
