import type { SteadyClock } from '@joinery/log'
import { ConsecutiveBreaker } from 'cockatiel'

/**
 * A circuit breaker for one host: it opens after failures in a row, and lets one attempt through when its time is over. The
 * outcomes of all workers feed it. Its times are those of the monotonic clock, which cockatiel's own policy does not use.
 */
export class HostBreaker {
  readonly #clock: SteadyClock
  readonly #openMs: number
  readonly #rule: ConsecutiveBreaker
  #openedAtMs: number | undefined
  #openedWallMs = 0
  #isProbing = false

  constructor(clock: SteadyClock, { failures, openMs }: { readonly failures: number; readonly openMs: number }) {
    this.#clock = clock
    this.#openMs = openMs
    this.#rule = new ConsecutiveBreaker(failures)
  }

  get state(): 'closed' | 'open' | 'half_open' {
    if (this.#openedAtMs === undefined) return 'closed'
    return this.#clock.monotonicMs() - this.#openedAtMs < this.#openMs ? 'open' : 'half_open'
  }

  /** Time at which one attempt is let through, ms since epoch; undefined while it is closed. */
  get until(): number | undefined {
    return this.#openedAtMs === undefined ? undefined : this.#openedWallMs + this.#openMs
  }

  /** Whether an attempt may begin. */
  get isPassable(): boolean {
    const { state } = this
    return state === 'closed' || (state === 'half_open' && !this.#isProbing)
  }

  /** An attempt has begun. */
  begin(): void {
    if (this.state === 'half_open') this.#isProbing = true
  }

  /** An attempt has ended without an answer of the host. */
  drop(): void {
    this.#isProbing = false
  }

  succeed(): void {
    this.#rule.success()
    this.#openedAtMs = undefined
    this.#isProbing = false
  }

  /** Returns whether the breaker has opened. */
  fail(): boolean {
    const isHalfOpen = this.state !== 'closed'
    const opens = this.#rule.failure() || isHalfOpen
    this.#isProbing = false
    if (opens) {
      this.#openedAtMs = this.#clock.monotonicMs()
      this.#openedWallMs = this.#clock.wallMs()
    }
    return opens
  }
}
