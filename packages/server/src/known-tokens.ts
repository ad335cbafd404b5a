import { hash } from 'node:crypto'

/** Characters of all tokens that are remembered: some ten thousand of the usual size. Their claims take about five times as much memory. */
const KNOWN_CHARS_MAX = 4 * 1024 * 1024

/** The keys that a token was checked with, as one object. Other keys are another object. */
export type KeySet = object

interface KnownToken<C> {
  readonly claims: C
  readonly keys: KeySet
  /** The time at which it was checked, and that at which it expires, ms since epoch. */
  readonly fromMs: number
  readonly untilMs: number
  readonly chars: number
}

/**
 * The claims of tokens whose signature was checked, by a digest of the token: to check it again takes a trip to another thread.
 * The tokens that were used last are kept.
 */
export class KnownTokens<C> {
  readonly #charsMax: number
  /** The one that was used last comes last. */
  readonly #known = new Map<string, KnownToken<C>>()
  #chars = 0

  constructor(charsMax = KNOWN_CHARS_MAX) {
    this.#charsMax = charsMax
  }

  /** The claims of a token if it was good with these keys, for a time that includes `nowMs`. */
  claimsOf(token: string, keys: KeySet | undefined, nowMs: number): C | undefined {
    const digest = digestOf(token)
    const known = this.#known.get(digest)
    if (known === undefined) return undefined
    this.#known.delete(digest)
    // The clock may have been set back to before the token was good.
    if (known.keys === keys && nowMs >= known.fromMs && nowMs < known.untilMs) {
      this.#known.set(digest, known)
      return known.claims
    }
    this.#chars -= known.chars
    return undefined
  }

  /** The claims with which a token was remembered, whether or not it is still good. */
  lastClaimsOf(token: string): C | undefined {
    return this.#known.get(digestOf(token))?.claims
  }

  remember(token: string, claims: C, good: { keys: KeySet; fromMs: number; untilMs: number }): void {
    const digest = digestOf(token)
    this.#forget(digest)
    this.#known.set(digest, { claims, ...good, chars: token.length })
    this.#chars += token.length
    for (const oldest of this.#known.keys()) {
      if (this.#chars <= this.#charsMax) return
      this.#forget(oldest)
    }
  }

  #forget(digest: string): void {
    this.#chars -= this.#known.get(digest)?.chars ?? 0
    this.#known.delete(digest)
  }
}

function digestOf(token: string): string {
  return hash('sha256', token, 'base64')
}
