import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Costs, Pace, Payer, Turn } from '@joinery/server'
import { ApiError } from './api-error.ts'
import type { ApiLimits } from './api-limits.ts'

/** Costs that nobody pays. */
export const FREE_COSTS: Costs = { book: () => performance.now(), restOf: () => 0 }

/** How long the parts of a request take before others have their turns, ms. */
export const TURN_MS = 5

/** Time between two looks at the budget of a caller that waits, ms. It may be free to go on before its debt is paid. */
const LOOK_MS = 100

/** The caller of a request, as far as it may end before its request. */
export interface Caller {
  /** Whether the caller has gone: its request then waits no longer. */
  isGone(): boolean
  /** Throws once the caller's token has ended. */
  assertStands(): void
}

const HERE: Caller = { isGone: () => false, assertStands: () => undefined }

/** The pace of a work that has a place among others, and takes turns with them. */
export interface TurnPace extends Pace {
  /** Books a part that took so many ms of the event loop. */
  book(ms: number): void
  /** Settles as `work` does. Others have their turns meanwhile. */
  aside<T>(work: Promise<T>): Promise<T>
}

/**
 * The work of one request. Its caller pays in time of the event loop, as its sockets do for what they send. A caller over
 * budget waits between two parts of the work.
 */
export class RequestWork implements Pace {
  readonly payer: Payer
  /** The principal whose quotas count: the actor of a token, and without a token the address. */
  readonly owner: string
  readonly #callers: PayingCallers
  readonly #caller: Caller
  #waitLeftMs: number
  /** Time of the parts since the last pause, ms. */
  #turnMs = 0

  constructor(payer: Payer, owner: string, callers: PayingCallers, caller: Caller) {
    this.payer = payer
    this.owner = owner
    this.#callers = callers
    this.#caller = caller
    this.#waitLeftMs = callers.limits.costWaitMs
  }

  /** Throws `unauthorized` once the caller's token has ended. Call it in the turn of what the token has to allow. */
  assertStands(): void {
    this.#caller.assertStands()
  }

  /** Does one part of the work, in this turn of the event loop, and books what it takes, also if it throws. */
  part<T>(work: () => T): T {
    const sinceMs = performance.now()
    try {
      return work()
    } finally {
      this.#turnMs += this.#callers.costs.book(this.payer, sinceMs) - sinceMs
    }
  }

  /** Books a part that took so many ms of the event loop. */
  book(ms: number): void {
    this.#callers.costs.book(this.payer, performance.now() - ms)
  }

  /** The pace of a long work that gives its turn up between its parts. */
  inTurns(turn: Turn): TurnPace {
    return {
      part: (work) => this.part(work),
      book: (ms) => this.book(ms),
      pause: () => turn.giveUp(this.pause()),
      async aside(work) {
        await turn.giveUp(work)
        return work
      },
    }
  }

  /** {@link pause}s if the parts since the last pause have taken a turn: those of most requests take a fraction of one. */
  async breathe(): Promise<void> {
    if (this.#turnMs >= TURN_MS) await this.pause()
  }

  /** Lets others have their turn, then {@link rest}s. */
  async pause(): Promise<void> {
    this.#turnMs = 0
    await nextTurn()
    await this.rest()
  }

  /**
   * Resolves when the caller is within its budget: as a rule at once. Rejects with `over_budget` when the request would wait
   * longer than `costWaitMs` in all, or when too many requests of the caller wait already.
   */
  async rest(): Promise<void> {
    const { costs } = this.#callers
    let restMs = costs.restOf(this.payer)
    if (restMs === 0) return
    const sinceMs = performance.now()
    const leave = this.#callers.wait(this.payer, restMs)
    try {
      for (; restMs > 0; restMs = costs.restOf(this.payer)) {
        if (this.#callers.isClosed || this.#caller.isGone()) throw over()
        if (restMs > this.#waitLeftMs - (performance.now() - sinceMs)) throw overBudget(restMs)
        await delay(Math.min(restMs, LOOK_MS))
      }
    } finally {
      this.#waitLeftMs -= performance.now() - sinceMs
      leave()
    }
  }
}

/** The callers of all requests, as far as they pay for them. */
export class PayingCallers {
  readonly costs: Costs
  readonly limits: Pick<ApiLimits, 'costWaitMs' | 'costWaitingPerActorMax'>
  readonly #waiting = new Map<string, number>()
  #isClosed = false

  constructor(costs: Costs, limits: Pick<ApiLimits, 'costWaitMs' | 'costWaitingPerActorMax'>) {
    this.costs = costs
    this.limits = limits
  }

  /** @param owner the principal whose quotas count; the payer by default */
  begin(payer: Payer, owner = payer.principal, caller = HERE): RequestWork {
    return new RequestWork(payer, owner, this, caller)
  }

  /** True once nobody waits any longer. */
  get isClosed(): boolean {
    return this.#isClosed
  }

  /** Ends all waiting, for a server that closes. */
  close(): void {
    this.#isClosed = true
  }

  /** Counts a request that waits, until the returned function is called. */
  wait({ principal }: Payer, restMs: number): () => void {
    const others = this.#waiting.get(principal) ?? 0
    if (others >= this.limits.costWaitingPerActorMax) throw overBudget(restMs)
    this.#waiting.set(principal, others + 1)
    return () => {
      const left = (this.#waiting.get(principal) ?? 1) - 1
      if (left === 0) this.#waiting.delete(principal)
      else this.#waiting.set(principal, left)
    }
  }
}

function over(): ApiError {
  return new ApiError('unavailable', 'the server goes down, or the caller has gone', { retryAfterSeconds: 1 })
}

function overBudget(restMs: number): ApiError {
  const message =
    'the requests of this actor have taken more than their share of the server, and others wait: try again after Retry-After'
  return new ApiError('over_budget', message, { retryAfterSeconds: Math.max(1, Math.ceil(restMs / 1000)) })
}
