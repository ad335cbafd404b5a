import { COUNT, defineStatusRules, NAME, type StatusClaim, statusClaims } from '@joinery/blocks'

type PaymentStatus = 'authorized' | 'captured' | 'failed' | 'refunded'
type PaymentSource = 'user_action' | 'provider'
interface PaymentExtras {
  readonly order: string
  readonly currency?: string
  /** In the currency's smallest unit. */
  readonly amount?: number
}
export type PaymentEntry = StatusClaim<PaymentStatus, PaymentSource, PaymentExtras>

/** Payments of a block, one for each order: all that Joinery has to know of them. */
export const PAYMENTS = statusClaims({
  part: 'payments',
  noun: 'order',
  rules: defineStatusRules<PaymentStatus, PaymentSource, PaymentExtras>({
    phases: [['authorized'], ['captured', 'failed'], ['refunded']],
    ranks: ['authorized', 'failed', 'captured', 'refunded'],
    sources: { user_action: 100, provider: 90 },
    failures: ['failed'],
    key: 'order',
    ofRun: { currency: NAME },
    ofReport: { amount: COUNT },
  }),
})
