import type { Egress } from '../egress/egress.ts'
import type { Secrets } from '../secrets/secrets.ts'
import type { Slots } from '../slots.ts'
import { hasKind } from './batch.ts'
import type { CourierEndpoint } from './courier.ts'
import type { Delivery } from './lane-fold.ts'
import type { Failing } from './outbox-fold.ts'
import { type Sent, send } from './send.ts'
import type { ChangeKind, Subscription } from './subscription-config.ts'

/** A note about an endpoint in the server's journal. */
type Note = { readonly type: 'failing' | 'working' } | { readonly type: 'disabled'; readonly why: string }

export interface EndpointOptions {
  readonly name: string
  readonly subscription: Subscription
  readonly secrets: Secrets
  readonly egress: Pick<Egress, 'request'>
  readonly slots: Slots
  readonly failing: () => Failing | undefined
  readonly note: (event: Note) => void
}

/** One endpoint, for the couriers of all workspaces. */
export class Endpoint implements CourierEndpoint {
  readonly name: string
  readonly subscription: Subscription
  /** Numbers of attempts and of dead deliveries since the start. */
  readonly counts = new Map<Sent['outcome'] | 'dead', number>()
  readonly #options: EndpointOptions
  readonly #kinds: ReadonlySet<ChangeKind>

  constructor(options: EndpointOptions) {
    this.#options = options
    this.name = options.name
    this.subscription = options.subscription
    this.#kinds = new Set(options.subscription.events)
  }

  /** Since when nothing could be delivered, and whether that is still tried. */
  get failing(): Failing | undefined {
    return this.#options.failing()
  }

  get isDisabled(): boolean {
    return this.failing?.disabled !== undefined
  }

  wants(touched: readonly string[]): boolean {
    return hasKind(touched, this.#kinds)
  }

  attempt(delivery: Delivery, signal: AbortSignal): Promise<Sent> {
    const { slots, egress, secrets } = this.#options
    return slots.take(this.name, signal, () => send(egress, secrets, this.subscription, delivery, signal))
  }

  works(): void {
    if (this.failing !== undefined && !this.isDisabled) this.#options.note({ type: 'working' })
  }

  fails(): void {
    const { failing } = this
    if (failing === undefined) this.#options.note({ type: 'failing' })
    const forMs = Date.now() - (this.failing?.since ?? Date.now())
    if (!this.isDisabled && forMs > this.subscription.disableAfterMs) {
      this.disable(`nothing could be delivered since ${new Date(this.failing?.since ?? 0).toISOString()}`)
    }
  }

  disable(why: string): void {
    if (!this.isDisabled) this.#options.note({ type: 'disabled', why })
  }

  count(outcome: Sent['outcome'] | 'dead'): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1)
  }
}
