import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'

/** A payment as the ledger keeps it, in Stripe's words. */
export interface Intent {
  readonly id: string
  readonly object: 'payment_intent'
  readonly amount: number
  readonly currency: string
  readonly metadata: Readonly<Record<string, string>>
  readonly created: number
  status: string
  amount_received: number
  latest_charge: Charge | null
  last_payment_error: { readonly message: string } | null
}

interface Charge {
  readonly id: string
  readonly object: 'charge'
  readonly amount: number
  amount_refunded: number
  refunded: boolean
  disputed: boolean
}

/** An event as Stripe sends it. */
export interface LedgerEvent {
  readonly id: string
  readonly object: 'event'
  readonly type: string
  readonly created: number
  readonly data: { readonly object: object }
}

interface Kept {
  readonly path: string
  readonly form: Readonly<Record<string, string>>
  /** Undefined while the request is in progress. */
  answer?: { readonly status: number; readonly body: object }
}

/** The faults of a request, in the order in which they are asked about. */
export interface Faults {
  /** The request is dropped before anything is done. */
  readonly drop?: boolean
  /** The request is done, and its answer is lost. */
  readonly lose?: boolean
  /** The request is done twice, as by a proxy that repeats it. */
  readonly double?: boolean
  /** The answer is 500, which is kept under its key. */
  readonly fail?: boolean
  /** Time for which the request is held before all else, ms. It is done also if its sender gives up meanwhile. */
  readonly heldMs?: number
}

/**
 * Stripe's contract where it matters to a client that dies half-way: idempotency keys with a check of their parameters, kept answers
 * (500s included), `409` while a request is in progress, keys that are forgotten, a search that is late, and declined cards.
 */
export class Ledger implements AsyncDisposable {
  readonly intents = new Map<string, Intent>()
  readonly events: LedgerEvent[] = []
  /** Times at which each POST arrived, by its path: repeats included. */
  readonly posts: string[] = []
  /** Chooses the faults of a request. */
  fault: (request: { readonly method: string; readonly path: string }) => Faults = () => ({})
  /** Called when a request has arrived, before it is answered. */
  onRequest: (path: string) => void = () => undefined
  /** Time until the search shows a payment, ms. */
  searchDelayMs = 0
  keyLifetimeMs = 24 * 3_600_000
  readonly #kept = new Map<string, Kept & { readonly at: number }>()
  readonly #server = createServer((request, response) => void this.#answer(request, response))
  #number = 0

  static async start(): Promise<Ledger> {
    const ledger = new Ledger()
    ledger.#server.listen(0, '127.0.0.1')
    await once(ledger.#server, 'listening')
    return ledger
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Payments that took money and did not give it back. */
  get charged(): Intent[] {
    return [...this.intents.values()].filter(({ latest_charge: charge }) => charge !== null && !charge.refunded)
  }

  /** Changes a payment from outside, as a customer, a bank or somebody at Stripe's dashboard does. */
  move(id: string, type: string, change: (intent: Intent) => void): LedgerEvent {
    const intent = this.intents.get(id)
    if (intent === undefined) throw new Error(`the ledger has no ${id}`)
    change(intent)
    return this.#tell(type, intent)
  }

  /** Takes the money of a payment. */
  static charge(intent: Intent): void {
    intent.status = 'succeeded'
    intent.amount_received = intent.amount
    const charge = { id: intent.id.replace('pi_', 'ch_'), object: 'charge', amount: intent.amount } as const
    intent.latest_charge = { ...charge, amount_refunded: 0, refunded: false, disputed: false }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request
    const url = new URL(request.url ?? '/', 'http://ledger')
    const form = Object.fromEntries(new URLSearchParams(await text(request)))
    const faults = this.fault({ method, path: url.pathname })
    if (faults.heldMs !== undefined) await pause(faults.heldMs)
    this.onRequest(url.pathname)
    if (faults.drop) return void response.destroy()
    if (!/^Bearer \S+$/.test(headers.authorization ?? ''))
      return send(response, 401, errorOf('invalid_request_error', 'no key'))
    if (method === 'GET') {
      const { status, body } = this.#get(url)
      return send(response, status, body)
    }
    this.posts.push(url.pathname)
    const key = headers['idempotency-key']
    const { status, body } = this.#once(typeof key === 'string' ? key : undefined, url.pathname, form, faults)
    if (faults.double) this.#once(typeof key === 'string' ? key : undefined, url.pathname, form, {})
    if (faults.lose) return void response.destroy()
    send(response, status, body)
  }

  #once(
    key: string | undefined,
    path: string,
    form: Readonly<Record<string, string>>,
    faults: Faults,
  ): { readonly status: number; readonly body: object } {
    const known = key === undefined ? undefined : this.#kept.get(key)
    if (known !== undefined && Date.now() - known.at < this.keyLifetimeMs) {
      if (known.path !== path || !isDeepStrictEqual(known.form, form)) {
        return { status: 400, body: errorOf('idempotency_error', 'the key was used with other parameters') }
      }
      return (
        known.answer ?? {
          status: 409,
          body: errorOf('idempotency_key_in_use', 'a request with this key is in progress'),
        }
      )
    }
    const answer = faults.fail ? { status: 500, body: errorOf('api_error', 'out of order') } : this.#post(path, form)
    if (key !== undefined) this.#kept.set(key, { path, form, answer, at: Date.now() })
    return answer
  }

  #get(url: URL): { readonly status: number; readonly body: object } {
    const [, , , id = ''] = url.pathname.split('/')
    if (id === 'search') {
      const [, name = '', value = ''] = /metadata\['(\w+)'\]:'([^']*)'/.exec(url.searchParams.get('query') ?? '') ?? []
      const shown = [...this.intents.values()].filter(
        ({ metadata, created }) => metadata[name] === value && Date.now() - created * 1_000 >= this.searchDelayMs,
      )
      return { status: 200, body: { object: 'search_result', data: shown, has_more: false, url: url.pathname } }
    }
    const found = this.intents.get(id)
    return found === undefined ? absent() : { status: 200, body: found }
  }

  #post(path: string, form: Readonly<Record<string, string>>): { readonly status: number; readonly body: object } {
    const [, , kind, id, action] = path.split('/')
    if (kind === 'refunds') return this.#refund(form)
    if (kind !== 'payment_intents') return absent()
    if (id === undefined) return this.#create(form)
    const intent = this.intents.get(id)
    if (intent === undefined) return absent()
    if (action === 'capture' && intent.status === 'requires_capture') {
      Ledger.charge(intent)
      this.#tell('payment_intent.succeeded', intent)
    } else if (action === 'cancel' && intent.status !== 'succeeded') {
      intent.status = 'canceled'
      this.#tell('payment_intent.canceled', intent)
    } else return { status: 400, body: errorOf('invalid_request_error', `the payment is ${intent.status}`) }
    return { status: 200, body: intent }
  }

  #create(form: Readonly<Record<string, string>>): { readonly status: number; readonly body: object } {
    const metadata = Object.fromEntries(
      Object.entries(form).flatMap(([name, value]) => {
        const [, key] = /^metadata\[(\w+)\]$/.exec(name) ?? []
        return key === undefined ? [] : [[key, value]]
      }),
    )
    const intent: Intent = {
      ...{
        id: `pi_${++this.#number}`,
        object: 'payment_intent',
        amount: Number(form.amount),
        currency: form.currency ?? '',
      },
      ...{ metadata, created: Math.floor(Date.now() / 1_000), status: 'requires_payment_method', amount_received: 0 },
      ...{ latest_charge: null, last_payment_error: null },
    }
    this.intents.set(intent.id, intent)
    this.#tell('payment_intent.created', intent)
    if (form.confirm !== 'true') return { status: 200, body: intent }
    if (form.payment_method === 'pm_card_chargeDeclined') {
      intent.last_payment_error = { message: 'Your card was declined.' }
      this.#tell('payment_intent.payment_failed', intent)
      return {
        status: 402,
        body: { error: { type: 'card_error', code: 'card_declined', message: 'Your card was declined.' } },
      }
    }
    if (form.payment_method === 'pm_card_authenticationRequired') intent.status = 'requires_action'
    else if (form.capture_method === 'manual') intent.status = 'requires_capture'
    else {
      Ledger.charge(intent)
      this.#tell('payment_intent.succeeded', intent)
    }
    return { status: 200, body: intent }
  }

  #refund(form: Readonly<Record<string, string>>): { readonly status: number; readonly body: object } {
    const intent = this.intents.get(form.payment_intent ?? '')
    const charge = intent?.latest_charge
    if (intent === undefined || charge == null) return absent()
    const left = charge.amount - charge.amount_refunded
    const amount = form.amount === undefined ? left : Number(form.amount)
    if (amount > left || left === 0) {
      return { status: 400, body: errorOf('invalid_request_error', 'the charge has already been refunded') }
    }
    charge.amount_refunded += amount
    charge.refunded = charge.amount_refunded === charge.amount
    this.#tell('charge.refunded', { ...charge, payment_intent: intent.id, metadata: intent.metadata })
    return {
      status: 200,
      body: { id: `re_${++this.#number}`, object: 'refund', amount, payment_intent: intent.id, status: 'succeeded' },
    }
  }

  #tell(type: string, object: object): LedgerEvent {
    const created = Math.floor(Date.now() / 1_000)
    const event = {
      id: `evt_${this.events.length + 1}`,
      object: 'event',
      type,
      created,
      data: { object: structuredClone(object) },
    } as const
    this.events.push(event)
    return event
  }
}

function errorOf(type: string, message: string): object {
  return { error: { type, message } }
}

function absent(): { readonly status: number; readonly body: object } {
  return { status: 404, body: errorOf('invalid_request_error', 'there is no such thing') }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_ledger' })
  response.end(JSON.stringify(body))
}
