interface Bucket {
  tokens: number
  atMs: number
}

/** Buckets kept. Beyond that, full buckets are discarded: they hold no information. */
const BUCKETS_MAX = 10_000

/** Limits the rate of each caller by a token bucket: `burst` requests at once, `perSecond` in the long run. */
export class RequestRate {
  readonly #perMs: number
  readonly #burst: number
  readonly #now: () => number
  readonly #buckets = new Map<string, Bucket>()

  /** `now` is a clock in ms that never goes back. */
  constructor(perSecond: number, burst: number, now: () => number = () => performance.now()) {
    this.#perMs = perSecond / 1000
    this.#burst = burst
    this.#now = now
  }

  /** Takes one token. Returns undefined when there was one, else the ms until there is one. */
  take(caller: string): number | undefined {
    const nowMs = this.#now()
    const bucket = this.#refilled(caller, nowMs)
    if (bucket.tokens < 1) return Math.ceil((1 - bucket.tokens) / this.#perMs)
    bucket.tokens -= 1
    return undefined
  }

  /** Number of callers with a bucket. */
  get size(): number {
    return this.#buckets.size
  }

  #refilled(caller: string, nowMs: number): Bucket {
    const known = this.#buckets.get(caller)
    if (known !== undefined) {
      known.tokens = Math.min(this.#burst, known.tokens + (nowMs - known.atMs) * this.#perMs)
      known.atMs = nowMs
      return known
    }
    if (this.#buckets.size >= BUCKETS_MAX) this.#dropFull(nowMs)
    const bucket = { tokens: this.#burst, atMs: nowMs }
    this.#buckets.set(caller, bucket)
    return bucket
  }

  #dropFull(nowMs: number): void {
    for (const [caller, { tokens, atMs }] of this.#buckets) {
      if (tokens + (nowMs - atMs) * this.#perMs >= this.#burst) this.#buckets.delete(caller)
    }
    // All buckets are in use: the oldest are discarded, which gives their callers one burst and bounds memory.
    for (const caller of this.#buckets.keys()) {
      if (this.#buckets.size < BUCKETS_MAX) return
      this.#buckets.delete(caller)
    }
  }
}
