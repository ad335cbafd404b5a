import { uuidv4 } from 'lib0/random'
import { abort, throwIfAborted, type WaitOptions, whenAborted } from './abort.ts'
import { backOffDelayMs } from './back-off.ts'
import { ClientError } from './client-error.ts'
import type { Draft } from './draft.ts'
import { askServer } from './history-request.ts'
import type { KeyedOptions, KeyedReceipt } from './keyed-edits.ts'
import type { ReplicaTarget } from './replica.ts'
import { steadyNow } from './steady-clock.ts'

/** A lease as everybody may see it. */
export interface LeaseStatus {
  readonly name: string
  readonly holder: string
  /** The actor that acquired it, as the server identified it. */
  readonly actor: string
  /** Greater than the fence of every earlier holder, and below 2^53. */
  readonly fence: number
  readonly ttlMs: number
  /** Server time, ms since epoch, as {@link expiresAt}: for people to read, and for no program to compare. */
  readonly acquiredAt: number
  readonly expiresAt: number
  /** Time until it ends unless its holder renews it, ms. */
  readonly remainingMs: number
  /** Number of callers that wait for it. */
  readonly waiting: number
}

/** The answer of the server to the holder. */
export interface HeldAnswer extends LeaseStatus {
  readonly token: string
}

/** The part of a workspace that a lease needs. */
export interface LeaseHost {
  readonly target: ReplicaTarget
  readonly closeSignal: AbortSignal
  transactOnce(edit: (draft: Draft) => void, options: KeyedOptions): Promise<KeyedReceipt>
}

/** Parts of a TTL after which the holder renews: two renewals may fail before the lease is lost. */
export const RENEWALS_PER_TTL = 3

/**
 * A lease that this client holds. It renews itself until it is released. {@link signal} aborts when it is lost, and when the
 * workspace is closed.
 */
export class Lease implements AsyncDisposable {
  readonly name: string
  readonly holder: string
  /** The number to send to anything that must refuse late writes. */
  readonly fence: number
  /** Proves who holds the lease: the header `X-Joinery-Lease` of writes over HTTP. */
  readonly token: string
  readonly ttlMs: number
  readonly #host: LeaseHost
  readonly #ended = new AbortController()
  readonly #unlisten: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #endsAtMs: number
  #failures = 0
  #released: Promise<void> | undefined

  /** @param askedAtMs when the lease was asked for: its time began later, on the clock of the server */
  constructor(host: LeaseHost, { name, holder, fence, token, ttlMs }: HeldAnswer, askedAtMs: number) {
    this.name = name
    this.holder = holder
    this.fence = fence
    this.token = token
    this.ttlMs = ttlMs
    this.#host = host
    this.#endsAtMs = askedAtMs + ttlMs
    this.#unlisten = whenAborted(host.closeSignal, (reason) => this.#end(reason))
    this.#wait(ttlMs / RENEWALS_PER_TTL)
  }

  /**
   * Aborts with `lease_lost` as soon as another may hold the lease: when the server says so, or has not answered for a TTL. Aborts
   * with the workspace's reason when that is closed. Stop the work then. A release aborts nothing.
   */
  get signal(): AbortSignal {
    return this.#ended.signal
  }

  /**
   * Makes an edit that counts only if the lease stands in the turn in which the server makes it: see `Workspace.transactOnce`.
   * Rejects with `lease_lost` otherwise, and nothing of the edit is anywhere.
   */
  transact(edit: (draft: Draft) => void, options: WaitOptions = {}): Promise<KeyedReceipt> {
    return this.#host.transactOnce(edit, { ...options, idempotencyKey: uuidv4(), lease: this })
  }

  /** Lets the next have the lease. Resolves when the server knows. A lease that is lost already needs no release. Idempotent. */
  release(options: WaitOptions = {}): Promise<void> {
    this.#released ??= this.#release(options)
    return this.#released
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  async #release({ signal }: WaitOptions): Promise<void> {
    this.#stop()
    if (this.signal.aborted) return
    try {
      await askServer(this.#host.target, { path: pathOf(this.name), method: 'DELETE', lease: this.token, signal })
    } catch (error) {
      if (!isLost(error)) throw error
    }
  }

  #wait(delayMs: number): void {
    const leftMs = this.#endsAtMs - steadyNow()
    this.#timer = setTimeout(() => void this.#renew(), Math.max(0, Math.min(delayMs, leftMs)))
  }

  async #renew(): Promise<void> {
    const askedAtMs = steadyNow()
    const leftMs = this.#endsAtMs - askedAtMs
    if (leftMs <= 0) return this.#end(lost(this.name, 'the server did not answer for its whole TTL'))
    const late = new AbortController()
    const timer = setTimeout(() => abort(late, new ClientError('unreachable', 'the renewal took too long')), leftMs)
    try {
      const { target } = this.#host
      const body = { token: this.token, ttlMs: this.ttlMs }
      await askServer(target, { path: `${pathOf(this.name)}/renew`, body, signal: late.signal })
      this.#endsAtMs = askedAtMs + this.ttlMs
      this.#failures = 0
    } catch (error) {
      if (isLost(error)) return this.#end(lost(this.name, (error as Error).message))
      this.#failures++
    } finally {
      clearTimeout(timer)
    }
    if (this.#released !== undefined || this.signal.aborted) return
    const isFailing = this.#failures > 0
    this.#wait(isFailing ? backOffDelayMs(this.#failures, Math.random()) : this.ttlMs / RENEWALS_PER_TTL)
  }

  #end(reason: unknown): void {
    this.#stop()
    if (this.#released === undefined) abort(this.#ended, reason)
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#unlisten()
  }
}

/** Path of a lease's routes below the workspace's. */
export function pathOf(name: string): string {
  return `/leases/${encodeURIComponent(name)}`
}

function isLost(error: unknown): boolean {
  return error instanceof ClientError && error.refusal?.code === 'lease_lost'
}

function lost(name: string, why: string): ClientError {
  return new ClientError('lease_lost', `the lease ${JSON.stringify(name)} is lost: ${why}`)
}

/** Waits, or rejects with the signal's reason. */
export async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  throwIfAborted(signal)
  await new Promise<void>((resolve, reject) => {
    const stop =
      signal === undefined
        ? undefined
        : whenAborted(signal, (reason) => {
            clearTimeout(timer)
            reject(reason)
          })
    const timer = setTimeout(() => {
      stop?.()
      resolve()
    }, delayMs)
  })
}
