import type { SteadyClock } from '@joinery/log'
import type { Counters } from '../counters.ts'
import { ServerError } from '../server-error.ts'
import { fenceOfCopy, nextFence } from './fence.ts'
import type { Lease } from './lease.ts'
import type { LeaseAuthor, LeaseJournal } from './lease-journal.ts'
import { LeaseQueue } from './lease-queue.ts'
import type { LeaseEnding, LeaseEvent } from './lease-state.ts'
import { isTokenFor, makeNonce, nonceIn, tokenOf } from './lease-token.ts'

/** Bounds on the leases of one workspace. */
export interface LeaseLimits {
  /** Leases of one workspace that stand at once. */
  readonly leasesMax: number
  /** Leases of one actor among these. */
  readonly leasesPerActorMax: number
  /** Callers that wait for leases of one workspace. */
  readonly leaseWaitersMax: number
  /** Callers of one actor among these. */
  readonly leaseWaitersPerActorMax: number
}

/** A request for a lease. All bounds of `LEASE_BOUNDS` hold. */
export interface LeaseRequest {
  readonly name: string
  readonly holder: string
  readonly author: LeaseAuthor
  readonly ttlMs: number
  /** How long to wait while another holds the lease, ms. */
  readonly waitMs: number
  /** A repeated request with the same key gets the same lease while it stands, and keeps its place while it waits. */
  readonly key?: string | undefined
  /** Ends the wait, when nobody would read the answer. */
  readonly signal?: AbortSignal | undefined
}

/** A lease as everybody may see it. */
export interface LeaseView {
  readonly lease: Lease
  /** Time until it ends unless it is renewed, ms. */
  readonly remainingMs: number
  /** Number of callers that wait for it. */
  readonly waiting: number
}

/** Leases that stand, and callers that wait for one. */
export interface LeaseCounts {
  readonly leases: number
  readonly leaseWaiters: number
}

export type Acquired =
  | { readonly outcome: 'acquired'; readonly view: LeaseView; readonly token: string }
  | { readonly outcome: 'held'; readonly view: LeaseView }

/** The author of what nobody asked for: the end of a lease by time. */
const CLOCK_AUTHOR: LeaseAuthor = { actor: 'joinery', source: 'server' }
/** Time until the next try where storage took no record of an end, ms. */
const RETRY_MS = 1_000

/**
 * The leases of one workspace. A method decides in the turn of the call. Wait for {@link durable} before you tell anybody of the
 * decision.
 */
export class LeaseBook {
  readonly #journal: LeaseJournal
  readonly #limits: LeaseLimits
  readonly #clock: SteadyClock
  readonly #counters: Counters
  /** When each lease ends, ms of the monotonic clock. */
  readonly #endsAtMs = new Map<string, number>()
  readonly #queue = new LeaseQueue()
  /** No lease ends before this time, ms of the monotonic clock. */
  #nextEndMs = Infinity
  #cancelTimer: (() => void) | undefined
  #timerMs = Infinity
  /** The event that begins a new copy's part of the log, until it is written with the first change. */
  #beginning: LeaseEvent | undefined

  /** @param copy id of the present copy of the data: an older copy's leases do not stand */
  constructor(journal: LeaseJournal, copy: string, limits: LeaseLimits, clock: SteadyClock, counters: Counters) {
    this.#journal = journal
    this.#limits = limits
    this.#clock = clock
    this.#counters = counters
    const { fold } = journal
    if (fold.copy !== copy) {
      const isFirst = fold.copy === ''
      const fence = isFirst ? 0 : fenceOfCopy(fold.fence, clock.wallMs())
      this.#beginning = { type: 'copied', copy, fence }
      fold.take(this.#beginning)
    }
    // After a restart each holder has its whole TTL again: time in which the server was down is no holder's fault.
    for (const { name, ttlMs } of fold.leases.values()) this.#extend(name, ttlMs)
  }

  /** Resolves when everything that was decided so far is on the disk. */
  get durable(): Promise<void> {
    return this.#journal.durable
  }

  /** True while the book may be closed: no lease stands, and nobody waits. */
  get isIdle(): boolean {
    return this.#journal.fold.leases.size === 0 && this.#queue.size === 0
  }

  /** Number of leases that have not ended, and of those who wait for one. */
  get counts(): LeaseCounts {
    return { leases: this.#journal.fold.leases.size, leaseWaiters: this.#queue.size }
  }

  /** False once the log of the book takes no more appends. */
  get isOurs(): boolean {
    return this.#journal.isOurs
  }

  /** The leases that stand, in byte order of their names. */
  list(): LeaseView[] {
    this.#endOverdue()
    const views = Array.from(this.#journal.fold.leases.values(), (lease) => this.view(lease))
    return views.sort((a, b) => (a.lease.name < b.lease.name ? -1 : 1))
  }

  /** The lease of this name, if one stands. */
  find(name: string): LeaseView | undefined {
    this.#endOverdue()
    const lease = this.#journal.fold.leases.get(name)
    return lease && this.view(lease)
  }

  /**
   * Gives the lease to the caller, at once or in order of asking. Resolves with `held` when it is another's after the wait.
   * Rejects with `too_many_leases` and with the storage error.
   */
  async acquire(request: LeaseRequest): Promise<Acquired> {
    const { name, key, author, waitMs, signal } = request
    const standing = this.find(name)
    if (standing !== undefined) {
      const { lease } = standing
      if (key !== undefined && lease.key === key && lease.actor === author.actor) return this.#given(lease)
      if (waitMs === 0 || signal?.aborted) return this.#held(standing)
      return this.#wait(request)
    }
    return this.#given(this.#grant(request))
  }

  /** Renews the lease. Returns it. Throws `lease_lost`. */
  renew(name: string, token: string, ttlMs: number | undefined, author: LeaseAuthor): Lease {
    const lease = this.#ownerOf(token, name)
    const renewed = { ...lease, ttlMs: ttlMs ?? lease.ttlMs }
    if (renewed.ttlMs !== lease.ttlMs) {
      this.#append({ type: 'renewed', name, fence: lease.fence, ttlMs: renewed.ttlMs }, author)
    }
    this.#extend(name, renewed.ttlMs)
    return renewed
  }

  /** Ends the lease, so that the next may have it. Throws `lease_lost`. */
  release(name: string, token: string, author: LeaseAuthor): void {
    this.#end([this.#ownerOf(token, name)], 'released', author)
  }

  /** Throws `lease_lost` unless the lease of the token stands in this turn. */
  assertStands(token: string): void {
    this.#ownerOf(token, undefined)
  }

  /** Ends the lease of a name of any holder. Returns it; undefined while nobody holds it. */
  evict(name: string, author: LeaseAuthor): Lease | undefined {
    const lease = this.find(name)?.lease
    if (lease !== undefined) this.#end([lease], 'released', author)
    return lease
  }

  /** Ends all leases, and fails all that wait with `error`. */
  endAll(why: LeaseEnding, author: LeaseAuthor, error: ServerError): void {
    this.#queue.fail(error)
    const all = [...this.#journal.fold.leases.values()]
    if (all.length > 0) this.#end(all, why, author)
  }

  /** A lease as everybody may see it. */
  view(lease: Lease): LeaseView {
    const endsAtMs = this.#endsAtMs.get(lease.name) ?? 0
    const remainingMs = Math.max(0, endsAtMs - this.#clock.monotonicMs())
    return { lease, remainingMs, waiting: this.#queue.waitingFor(lease.name) }
  }

  /** Forgets what nobody has come back for. Called about once a second. */
  sweep(): void {
    this.#queue.sweep(this.#clock.monotonicMs())
  }

  /** Fails all that wait with `error`, and closes the log. The leases stay in it. */
  async close(error: ServerError): Promise<void> {
    this.#cancelTimer?.()
    this.#queue.fail(error)
    await this.#journal.close()
  }

  #grant({ name, holder, author, ttlMs, key }: LeaseRequest): Lease {
    const { fold } = this.#journal
    this.#assertRoom(author.actor)
    const acquiredAt = this.#clock.wallMs()
    const fence = nextFence(fold.fence, acquiredAt)
    const lease = { name, holder, actor: author.actor, fence, nonce: makeNonce(), ttlMs, acquiredAt, key }
    this.#append({ type: 'acquired', lease }, author)
    this.#counters.leasesAcquired++
    this.#extend(name, ttlMs)
    return lease
  }

  #assertRoom(actor: string): void {
    const { leasesMax, leasesPerActorMax } = this.#limits
    const { leases } = this.#journal.fold
    if (leases.size >= leasesMax) {
      throw new ServerError(
        'too_many_leases',
        `the workspace has ${leases.size} leases, which is the most: release some`,
      )
    }
    const own = this.#journal.fold.countOf(actor)
    if (own < leasesPerActorMax) return
    throw new ServerError('too_many_leases', `${actor} has ${own} leases here, which is the most: release some`)
  }

  async #given(lease: Lease): Promise<Acquired> {
    await this.durable
    // The holder has its whole TTL from when it is told.
    if (this.#journal.fold.ofNonce(lease.nonce) === undefined) {
      throw new ServerError('lease_lost', 'the lease ended before it was stored: storage took longer than its TTL')
    }
    this.#extend(lease.name, lease.ttlMs)
    const { generation } = this.#journal
    if (generation === undefined) throw new Error('a log that has a record has no generation')
    return { outcome: 'acquired', view: this.view(lease), token: tokenOf(lease, generation) }
  }

  async #held(view: LeaseView): Promise<Acquired> {
    await this.durable
    return { outcome: 'held', view }
  }

  /** Waits in order of asking. */
  async #wait(request: LeaseRequest): Promise<Acquired> {
    const { name, author, key, waitMs, signal } = request
    this.#assertPlace(author.actor)
    const served = Promise.withResolvers<Lease | undefined>()
    const leave = this.#queue.add(name, {
      actor: author.actor,
      key,
      serve: () => {
        // A grant that fails ends the wait of this one alone.
        try {
          served.resolve(this.#grant(request))
        } catch (error) {
          served.reject(error)
        }
      },
      fail: served.reject,
    })
    const stopWaiting = (): void => {
      leave(this.#clock.monotonicMs())
      served.resolve(undefined)
    }
    signal?.addEventListener('abort', stopWaiting)
    const cancel = this.#clock.after(waitMs, stopWaiting)
    try {
      const lease = await served.promise
      if (lease !== undefined) return await this.#given(lease)
    } finally {
      cancel()
      signal?.removeEventListener('abort', stopWaiting)
    }
    if (signal?.aborted) throw new ServerError('lease_lost', 'the request ended while it waited')
    // The lease may have become free, or this caller's own, in the turn in which the wait ended.
    return this.acquire({ ...request, waitMs: 0 })
  }

  #assertPlace(actor: string): void {
    const { leaseWaitersMax, leaseWaitersPerActorMax } = this.#limits
    const all = this.#queue.size
    const own = all < leaseWaitersPerActorMax ? 0 : this.#queue.sizeOf(actor)
    if (all < leaseWaitersMax && own < leaseWaitersPerActorMax) return
    const who = own < leaseWaitersPerActorMax ? `${all} callers wait` : `${own} calls of ${actor} wait`
    throw new ServerError('too_many_leases', `${who} for leases of this workspace, which is the most: ask again later`)
  }

  /** The lease of the token. Throws `lease_lost` if it does not stand, or is not the one of `name`. */
  #ownerOf(token: string, name: string | undefined): Lease {
    this.#endOverdue()
    const lease = this.#journal.fold.ofNonce(nonceIn(token) ?? '')
    const { generation = '' } = this.#journal
    const isOwner = lease !== undefined && token === tokenOf(lease, generation)
    if (isOwner && (name === undefined || lease.name === name)) return lease
    this.#counters.leasesLost++
    if (name !== undefined && !isTokenFor(token, name, generation)) {
      const message = `the token is not of the lease ${JSON.stringify(name)} of this workspace and server`
      throw new ServerError('lease_lost', message)
    }
    const message =
      'the lease does not stand: it ended, or the token is of another workspace or server. Acquire it again'
    throw new ServerError('lease_lost', message)
  }

  #end(leases: readonly Lease[], why: LeaseEnding, author: LeaseAuthor): void {
    const ended = leases.map(({ name, fence }) => ({ name, fence }))
    this.#append({ type: 'ended', leases: ended, why }, author)
    for (const { name } of leases) this.#endsAtMs.delete(name)
    for (const { name } of leases) this.#serve(name)
  }

  /** Gives a free lease to the first that can have it. */
  #serve(name: string): void {
    while (!this.#journal.fold.leases.has(name)) {
      const waiter = this.#queue.take(name)
      if (waiter === undefined) return
      waiter.serve()
    }
  }

  #append(event: LeaseEvent, author: LeaseAuthor): void {
    this.#journal.append(this.#beginning === undefined ? [event] : [this.#beginning, event], author)
    this.#beginning = undefined
  }

  #extend(name: string, ttlMs: number): void {
    const endsAtMs = this.#clock.monotonicMs() + ttlMs
    this.#endsAtMs.set(name, endsAtMs)
    this.#nextEndMs = Math.min(this.#nextEndMs, endsAtMs)
    this.#arm(this.#nextEndMs)
  }

  /** Ends the leases whose time is over. Throws the storage error: nobody may be told of an end that is not stored. */
  #endOverdue(): void {
    const nowMs = this.#clock.monotonicMs()
    if (nowMs < this.#nextEndMs) return
    const overdue: Lease[] = []
    let next = Infinity
    for (const [name, endsAtMs] of this.#endsAtMs) {
      const lease = this.#journal.fold.leases.get(name)
      if (endsAtMs > nowMs) next = Math.min(next, endsAtMs)
      else if (lease === undefined) this.#endsAtMs.delete(name)
      else overdue.push(lease)
    }
    if (overdue.length > 0) this.#end(overdue, 'expired', CLOCK_AUTHOR)
    this.#counters.leasesExpired += overdue.length
    // Those that were given meanwhile have set their own.
    this.#nextEndMs = Math.min(next, ...this.#servedEnds(overdue))
    this.#arm(this.#nextEndMs)
  }

  *#servedEnds(overdue: readonly Lease[]): Iterable<number> {
    for (const { name } of overdue) {
      const endsAtMs = this.#endsAtMs.get(name)
      if (endsAtMs !== undefined) yield endsAtMs
    }
  }

  #arm(atMs: number): void {
    if (atMs >= this.#timerMs || atMs === Infinity) return
    this.#cancelTimer?.()
    this.#timerMs = atMs
    this.#cancelTimer = this.#clock.after(Math.max(Math.ceil(atMs - this.#clock.monotonicMs()), 1), () => {
      this.#timerMs = Infinity
      try {
        this.#endOverdue()
        this.#arm(this.#nextEndMs)
      } catch {
        // Storage takes nothing now: callers are told so, and the end is tried again.
        this.#arm(this.#clock.monotonicMs() + RETRY_MS)
      }
    })
  }
}
