import type { Observable } from '@joinery/client'
import type { DeviceStorage } from '../device-storage.ts'
import { claimsOf, isToken } from './token-text.ts'

export interface TokenKeeperOptions {
  /** Keeps the token for this tab: a page that is loaded again has no fragment any more. */
  readonly storage: DeviceStorage
  /** Ways to get a new token, tried in this order. Each resolves with undefined if it has none, and may reject. */
  readonly renewals: readonly (() => Promise<unknown>)[]
  readonly now: () => number
}

const KEY = 'joinery token'
/** How long before its end a token is renewed, ms; of a short one, a fifth of its time. */
const AHEAD_MS = 60_000
/** Time until the next attempt while nothing gives a new token, ms. */
const RETRY_MS = 15_000
/** Longest time that a browser's timer takes, ms. */
const TIMER_MAX_MS = 2 ** 31 - 1

/** The token of this page: renewed before it ends, kept for this tab, and never written into an address. */
export class TokenKeeper implements Observable<string | undefined> {
  readonly #options: TokenKeeperOptions
  readonly #listeners = new Set<() => void>()
  #token: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #renewing: Promise<void> | undefined

  constructor(options: TokenKeeperOptions) {
    this.#options = options
    const kept = options.storage.getItem(KEY)
    this.#token = isToken(kept) ? kept : undefined
    this.#plan()
  }

  readonly get = (): string | undefined => this.#token

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Takes another token, from a link or from the page that opened this one. Ignores a text of another form. */
  take(token: unknown): void {
    if (!isToken(token) || token === this.#token) return
    this.#token = token
    this.#options.storage.setItem(KEY, token)
    this.#plan()
    for (const listener of [...this.#listeners]) listener()
  }

  /** The token for the next connection: a new one if this one is missing or is about to end, and somebody gives one. */
  async fresh(): Promise<string | undefined> {
    if (this.#leftMs() <= 0) await this.renew()
    return this.#token
  }

  /** Asks for a new token, once at a time. Never rejects: without one, the server says what is wrong with the present one. */
  renew(): Promise<void> {
    this.#renewing ??= this.#ask().finally(() => {
      this.#renewing = undefined
      this.#plan()
    })
    return this.#renewing
  }

  close(): void {
    clearTimeout(this.#timer)
  }

  async #ask(): Promise<void> {
    for (const renewal of this.#options.renewals) {
      const token = await renewal().catch(() => undefined)
      if (isToken(token)) return this.take(token)
    }
  }

  /** Time until the token is renewed, ms; 0 without a token, and endless for one without an end. */
  #leftMs(): number {
    if (this.#token === undefined) return 0
    const { issuedAtMs, endsAtMs } = claimsOf(this.#token)
    if (endsAtMs === undefined) return Number.POSITIVE_INFINITY
    const wholeMs = endsAtMs - (issuedAtMs ?? endsAtMs - AHEAD_MS * 5)
    return Math.max(0, endsAtMs - Math.min(AHEAD_MS, wholeMs / 5) - this.#options.now())
  }

  #plan(): void {
    clearTimeout(this.#timer)
    if (this.#token === undefined || this.#options.renewals.length === 0) return
    const leftMs = this.#leftMs()
    if (leftMs === Number.POSITIVE_INFINITY) return
    this.#timer = setTimeout(() => void this.renew(), Math.min(TIMER_MAX_MS, leftMs === 0 ? RETRY_MS : leftMs))
  }
}
