import { hostname } from 'node:os'
import type { LeaseAsk, LeasedWork } from '@joinery/protocol'
import { type AttemptEnd, makeAttempt } from './attempt.ts'
import { backOffMs, pause } from './back-off.ts'
import { Beats } from './beats.ts'
import type { Resources } from './contexts.ts'
import type { Saga } from './saga.ts'
import { ServedSagas } from './served-sagas.ts'
import { mayPass, ServerLink, type TokenSource } from './server-link.ts'
import { WorkerError } from './worker-error.ts'

/** Attempts of one worker at once, which is also the bound of the server. */
const CONCURRENCY = 16
/** Attempts that a worker may ask for at once. */
const CONCURRENCY_MAX = 100
/** Longest wait of one poll: proxies end a silent request after 30 s. */
const WAIT_MS = 25_000
/** Time above the wait after which a poll counts as lost, ms. */
const POLL_GRACE_MS = 10_000
/** Time between two polls that are answered with nothing at once, ms. */
const EMPTY_MS = 100
/** Time for which a worker that stops waits to be heard, ms. */
const LEAVE_MS = 2_000
const LOOP_STALL_MS = 60_000
/** Tokens that a poll may name. Leases of the oldest of so many have ended. */
const HOLDS_MAX = 1_000
/** Time that running attempts have to end when the worker is stopped, ms: container runtimes kill after 10 s. */
const DRAIN_MS = 8_000

export interface WorkerOptions {
  /** Address of the server, `http://host:port`. */
  readonly url: string
  /** A token whose claim `work` names the sagas. */
  readonly token?: TokenSource | undefined
  readonly sagas: readonly Saga[]
  /** Name for people: host and process id by default. Unique among the workers that run. */
  readonly name?: string | undefined
  /** Attempts at once. */
  readonly concurrency?: number | undefined
  /** Time without a beat after which another worker gets the attempts: 1,000 ms to the server's own bound, its default. */
  readonly leaseMs?: number | undefined
  /** Given to every step as `resources`. */
  readonly resources?: Resources | undefined
  /** Time after which a busy event loop is told to the server, ms. */
  readonly loopStallMs?: number | undefined
  /** Time that running attempts have to end by themselves when the worker is stopped, ms. */
  readonly drainMs?: number | undefined
  readonly onEvent?: ((event: WorkerEvent) => void) | undefined
}

/** An event in the life of a worker. */
export type WorkerEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly error: unknown; readonly retryMs: number }
  | { readonly type: 'began'; readonly lease: LeasedWork }
  | ({ readonly type: 'ended'; readonly lease: LeasedWork } & AttemptEnd)

/** A worker that takes attempts from a server until it is stopped. */
export interface RunningWorker {
  readonly name: string
  /** Attempts that run now. */
  readonly running: number
  /** Resolves when the worker was stopped. Rejects when it can't go on: the server refuses it for good. */
  readonly ended: Promise<void>
  /** Takes no more work, lets attempts end for `drainMs`, and gives back the rest. Idempotent. */
  stop(): Promise<void>
}

/** Starts a worker. Throws `bad_options`. A server that is away is asked again until it is there. */
export function startWorker(options: WorkerOptions): RunningWorker {
  return new WorkerLoop(options)
}

class WorkerLoop implements RunningWorker {
  readonly name: string
  readonly ended: Promise<void>
  readonly #options: WorkerOptions
  readonly #sagas: ServedSagas
  readonly #link: ServerLink
  readonly #concurrency: number
  readonly #loopStallMs: number
  readonly #drainMs: number
  readonly #attempts = new Set<Promise<void>>()
  readonly #instance = crypto.randomUUID()
  /** Tokens of the leases that the server may still count on. */
  readonly #holds = new Set<string>()
  /** Aborts when no more work is taken. */
  readonly #stopping = new AbortController()
  /** Aborts when running attempts have had their time. */
  readonly #stopped = new AbortController()
  #fault: unknown
  #isConnected = false
  #freed = Promise.withResolvers<void>()

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#sagas = new ServedSagas(options.sagas)
    this.#link = new ServerLink(addressOf(options.url), options.token)
    this.#concurrency = wholeOption(options.concurrency, CONCURRENCY, 'concurrency', 1, CONCURRENCY_MAX)
    this.#loopStallMs = wholeOption(options.loopStallMs, LOOP_STALL_MS, 'loopStallMs', 1)
    this.#drainMs = wholeOption(options.drainMs, DRAIN_MS, 'drainMs', 0)
    this.name = nameOption(options.name)
    this.ended = this.#work()
    // A program that does not wait for the end must not be ended by it.
    this.ended.catch(() => undefined)
  }

  get running(): number {
    return this.#attempts.size
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.ended
  }

  async #work(): Promise<void> {
    const beats = await Beats.open(this.#link, this.#loopStallMs, (error) => this.#fail(error))
    try {
      await this.#poll(beats)
      const left = this.#leave()
      const over = new AbortController()
      const drained = Promise.all(this.#attempts).then(() => over.abort())
      await pause(this.#drainMs, over.signal)
      this.#stopped.abort()
      await Promise.all([drained, left])
    } finally {
      await beats.close()
    }
    if (this.#fault !== undefined) throw this.#fault
  }

  #fail(error: unknown): void {
    this.#fault ??= error
    this.#stopping.abort()
  }

  async #poll(beats: Beats): Promise<void> {
    const { signal } = this.#stopping
    for (let failures = 0; !signal.aborted; ) {
      const max = this.#concurrency - this.#attempts.size
      if (max <= 0) {
        this.#freed = Promise.withResolvers<void>()
        await Promise.race([this.#freed.promise, onceAborted(signal)])
        continue
      }
      try {
        const askedMs = performance.now()
        const leases = await this.#ask(max, signal)
        for (const lease of leases) this.#begin(lease, beats)
        // A server that answers nothing at once, as one that stops does, must not be asked without end.
        if (leases.length === 0 && performance.now() - askedMs < EMPTY_MS) await pause(EMPTY_MS, signal)
        if (!this.#isConnected) this.#tell({ type: 'connected' })
        this.#isConnected = true
        failures = 0
      } catch (error) {
        if (signal.aborted) return
        if (!this.#mayGoOn(error)) return this.#fail(error)
        failures++
        const asked = error instanceof WorkerError ? (error.retryAfterMs ?? 0) : 0
        const retryMs = Math.max(asked, backOffMs(failures, Math.random()))
        this.#isConnected = false
        this.#tell({ type: 'disconnected', error, retryMs })
        await pause(retryMs, signal)
      }
    }
  }

  async #ask(max: number, signal: AbortSignal): Promise<readonly LeasedWork[]> {
    // The first poll waits for nothing: its answer says that the server takes this worker.
    const waitMs = this.#isConnected ? WAIT_MS : 0
    const { leaseMs } = this.#options
    const told = leaseMs === undefined ? {} : { leaseMs }
    const holding = { instance: this.#instance, holds: [...this.#holds] }
    const body: LeaseAsk = { worker: this.name, serves: this.#sagas.shapes, max, waitMs, ...told, ...holding }
    const answer = await this.#link.ask<{ leases: readonly LeasedWork[] }>('/v1/work/leases', {
      body,
      signal,
      timeoutMs: waitMs + POLL_GRACE_MS,
    })
    return answer.leases
  }

  /** Tells the server that this worker takes no more work, so that it says at once of which tasks nobody runs the steps. */
  async #leave(): Promise<void> {
    if (!this.#isConnected) return
    const body: LeaseAsk = { worker: this.name, serves: this.#sagas.shapes, max: 1, waitMs: 0, stops: true }
    // A server that does not hear it forgets the worker by itself, half a minute later.
    await this.#link.ask('/v1/work/leases', { body, timeoutMs: LEAVE_MS }).catch(() => undefined)
  }

  #mayGoOn(error: unknown): boolean {
    if (mayPass(error)) return true
    if (!(error instanceof WorkerError)) return typeof this.#options.token === 'function'
    return error.status === 401 && this.#link.canAskToken
  }

  #begin(lease: LeasedWork, beats: Beats): void {
    // A late answer to an earlier call may give what runs already.
    if (this.#holds.has(lease.token)) return
    this.#hold(lease.token)
    this.#tell({ type: 'began', lease })
    const host = {
      sagas: this.#sagas,
      link: this.#link,
      beats,
      resources: this.#options.resources ?? {},
      stopSignal: this.#stopped.signal,
    }
    const attempt = makeAttempt(lease, host).then((end) => {
      this.#attempts.delete(attempt)
      // An end that the server has not heard of must not be run again: its code has run.
      if (end.end !== 'lost') this.#holds.delete(lease.token)
      this.#freed.resolve()
      this.#tell({ type: 'ended', lease, ...end })
    })
    this.#attempts.add(attempt)
  }

  #hold(token: string): void {
    this.#holds.add(token)
    const [oldest] = this.#holds
    if (this.#holds.size > HOLDS_MAX && oldest !== undefined) this.#holds.delete(oldest)
  }

  #tell(event: WorkerEvent): void {
    this.#options.onEvent?.(event)
  }
}

async function onceAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

function addressOf(url: string): string {
  const address = URL.parse(url)
  const isFit =
    address !== null && ['http:', 'https:'].includes(address.protocol) && address.search === '' && address.hash === ''
  if (!isFit)
    throw new WorkerError(
      'bad_options',
      `url must be http://host:port or https://host:port, not ${JSON.stringify(url)}`,
    )
  return address.href.replace(/\/$/, '')
}

function wholeOption(
  value: number | undefined,
  fallback: number,
  name: string,
  min: number,
  max = 2 ** 31 - 1,
): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && value >= min && value <= max) return value
  throw new WorkerError('bad_options', `${name} must be a whole number from ${min} to ${max}, not ${value}`)
}

function nameOption(name: string | undefined): string {
  if (name === undefined) return `${hostname().slice(0, 64)}-${process.pid}-${crypto.randomUUID().slice(0, 8)}`
  if (name !== '' && name.length <= 128) return name
  throw new WorkerError('bad_options', `name must be a text of 1 to 128 characters, not ${JSON.stringify(name)}`)
}
