/** Bounds of a cache of reads. */
export const CACHE_LIMITS = {
  entriesMax: 50_000,
  /** JSON of the values, and their keys. */
  bytesMax: 64 * 1024 * 1024,
} as const

/** Bytes that an entry needs beside its value and its key, estimated. */
const ENTRY_BYTES = 200
/** Part of `ttlMs` by which it is longer or shorter, so that entries of one moment are not asked for again at one moment. */
const JITTER = 0.1

/** How long an answer of a service may be given again. */
export interface Freshness {
  /** Time for which an answer counts as new, ms, give or take a tenth. */
  readonly ttlMs: number
  /** Time after that for which it is given at once, while the service is asked behind it, ms. */
  readonly staleMs: number
  /** Time after `ttlMs` for which it is given when the service fails, ms. */
  readonly staleIfErrorMs: number
  /** Time for which "there is none" counts, ms. */
  readonly negativeMs: number
}

/** Where an answer came from; `failed`: there was none. */
export type CacheOutcome = 'hit' | 'stale' | 'stale_error' | 'negative' | 'miss' | 'joined' | 'failed'

export interface CachedRead<T> {
  /** Undefined: the service has no such thing. */
  readonly value: T | undefined
  /** Time since the service answered, ms. */
  readonly ageMs: number
  readonly outcome: Exclude<CacheOutcome, 'failed'>
}

export interface ReadOptions<T> {
  readonly key: string
  /** Everything of a tag is dropped at once. */
  readonly tag: string
  readonly freshness: Freshness
  /** Asks the service. `signal` aborts when nobody waits any more. */
  readonly load: (signal: AbortSignal) => Promise<T | undefined>
  /** The reader gives up, alone: others may still wait for the same answer. */
  readonly signal: AbortSignal
}

export interface ReadCacheOptions {
  readonly limits?: { readonly entriesMax: number; readonly bytesMax: number }
  /** Monotonic clock, ms. */
  readonly nowMs?: () => number
  /** From 0 to 1. */
  readonly random?: () => number
}

interface Entry<T> {
  readonly tag: string
  readonly value: T | undefined
  readonly atMs: number
  readonly bytes: number
  readonly newUntilMs: number
  /** No call is made behind an answer before this time. */
  quietUntilMs: number
}

/** A call of the service that is on its way, and those who wait for it. */
interface Flight<T> {
  readonly key: string
  readonly tag: string
  readonly answer: Promise<T | undefined>
  readonly abort: AbortController
  waiters: number
}

/**
 * Keeps answers of services in memory, the least recently used ones go first. It is worth nothing: any entry may be gone, and an answer that
 * was asked for before news of its tag is not kept.
 */
export class ReadCache<T> {
  /** Numbers of reads since the start. */
  readonly counts = new Map<CacheOutcome, number>()
  readonly #limits: { readonly entriesMax: number; readonly bytesMax: number }
  readonly #nowMs: () => number
  readonly #random: () => number
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry<T>>()
  readonly #flights = new Map<string, Flight<T>>()
  readonly #keysOf = new Map<string, Set<string>>()
  #bytes = 0

  constructor({ limits = CACHE_LIMITS, nowMs = () => performance.now(), random = Math.random }: ReadCacheOptions = {}) {
    this.#limits = limits
    this.#nowMs = nowMs
    this.#random = random
  }

  get entries(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Rejects with the error of `load`, or with the reason of `signal`. */
  async read(options: ReadOptions<T>): Promise<CachedRead<T>> {
    options.signal.throwIfAborted()
    try {
      const read = await this.#read(options)
      this.#count(read.outcome)
      return read
    } catch (error) {
      this.#count('failed')
      throw error
    }
  }

  /** Forgets all entries of a tag. A call that is on its way serves those who wait for it, and nobody after them. */
  drop(tag: string): void {
    for (const key of this.#keysOf.get(tag) ?? []) {
      this.#flights.delete(key)
      this.#forget(key)
    }
    this.#keysOf.delete(tag)
  }

  /** Forgets everything, and ends the calls that are on their way. */
  close(): void {
    for (const { abort } of this.#flights.values()) abort.abort()
    for (const tag of [...this.#keysOf.keys()]) this.drop(tag)
  }

  async #read(options: ReadOptions<T>): Promise<CachedRead<T>> {
    const { key, freshness } = options
    const entry = this.#use(key)
    if (entry !== undefined && this.#nowMs() < entry.newUntilMs) {
      return this.#told(entry, entry.value === undefined ? 'negative' : 'hit')
    }
    const lateMs = entry === undefined ? Infinity : this.#nowMs() - entry.newUntilMs
    // That there is none is never told once it is old: the thing may be there by now.
    const isGiven = entry?.value !== undefined
    if (isGiven && lateMs < freshness.staleMs) {
      this.#refresh(options, entry)
      return this.#told(entry, 'stale')
    }
    const mayStay = isGiven && lateMs < freshness.staleIfErrorMs
    if (mayStay && this.#nowMs() < entry.quietUntilMs) return this.#told(entry, 'stale_error')
    const isJoined = this.#flights.has(key)
    try {
      const value = await this.#wait(this.#fly(options), options.signal)
      return { value, ageMs: 0, outcome: isJoined ? 'joined' : 'miss' }
    } catch (error) {
      if (!mayStay || options.signal.aborted) throw error
      entry.quietUntilMs = this.#nowMs() + freshness.ttlMs
      return this.#told(entry, 'stale_error')
    }
  }

  /** Asks the service behind an answer; once in `ttlMs` if it fails. */
  #refresh(options: ReadOptions<T>, entry: Entry<T>): void {
    if (this.#flights.has(options.key) || this.#nowMs() < entry.quietUntilMs) return
    const flight = this.#fly(options)
    // Nobody has to wait for it.
    flight.waiters += 1
    flight.answer.catch(() => {
      entry.quietUntilMs = this.#nowMs() + options.freshness.ttlMs
    })
  }

  /** The call for a key: the one that is on its way, or a new one. */
  #fly({ key, tag, freshness, load }: ReadOptions<T>): Flight<T> {
    const standing = this.#flights.get(key)
    if (standing !== undefined) return standing
    const abort = new AbortController()
    const answer = (async () => load(abort.signal))().then(
      (value) => {
        // News may have come meanwhile.
        if (this.#land(flight)) this.#keep(key, tag, value, freshness)
        return value
      },
      (error: unknown) => {
        this.#land(flight)
        throw error
      },
    )
    const flight: Flight<T> = { key, tag, abort, answer, waiters: 0 }
    this.#flights.set(key, flight)
    this.#tag(tag, key)
    return flight
  }

  /** Has nobody join a call any more. False if it was so before. */
  #land(flight: Flight<T>): boolean {
    const { key, tag } = flight
    const isOpen = this.#flights.get(key) === flight
    if (isOpen) this.#flights.delete(key)
    this.#untag(tag, key)
    return isOpen
  }

  async #wait(flight: Flight<T>, signal: AbortSignal): Promise<T | undefined> {
    flight.waiters += 1
    const { promise: left, reject } = Promise.withResolvers<never>()
    const leave = (): void => reject(signal.reason)
    signal.addEventListener('abort', leave)
    try {
      return await Promise.race([flight.answer, left])
    } finally {
      signal.removeEventListener('abort', leave)
      flight.waiters -= 1
      if (flight.waiters === 0) {
        // Its answer is an error from here on, which is nobody's.
        this.#land(flight)
        flight.abort.abort()
      }
    }
  }

  #keep(key: string, tag: string, value: T | undefined, { ttlMs, negativeMs }: Freshness): void {
    const forMs = value === undefined ? negativeMs : ttlMs * (1 - JITTER + this.#random() * 2 * JITTER)
    const bytes = Buffer.byteLength(JSON.stringify(value) ?? '') + Buffer.byteLength(key) + ENTRY_BYTES
    this.#forget(key)
    if (forMs <= 0 || bytes > this.#limits.bytesMax) return
    const atMs = this.#nowMs()
    this.#entries.set(key, { tag, value, atMs, bytes, newUntilMs: atMs + forMs, quietUntilMs: 0 })
    this.#bytes += bytes
    this.#tag(tag, key)
    for (const [oldest] of this.#entries) {
      if (this.#entries.size <= this.#limits.entriesMax && this.#bytes <= this.#limits.bytesMax) return
      this.#forget(oldest)
    }
  }

  /** The entry of a key, which is now the one that was used last. */
  #use(key: string): Entry<T> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
    this.#untag(entry.tag, key)
  }

  #tag(tag: string, key: string): void {
    const keys = this.#keysOf.get(tag) ?? new Set<string>()
    this.#keysOf.set(tag, keys.add(key))
  }

  /** A key stays at its tag while it has an entry or a call. */
  #untag(tag: string, key: string): void {
    if (this.#entries.has(key) || this.#flights.has(key)) return
    const keys = this.#keysOf.get(tag)
    keys?.delete(key)
    if (keys?.size === 0) this.#keysOf.delete(tag)
  }

  #told({ value, atMs }: Entry<T>, outcome: CachedRead<T>['outcome']): CachedRead<T> {
    return { value, ageMs: this.#nowMs() - atMs, outcome }
  }

  #count(outcome: CacheOutcome): void {
    this.counts.set(outcome, (this.counts.get(outcome) ?? 0) + 1)
  }
}
