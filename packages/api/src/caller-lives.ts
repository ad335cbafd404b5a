import type { Identity, Revocations } from '@joinery/server'
import { ApiError } from './api-error.ts'

/** Why a caller may go on no longer. */
export type LifeEnd = 'expired' | 'revoked'

/** Longest time that a timer of Node can wait, ms. */
const TIMER_MS_MAX = 2 ** 31 - 1

/** The time for which a caller's token is good. `signal` aborts at its end, with the {@link LifeEnd} as reason. */
export interface CallerLife {
  readonly signal: AbortSignal
  /** Forgets the life. Call it when its stream is over. */
  forget(): void
}

/** The callers that have streams open. A stream must not outlive its token. */
export class CallerLives {
  readonly #revocations: Revocations | undefined
  readonly #lives = new Set<{ readonly identity: Identity; readonly ended: AbortController }>()
  readonly #unsubscribe: (() => void) | undefined

  constructor(revocations: Revocations | undefined) {
    this.#revocations = revocations
    this.#unsubscribe = revocations?.onRevoked(({ actor }) => this.#revoke(actor))
  }

  /** Number of open streams of an actor. */
  countOf(actor: string): number {
    let count = 0
    for (const { identity } of this.#lives) if (identity.actor === actor) count++
    return count
  }

  /** Throws `too_many_requests` for an actor that has `max` open streams. */
  assertRoom(actor: string, max: number): void {
    if (this.countOf(actor) < max) return
    const message = `this actor has ${max} streams and waiting requests, which is the most: end one of them`
    throw new ApiError('too_many_requests', message, { retryAfterSeconds: 5 })
  }

  begin(identity: Identity): CallerLife {
    const ended = new AbortController()
    const life = { identity, ended }
    this.#lives.add(life)
    let timer: NodeJS.Timeout | undefined
    const endsAtMs = performance.now() + ((identity.expiresAtMs ?? Number.POSITIVE_INFINITY) - Date.now())
    const wait = (): void => {
      const restMs = endsAtMs - performance.now()
      if (restMs <= 0) return ended.abort('expired' satisfies LifeEnd)
      timer = setTimeout(wait, Math.min(restMs, TIMER_MS_MAX))
      timer.unref()
    }
    if (identity.expiresAtMs !== undefined) wait()
    return {
      signal: ended.signal,
      forget: () => {
        clearTimeout(timer)
        this.#lives.delete(life)
      },
    }
  }

  /** Hears of no more revocations. */
  close(): void {
    this.#unsubscribe?.()
  }

  #revoke(actor: string): number {
    let count = 0
    for (const { identity, ended } of this.#lives) {
      const isOver = identity.actor === actor && (!identity.isAuthenticated || this.#revocations?.isRevoked(identity))
      if (!isOver || ended.signal.aborted) continue
      ended.abort('revoked' satisfies LifeEnd)
      count++
    }
    return count
  }
}
