import type { Json, SagaShape } from '@joinery/protocol'
import type { StepView } from './task.ts'
import type { Target } from './task-event.ts'
import type { Timers } from './timers.ts'

/** A lease that stands, with what its worker has told. The journal knows the lease, and not this. */
export interface LiveLease {
  readonly worker: string
  readonly saga: SagaShape
  readonly target: Target
  /** Time of the server, ms since epoch. */
  readonly beganAtMs: number
  /** Time without a beat after which it ends; the server's own by default. */
  readonly leaseMs?: number | undefined
  progress?: StepView['progress']
  details?: Json
  stalledMs?: number
}

type OnTime = (timer: 'lease' | 'attempt') => void

/** The leases of one workspace that stand, and their times. */
export class LiveLeases {
  readonly #timers: Timers
  readonly #leaseMs: number
  readonly #leases = new Map<string, LiveLease & { onTime: OnTime }>()
  readonly #onCount: (lease: LiveLease, by: 1 | -1) => void

  /** @param onCount called when a lease begins or ends, with the number by which it changes */
  constructor(timers: Timers, leaseMs: number, onCount: (lease: LiveLease, by: 1 | -1) => void) {
    this.#onCount = onCount
    this.#timers = timers
    this.#leaseMs = leaseMs
  }

  get size(): number {
    return this.#leases.size
  }

  values(): Iterable<LiveLease> {
    return this.#leases.values()
  }

  get(nonce: string): LiveLease | undefined {
    return this.#leases.get(nonce)
  }

  add(nonce: string, lease: LiveLease, onTime: OnTime): void {
    this.remove(nonce)
    this.#leases.set(nonce, { ...lease, onTime })
    this.#onCount(lease, 1)
    this.renew(nonce)
  }

  /** Gives the lease its whole time again. */
  renew(nonce: string): void {
    const lease = this.#leases.get(nonce)
    if (lease !== undefined)
      this.#timers.set(`lease ${nonce}`, lease.leaseMs ?? this.#leaseMs, () => lease.onTime('lease'))
  }

  /** Bounds the time of the attempt. */
  limit(nonce: string, ms: number): void {
    const lease = this.#leases.get(nonce)
    if (lease !== undefined) this.#timers.set(`attempt ${nonce}`, ms, () => lease.onTime('attempt'))
  }

  remove(nonce: string): void {
    const lease = this.#leases.get(nonce)
    if (lease === undefined) return
    this.#leases.delete(nonce)
    for (const kind of ['lease', 'attempt', 'grace']) this.#timers.clear(`${kind} ${nonce}`)
    this.#onCount(lease, -1)
  }

  clear(): void {
    for (const nonce of [...this.#leases.keys()]) this.remove(nonce)
  }
}
