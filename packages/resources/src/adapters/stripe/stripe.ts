import type Stripe from 'stripe'
import { z } from 'zod'
import { cacheSchema } from '../../cache/cache-config.ts'
import type { Freshness } from '../../cache/read-cache.ts'
import { secretName } from '../../config/secret-name.ts'
import { ResourceError } from '../../resource-error.ts'
import type { AdapterKind, AdapterWorld, CallContext, Observed, ResourceAdapter, SyncContext } from '../adapter.ts'
import { observedOf } from './payment.ts'
import { metadataOf, routeEvent, sameResource } from './whose.ts'

/** Time for which an idempotency key is counted on, ms: Stripe may forget one that is 24 h old. */
const KEY_LIFETIME_MS = 23 * 3_600_000
/** Greatest amount that Stripe takes, in minor units. */
const AMOUNT_MAX = 99_999_999
const EXPANDED = ['latest_charge']

const config = z.strictObject({
  kind: z.literal('stripe'),
  secret: secretName.meta({ description: 'the API key' }),
  /** Currencies that a run may name, in lower case. */
  currencies: z.array(z.string().regex(/^[a-z]{3}$/, 'must be a currency of three lower-case letters')).min(1),
  /** Greatest amount of one payment, in minor units. */
  amountMax: z.int().min(1).max(AMOUNT_MAX),
  capture: z.enum(['automatic', 'manual']).default('automatic'),
  cache: cacheSchema.optional(),
  /** Where the API is, if not at Stripe: for tests. */
  url: z.url({ protocol: /^https?$/ }).optional(),
})
type Config = z.infer<typeof config>

const amount = z.int().min(1)
/** The details that start a run: by default a payment is made. */
const wish = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('pay'),
    amount,
    currency: z.string(),
    /** Without it the customer pays on a page of the application, with the intent. */
    payment_method: z.string().max(200).optional(),
    customer: z.string().max(200).optional(),
  }),
  z.object({ action: z.literal('capture'), id: z.string().max(200), amount: amount.optional() }),
  z.object({ action: z.literal('cancel'), id: z.string().max(200) }),
  z.object({ action: z.literal('look'), id: z.string().max(200) }),
  z.object({ action: z.literal('refund'), id: z.string().max(200), amount: amount.optional() }),
])
type Wish = z.infer<typeof wish>

/** Payments by Stripe: each run is one payment, one capture, one cancellation, one refund or one look. Amounts are whole numbers of minor units. */
export const STRIPE: AdapterKind<Config> = {
  kind: 'stripe',
  config,
  secretsOf: ({ secret }) => [secret],
  route: (event) => routeEvent(event),
  open: (given, world) => new StripeAdapter(given, world),
}

class StripeAdapter implements ResourceAdapter {
  readonly machine: string
  readonly host: string
  readonly keyLifetimeMs = KEY_LIFETIME_MS
  readonly poll = { firstMs: 5_000, maxMs: 10 * 60_000, timeoutMs: 24 * 3_600_000 }
  readonly lookAgain = 'events of Stripe still tell of it, and a run with {"action":"look","id":"pi_…"} looks again'
  readonly cache?: Freshness
  readonly #config: Config
  readonly #world: AdapterWorld
  #client: { readonly secret: string; readonly stripe: Stripe } | undefined

  constructor(given: Config, world: AdapterWorld) {
    this.machine = world.machine
    this.#config = given
    if (given.cache !== undefined) this.cache = given.cache
    this.#world = world
    this.host = given.url === undefined ? 'api.stripe.com' : new URL(given.url).host
  }

  sync(context: SyncContext): Promise<Observed> {
    return told(() => this.#sync(context))
  }

  async #sync(context: SyncContext): Promise<Observed> {
    const wanted = wishOf(context.detail)
    if (wanted.action === 'pay') return this.#pay(context, wanted)
    const intent = await this.#own(context, wanted.id)
    const { intents, refunds } = await this.#stripe()
    const options = { idempotencyKey: context.key }
    if (wanted.action === 'capture') {
      if (intent.status === 'requires_capture') {
        await intents.capture(
          intent.id,
          { ...(wanted.amount !== undefined && { amount_to_capture: wanted.amount }) },
          options,
        )
      }
    } else if (wanted.action === 'look') {
      return observedOf(intent)
    } else if (wanted.action === 'cancel') {
      if (intent.status !== 'canceled') await intents.cancel(intent.id, {}, options)
    } else {
      const part = wanted.amount === undefined ? {} : { amount: wanted.amount }
      await refunds.create({ payment_intent: intent.id, ...part, metadata: metadataOf(context) }, options)
    }
    return observedOf(await this.#retrieve(intent.id))
  }

  async query({ externalId }: CallContext): Promise<Observed> {
    if (externalId === undefined) throw new ResourceError('rejected', 'the payment has no id at Stripe yet')
    return observedOf(await told(() => this.#retrieve(externalId)))
  }

  find({ key }: CallContext & { readonly key: string }): Promise<Observed | undefined> {
    return told(() => this.#find(key))
  }

  async #find(key: string): Promise<Observed | undefined> {
    const { intents } = await this.#stripe()
    const { data } = await intents.search({ query: `metadata['joinery_key']:'${key}'`, expand: ['data.latest_charge'] })
    const [found] = data
    return found && observedOf(found)
  }

  /** A payment that was captured is refunded, one that was not is canceled. */
  undo(context: SyncContext): Promise<void> {
    return told(() => this.#undo(context))
  }

  async #undo(context: SyncContext): Promise<void> {
    const { action } = wishOf(context.detail)
    if (context.externalId === undefined || action === 'look') return
    const intent = await this.#own(context, context.externalId)
    if (action === 'cancel' || action === 'refund') {
      throw new ResourceError(
        'rejected',
        `a ${action === 'refund' ? 'refund' : 'cancellation'} at Stripe can’t be taken back`,
      )
    }
    const { intents, refunds } = await this.#stripe()
    const options = { idempotencyKey: context.key }
    const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
    if (intent.status === 'canceled' || charge?.refunded === true) return
    if (intent.status === 'processing')
      throw new ResourceError('unavailable', 'the payment is being processed: it can’t be taken back yet')
    if (intent.status === 'succeeded') await refunds.create({ payment_intent: intent.id }, options)
    else await intents.cancel(intent.id, {}, options)
  }

  async #pay(context: SyncContext, wanted: Extract<Wish, { action: 'pay' }>): Promise<Observed> {
    const { currencies, amountMax, capture } = this.#config
    const { amount: wantedAmount, currency, payment_method, customer } = wanted
    if (!currencies.includes(currency)) {
      throw new ResourceError('rejected', `the currency must be one of ${currencies.join(', ')}`)
    }
    if (wantedAmount > amountMax) {
      throw new ResourceError('rejected', `the amount must be at most ${amountMax} minor units of ${currency}`)
    }
    const { intents } = await this.#stripe()
    const intent = await intents.create(
      {
        amount: wantedAmount,
        currency,
        capture_method: capture,
        metadata: metadataOf(context),
        expand: EXPANDED,
        ...(customer !== undefined && { customer }),
        ...(payment_method !== undefined && { payment_method, confirm: true, off_session: true }),
      },
      { idempotencyKey: context.key },
    )
    // An answer under a key is the first one: the state may be another one by now.
    const now = context.attempt > 1 ? await this.#retrieve(intent.id) : intent
    if (now.amount !== wantedAmount || now.currency !== currency) {
      throw new ResourceError(
        'rejected',
        `Stripe has ${now.amount} ${now.currency} for this payment, and ${wantedAmount} ${currency} were asked for`,
      )
    }
    return observedOf(now)
  }

  /** An intent that belongs to the resource: nobody may name another's. */
  async #own({ resource }: CallContext, id: string): Promise<Stripe.PaymentIntent> {
    const intent = await this.#retrieve(id)
    if (sameResource(intent.metadata, resource)) return intent
    throw new ResourceError('rejected', 'this payment belongs to another resource')
  }

  async #retrieve(id: string): Promise<Stripe.PaymentIntent> {
    const { intents } = await this.#stripe()
    return intents.retrieve(id, { expand: EXPANDED })
  }

  async #stripe(): Promise<{ intents: Stripe['paymentIntents']; refunds: Stripe['refunds'] }> {
    const secret = this.#world.secrets.read(this.#config.secret)
    // A secret that was changed counts from the next call on.
    if (this.#client?.secret !== secret) this.#client = { secret, stripe: await clientOf(secret, this.#config.url) }
    const { paymentIntents, refunds } = this.#client.stripe
    return { intents: paymentIntents, refunds }
  }
}

/** The library is loaded when the first payment needs it: its 200 modules would slow the start of every server. */
async function clientOf(secret: string, at: string | undefined): Promise<Stripe> {
  const { default: Stripe } = await import('stripe')
  const url = at === undefined ? undefined : new URL(at)
  return new Stripe(secret, {
    // The task's own retries are journalled, and go on after a crash.
    maxNetworkRetries: 0,
    timeout: 60_000,
    telemetry: false,
    ...(url && {
      host: url.hostname,
      port: url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port),
      protocol: url.protocol === 'https:' ? 'https' : 'http',
    }),
  })
}

/** Makes calls of Stripe. Of a connection that broke nobody knows whether the request has arrived. */
async function told<T>(calls: () => Promise<T>): Promise<T> {
  try {
    return await calls()
  } catch (cause) {
    if (!isConnectionError(cause)) throw cause
    throw new ResourceError('unavailable', `Stripe gave no whole answer: ${cause.message}`, { cause, class: 'unsure' })
  }
}

function isConnectionError(error: unknown): error is Error {
  return error instanceof Error && 'type' in error && error.type === 'StripeConnectionError'
}

function wishOf(detail: CallContext['detail']): Wish {
  const { success, data, error } = wish.safeParse({ action: 'pay', ...detail })
  if (success) return data
  const [issue] = error.issues
  throw new ResourceError('rejected', `the details of the run: ${issue?.path.join('.')}: ${issue?.message}`)
}
