import type { SteadyClock } from '@joinery/log'

/** Spreads work that is due at once, as after a restart: so many a second for each host. */
export class CatchUp {
  readonly #clock: SteadyClock
  readonly #intervalMs: number
  /** Time of the next turn of each host, ms of the monotonic clock. */
  readonly #next = new Map<string, number>()

  constructor(clock: SteadyClock, perSecond: number) {
    this.#clock = clock
    this.#intervalMs = 1_000 / perSecond
  }

  /** Takes the next turn of a host. Returns the time until then, ms: 0 for the first. */
  takeTurnMs(host: string): number {
    const nowMs = this.#clock.monotonicMs()
    const atMs = Math.max(nowMs, this.#next.get(host) ?? nowMs)
    this.#next.set(host, atMs + this.#intervalMs)
    return atMs - nowMs
  }
}
