import { uuidv4 } from 'lib0/random'
import { abort, throwIfAborted, type WaitOptions, whenAborted } from './abort.ts'
import { backOffDelayMs } from './back-off.ts'
import { ClientError } from './client-error.ts'
import { askServer } from './history-request.ts'
import { type HeldAnswer, Lease, type LeaseHost, type LeaseStatus, pathOf, pause, RENEWALS_PER_TTL } from './lease.ts'
import { steadyNow } from './steady-clock.ts'

export interface LeaseOptions extends WaitOptions {
  /** Time after which the lease ends when this client dies, ms: 30,000 by default, 100 to 86,400,000. */
  readonly ttlMs?: number
  /** Tells people who holds the lease: the actor by default. */
  readonly holder?: string
}

/** How long one request waits at the server, ms: the most that it allows. */
const WAIT_MS = 25_000
/** Leases of one page of the list. */
const PAGE = 1_000

/**
 * The leases of a workspace, by names of the application's choice: one caller at a time holds a lease. All calls need the server,
 * and reject with `request_refused` when it refuses, and as the workspace does when that is closed.
 */
export class WorkspaceLeases {
  readonly #host: LeaseHost

  constructor(host: LeaseHost) {
    this.#host = host
  }

  /** Waits in order of asking until this client holds the lease, across reconnects, for as long as it takes. */
  async acquire(name: string, options: LeaseOptions = {}): Promise<Lease> {
    return this.#whileOpen(options.signal, async (signal) => {
      const key = uuidv4()
      for (let failures = 0; ; ) {
        try {
          const lease = await this.#ask(name, { ...options, signal }, key, WAIT_MS)
          if (lease !== undefined) return lease
          failures = 0
        } catch (error) {
          throwIfAborted(signal)
          if (!mayPass(error)) throw error
          failures++
          await pause(backOffDelayMs(failures, Math.random()), signal)
        }
      }
    })
  }

  /** Acquires the lease if nobody holds it; otherwise resolves with undefined. Rejects with `unreachable` without a server. */
  async try(name: string, options: LeaseOptions = {}): Promise<Lease | undefined> {
    return this.#whileOpen(options.signal, (signal) => this.#ask(name, { ...options, signal }, uuidv4(), 0))
  }

  /** The lease of a name; undefined while nobody holds it. */
  async status(name: string, { signal: asked }: WaitOptions = {}): Promise<LeaseStatus | undefined> {
    try {
      const { target } = this.#host
      return await this.#whileOpen(asked, (signal) => askServer<LeaseStatus>(target, { path: pathOf(name), signal }))
    } catch (error) {
      if (codeOf(error) === 'unknown_lease') return undefined
      throw error
    }
  }

  /** All leases that stand, in the order of their names. */
  async list({ signal: asked }: WaitOptions = {}): Promise<LeaseStatus[]> {
    return this.#whileOpen(asked, async (signal) => {
      const all: LeaseStatus[] = []
      for (let after: string | undefined; ; ) {
        const query = { limit: PAGE, after }
        const page = await askServer<{ leases: LeaseStatus[]; next: string | null }>(this.#host.target, {
          path: '/leases',
          query,
          signal,
        })
        all.push(...page.leases)
        if (page.next === null) return all
        after = page.next
      }
    })
  }

  /** Asks once. Undefined when another holds the lease after the wait. */
  async #ask(
    name: string,
    { ttlMs, holder, signal }: LeaseOptions,
    key: string,
    waitMs: number,
  ): Promise<Lease | undefined> {
    const body = { name, waitMs, ...(ttlMs !== undefined && { ttlMs }), ...(holder !== undefined && { holder }) }
    const askedAtMs = steadyNow()
    try {
      const { target } = this.#host
      const answer = await askServer<HeldAnswer>(target, { path: '/leases', body, key, signal })
      if (steadyNow() - askedAtMs < answer.ttlMs / RENEWALS_PER_TTL) return new Lease(this.#host, answer, askedAtMs)
      // Nobody knows how long the answer was on its way: the time of a renewal is known better.
      const renewedAtMs = steadyNow()
      const renewal = { path: `${pathOf(name)}/renew`, body: { token: answer.token }, signal }
      return new Lease(this.#host, await askServer<HeldAnswer>(target, renewal), renewedAtMs)
    } catch (error) {
      if (codeOf(error) === 'lease_held') return undefined
      throw error
    }
  }

  async #whileOpen<T>(signal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    throwIfAborted(signal)
    throwIfAborted(this.#host.closeSignal)
    const ended = new AbortController()
    const stops = [signal, this.#host.closeSignal].map((each) => each && whenAborted(each, (why) => abort(ended, why)))
    try {
      return await work(ended.signal)
    } finally {
      for (const stop of stops) stop?.()
    }
  }
}

/** Whether a request may pass when it is sent again: no answer came, or the server could not serve it then. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false
  return error.code === 'unreachable' || (error.refusal?.status ?? 0) >= 500 || codeOf(error) === 'lease_lost'
}

function codeOf(error: unknown): string | undefined {
  return error instanceof ClientError ? error.refusal?.code : undefined
}
