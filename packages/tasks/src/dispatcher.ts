import type { SteadyClock } from '@joinery/log'
import type { LeaseAsk, SagaShape } from '@joinery/protocol'
import { CatchUp } from './catch-up.ts'
import { HostBreaker } from './host-breaker.ts'
import type { LiveLease } from './live-leases.ts'
import type { LiveWorkers } from './live-workers.ts'
import { isBefore } from './ready-queue.ts'
import { fitOf } from './saga-check.ts'
import type { Waiting } from './task.ts'
import type { TaskBook } from './task-book.ts'
import type { Target, TaskEventBody } from './task-event.ts'
import { ENGINE } from './task-event.ts'
import type { TaskLimits } from './task-limits.ts'
import type { TaskRecord } from './task-state.ts'
import type { Timers } from './timers.ts'
import { type Given, Undelivered } from './undelivered.ts'

export interface DispatcherOptions {
  readonly limits: TaskLimits
  readonly clock: SteadyClock
  readonly timers: Timers
  readonly workers: LiveWorkers
  /** Host that a step speaks to, by the configuration of the server; undefined for none. */
  hostOf(saga: string, step: string): string | undefined
}

export type Allows = (saga: string, workspace: string) => boolean

/** The attempts that wait for a worker, as others may know of them. */
export type Offers = Pick<Dispatcher, 'onOffer' | 'takeOffered'>

interface Found {
  readonly task: TaskRecord
  readonly target: Target
  /** The worker's version, by which the task goes on. */
  readonly moved: SagaShape | undefined
}

/** Gives attempts to workers: to each workspace in its turn, within a workspace to the oldest task. */
export class Dispatcher {
  readonly #options: DispatcherOptions
  /** Books with attempts to give away. The one that was served last is the last. */
  readonly #books = new Set<TaskBook>()
  readonly #breakers = new Map<string, HostBreaker>()
  readonly #catchUp: CatchUp
  readonly #counts = new Map<string, number>()
  readonly #waiters = new Set<() => void>()
  readonly #undelivered = new Undelivered()
  /** Sagas of which attempts may have become free since {@link takeOffered}. */
  readonly #fresh = new Set<string>()
  #isWaking = false
  /** Called when attempts may have become free. */
  onOffer: () => void = () => undefined

  constructor(options: DispatcherOptions) {
    this.#options = options
    this.#catchUp = new CatchUp(options.clock, options.limits.catchUpPerSecond)
  }

  /** Breakers by their host. */
  get breakers(): ReadonlyMap<string, HostBreaker> {
    return this.#breakers
  }

  /** The book has attempts to give away. */
  offer(book: TaskBook): void {
    this.#books.add(book)
    for (const { saga } of book.ready.groups()) this.#fresh.add(saga.name)
    this.wake()
    this.onOffer()
  }

  /** Names of the sagas whose attempts wait for a worker, with whether any may have become free since the last call. */
  takeOffered(): ReadonlyMap<string, boolean> {
    const offered = new Map<string, boolean>()
    for (const book of this.#books) {
      if (!book.journal.isOurs || book.leases.size >= this.#options.limits.perWorkspace) continue
      for (const { saga } of book.ready.groups()) offered.set(saga.name, this.#fresh.has(saga.name))
    }
    this.#fresh.clear()
    return offered
  }

  remove(book: TaskBook): void {
    this.#books.delete(book)
  }

  /** Time until an attempt may be made, or a time of a task may count, that was due before, ms. */
  catchUpMs(saga: SagaShape, target: Target | undefined): number {
    return this.#catchUp.takeTurnMs((target && this.#hostOf(saga, target)) ?? '')
  }

  /** Counts a lease that has begun or ended. */
  count({ worker, saga, target }: LiveLease, by: 1 | -1): void {
    const host = this.#hostOf(saga, target)
    const names = [`worker ${worker}`, `saga ${saga.name}`, ...(host === undefined ? [] : [`host ${host}`])]
    for (const name of names) {
      const count = (this.#counts.get(name) ?? 0) + by
      if (count > 0) this.#counts.set(name, count)
      else this.#counts.delete(name)
    }
    if (by > 0) return
    // Another attempt has room now.
    this.#fresh.add(saga.name)
    this.wake()
    this.onOffer()
  }

  /** Feeds the breakers. */
  observe(event: TaskEventBody, task: TaskRecord): void {
    if (!('kind' in event)) return
    const host = this.#hostOf(task.saga, event)
    if (host === undefined) return
    const breaker = this.#breakerOf(host)
    if (event.type === 'leased') breaker.begin()
    if (event.type === 'released') breaker.drop()
    if (event.type === 'done') breaker.succeed()
    if (event.type !== 'failed' && event.type !== 'unsure') return
    if (event.type === 'unsure' && event.why !== 'timed_out') return breaker.drop()
    // The host has answered: that it refuses for good, or that what the step waits for is not there yet.
    const isAnswer = event.type === 'failed' && (event.error.class === 'permanent' || event.error.class === 'pending')
    if (isAnswer) return breaker.succeed()
    if (breaker.fail())
      this.#options.timers.set(`breaker ${host}`, this.#options.limits.breakerMs, () => this.#offerAll())
  }

  /** Leases as many attempts to the worker as it asks for and may have. They are in the journals when this returns. */
  take(ask: LeaseAsk, allows: Allows): readonly Given[] {
    const again = this.#undelivered.again(ask)
    const taken = again.length > 0 ? again : this.#takeNew(ask, allows)
    this.#undelivered.note(ask, taken)
    return taken
  }

  #takeNew(ask: LeaseAsk, allows: Allows): readonly Given[] {
    const taken: Given[] = []
    for (let isGiving = true; isGiving; ) {
      isGiving = false
      for (const book of [...this.#books]) {
        if (book.ready.size === 0 || !book.journal.isOurs) {
          this.#books.delete(book)
          continue
        }
        if (taken.length >= ask.max || !this.#hasRoom(`worker ${ask.worker}`, this.#options.limits.perWorker))
          return taken
        const given = this.#give(book, ask, allows)
        if (given === undefined) continue
        taken.push(given)
        isGiving = true
        // The next turn is another workspace's.
        this.#books.delete(book)
        this.#books.add(book)
      }
    }
    return taken
  }

  /** Resolves when there may be something new to lease, and after `ms` at the latest. */
  waitForWork(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#waiters.delete(end)
        cancel()
        signal.removeEventListener('abort', end)
        resolve()
      }
      const cancel = this.#options.clock.after(ms, end)
      this.#waiters.add(end)
      signal.addEventListener('abort', end)
      if (signal.aborted) end()
    })
  }

  /** Lets all workers that wait look again. */
  wake(): void {
    if (this.#isWaking || this.#waiters.size === 0) return
    this.#isWaking = true
    queueMicrotask(() => {
      this.#isWaking = false
      for (const end of [...this.#waiters]) end()
    })
  }

  /** Why an attempt that could be made is not. */
  held(task: TaskRecord, target: Target | undefined): Waiting {
    const host = target && this.#hostOf(task.saga, target)
    const breaker = host === undefined ? undefined : this.#breakers.get(host)
    if (breaker !== undefined && breaker.state === 'open') {
      const until = breaker.until
      return {
        code: 'breaker_open',
        reason: `${host} failed several times in a row: it is asked again later`,
        ...(until !== undefined && { until }),
      }
    }
    const { name, version } = task.saga
    const { workers } = this.#options
    const serving = workers.serving(name)
    if (serving.length === 0) {
      return { code: 'no_worker', reason: `no worker that serves ${name} is connected: start one` }
    }
    if (!serving.some(({ saga }) => fitOf(task, saga) !== undefined)) {
      const told = serving.map(({ worker, saga }) => `${worker} serves version ${saga.version}`).slice(0, 3)
      const isSame = serving.some(({ saga }) => saga.version === version)
      const why = isSame
        ? 'with other steps (their digest differs): serve the steps that the task began with, and give the changed saga a new version'
        : `which can’t go on with it: start a worker of version ${version}, or one that accepts it`
      return {
        code: 'no_worker_for_version',
        reason: `no worker serves version ${version} of ${name}: ${told.join(', ')}, ${why}`,
      }
    }
    return { code: 'no_worker', reason: `all workers that serve ${name} are busy` }
  }

  #give(book: TaskBook, ask: LeaseAsk, allows: Allows): Given | undefined {
    if (book.leases.size >= this.#options.limits.perWorkspace) return undefined
    const found = this.#find(book, ask, allows)
    if (found === undefined) return undefined
    try {
      if (found.moved === undefined) return { ...book.lease(found.target, ask), book }
      // The other version may have another step next.
      book.append(found.task, [{ type: 'moved', task: found.task.id, saga: found.moved }], ENGINE)
      return this.#give(book, ask, allows)
    } catch (error) {
      // Storage takes nothing now: the book is asked again when its state changes, or by the next worker.
      this.#books.delete(book)
      if (book.journal.log.state.state === 'open') throw error
      return undefined
    }
  }

  /** The attempt of the oldest task that the worker may have. */
  #find(book: TaskBook, { serves }: LeaseAsk, allows: Allows): Found | undefined {
    let best: Found | undefined
    for (const { saga, tasks } of book.ready.groups()) {
      const served = serves.filter(({ name }) => name === saga.name)
      if (served.length === 0 || !allows(saga.name, book.workspace)) continue
      if (!this.#hasRoom(`saga ${saga.name}`, this.#options.limits.perDefinition)) continue
      for (const task of tasks) {
        if (best !== undefined && isBefore(best.task, task)) break
        const found = this.#fitting(book, task, served)
        if (found === undefined) continue
        best = found
        break
      }
    }
    return best
  }

  #fitting(book: TaskBook, task: TaskRecord, served: readonly SagaShape[]): Found | undefined {
    const fits = served.map((saga) => ({ saga, fit: fitOf(task, saga) }))
    const fit = fits.find((one) => one.fit === 'run') ?? fits.find((one) => one.fit === 'move')
    if (fit === undefined) return undefined
    for (const target of book.ready.offersOf(task.id)) {
      const host = this.#hostOf(task.saga, target)
      const isFree =
        host === undefined ||
        (this.#breakerOf(host).isPassable && this.#hasRoom(`host ${host}`, this.#options.limits.perHost))
      if (isFree) return { task, target, moved: fit.fit === 'move' ? fit.saga : undefined }
    }
    return undefined
  }

  #offerAll(): void {
    for (const book of [...this.#books]) this.offer(book)
  }

  #hasRoom(name: string, max: number): boolean {
    return (this.#counts.get(name) ?? 0) < max
  }

  /** The host by the server's configuration, or by the saga's own word. */
  #hostOf(saga: SagaShape, { kind, step }: Target): string | undefined {
    if (step === undefined || kind === 'plan') return undefined
    return this.#options.hostOf(saga.name, step) ?? saga.steps.find(({ name }) => name === step)?.host
  }

  #breakerOf(host: string): HostBreaker {
    const { clock, limits } = this.#options
    const known = this.#breakers.get(host)
    if (known !== undefined) return known
    const breaker = new HostBreaker(clock, { failures: limits.breakerFailures, openMs: limits.breakerMs })
    this.#breakers.set(host, breaker)
    return breaker
  }
}
