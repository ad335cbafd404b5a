import type { Lease } from './lease.ts'

/** Why a lease ended before another holder came. */
export type LeaseEnding = 'released' | 'expired' | 'deleted'

/** Names one lease among all that ever had its name. */
export type LeaseId = Pick<Lease, 'name' | 'fence'>

/** One step in the history of a workspace's leases, as the log keeps it. */
export type LeaseEvent =
  /** The holder got the lease. An earlier holder of the name has lost it. */
  | { readonly type: 'acquired'; readonly lease: Lease }
  /** The holder renewed with another TTL. */
  | ({ readonly type: 'renewed'; readonly ttlMs: number } & LeaseId)
  | { readonly type: 'ended'; readonly leases: readonly LeaseId[]; readonly why: LeaseEnding }
  /** The log goes on in another copy of the data: all leases have ended, and fences are above `fence` from here on. */
  | { readonly type: 'copied'; readonly copy: string; readonly fence: number }

/** The leases of one workspace. */
export interface LeaseState {
  /** Id of the copy of the data in which the log was written; empty before the first event. */
  readonly copy: string
  /** The greatest fence that was given, or passed over. */
  readonly fence: number
  /** The leases that nobody has ended, by name. Time alone ends none of them here. */
  readonly leases: readonly Lease[]
}

/** Folds the events of one workspace's leases into their state. The result is a function of the events alone. */
export class LeaseFold {
  #copy: string
  #fence: number
  readonly #leases = new Map<string, Lease>()
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  constructor({ copy, fence, leases }: LeaseState = { copy: '', fence: 0, leases: [] }) {
    this.#copy = copy
    this.#fence = fence
    for (const lease of leases) this.#put(lease)
  }

  get copy(): string {
    return this.#copy
  }

  get fence(): number {
    return this.#fence
  }

  get leases(): ReadonlyMap<string, Lease> {
    return this.#leases
  }

  get state(): LeaseState {
    return { copy: this.#copy, fence: this.#fence, leases: [...this.#leases.values()] }
  }

  /** Takes the next event. An event about a lease that does not stand changes nothing. */
  take(event: LeaseEvent): void {
    switch (event.type) {
      case 'acquired':
        this.#fence = Math.max(this.#fence, event.lease.fence)
        this.#put(event.lease)
        return
      case 'renewed': {
        const lease = this.#standing(event)
        if (lease !== undefined) this.#put({ ...lease, ttlMs: event.ttlMs })
        return
      }
      case 'ended':
        for (const id of event.leases) this.#drop(this.#standing(id))
        return
      case 'copied':
        this.#copy = event.copy
        this.#fence = Math.max(this.#fence, event.fence)
        this.#leases.clear()
        this.#names.clear()
        this.#counts.clear()
        return
    }
  }

  /** The lease whose token holds this nonce, if it stands. */
  ofNonce(nonce: string): Lease | undefined {
    const name = this.#names.get(nonce)
    return name === undefined ? undefined : this.#leases.get(name)
  }

  /** Number of leases of an actor. */
  countOf(actor: string): number {
    return this.#counts.get(actor) ?? 0
  }

  #put(lease: Lease): void {
    this.#drop(this.#leases.get(lease.name))
    this.#counts.set(lease.actor, this.countOf(lease.actor) + 1)
    this.#leases.set(lease.name, lease)
    this.#names.set(lease.nonce, lease.name)
  }

  #drop(lease: Lease | undefined): void {
    if (lease === undefined) return
    const count = this.countOf(lease.actor) - 1
    if (count > 0) this.#counts.set(lease.actor, count)
    else this.#counts.delete(lease.actor)
    this.#leases.delete(lease.name)
    this.#names.delete(lease.nonce)
  }

  #standing({ name, fence }: LeaseId): Lease | undefined {
    const lease = this.#leases.get(name)
    return lease?.fence === fence ? lease : undefined
  }
}
