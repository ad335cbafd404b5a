import type { Journal } from '@joinery/log'
import type { SagaShape } from '@joinery/protocol'
import { attemptsOf, stepOf } from './apply-event.ts'
import type { LiveLeases } from './live-leases.ts'
import type { ReadyQueue } from './ready-queue.ts'
import {
  type By,
  ENGINE,
  type Failure,
  type JournalEvent,
  type Target,
  type TaskEventBody,
  type UnsureWhy,
} from './task-event.ts'
import { isPastPivot, type StepRecord, type TaskRecord } from './task-state.ts'
import type { Timers } from './timers.ts'
import { isOpen, targetsOf, type WorkFold } from './work-fold.ts'

/** Time until the next try where storage took no record, ms. */
const STORAGE_RETRY_MS = 1_000

/** The book whose tasks have the timers. */
export interface AlarmedBook {
  readonly journal: Journal<JournalEvent, WorkFold>
  readonly timers: Timers
  readonly leases: LiveLeases
  readonly ready: ReadyQueue
  readonly nowMs: number
  readonly world: { catchUpMs(saga: SagaShape, target: Target | undefined): number }
  append(task: TaskRecord, events: readonly TaskEventBody[], by: By, options: { sync: boolean }): unknown
  refresh(task: TaskRecord): void
  loseLease(nonce: string, why: UnsureWhy): void
  warn(error: unknown): void
}

/**
 * The timers of one workspace's tasks: leases, attempts, pauses, sleeps, deadlines. They are made from the state, so that a
 * restart makes them again.
 */
export class TaskAlarms {
  readonly #book: AlarmedBook

  constructor(book: AlarmedBook) {
    this.#book = book
  }

  /** Sets the timers of a task that was read from the journal. Its leases have their whole time again. */
  wake(task: TaskRecord): void {
    for (const target of targetsOf(task)) this.#arm(task, target, 'restart')
    for (const step of task.steps) this.#armStep(task, step, true)
    this.#armDeadline(task, true)
  }

  /** The first of the times of a task that are set, ms since epoch; Infinity if none is. */
  firstDueAt(task: TaskRecord): number {
    let first = task.deadlineAt ?? Infinity
    for (const { isWaiting, until } of task.steps) if (isWaiting && until !== undefined) first = Math.min(first, until)
    for (const target of targetsOf(task)) {
      const attempts = attemptsOf(task, target)
      if (attempts?.state === 'waiting') first = Math.min(first, attempts.retryAt ?? Infinity)
    }
    return first
  }

  /**
   * Sets the timers of an event that is in the journal now.
   *
   * @param nonceBefore name of the lease under which the attempt of the event was made
   */
  take(event: TaskEventBody, task: TaskRecord, nonceBefore: string | undefined): void {
    const { leases, timers } = this.#book
    if ('kind' in event) {
      // News change nothing for an attempt that runs.
      if (nonceBefore !== undefined && event.type !== 'woken') leases.remove(nonceBefore)
      this.#arm(task, event, event.type)
    }
    if (event.type === 'started' || event.type === 'retried') this.#armDeadline(task)
    if (event.type === 'retried') for (const target of targetsOf(task)) timers.clear(retryKeyOf(target))
    if (event.type === 'waiting') this.#armStep(task, stepOf(task, event.step))
    if (event.type === 'ended') this.#disarm(task)
  }

  /** Whether the pause before the next attempt is over. */
  isDue(target: Target): boolean {
    return !this.#book.timers.has(retryKeyOf(target))
  }

  /** A step whose worker does not come in time has failed. `offer` is what waits for a worker now. */
  awaitWorker(task: TaskRecord, offer: Target | undefined): void {
    const { timers } = this.#book
    const key = `schedule ${task.id}`
    const scheduleMs = offer?.kind === 'undo' ? undefined : stepOf(task, offer?.step)?.shape.scheduleMs
    if (offer === undefined || scheduleMs === undefined) return timers.clear(key)
    if (!timers.has(key)) this.#set(key, scheduleMs, () => this.#onNoWorker(task.id, scheduleMs))
  }

  #arm(task: TaskRecord, target: Target, why: TaskEventBody['type'] | 'restart'): void {
    const attempts = attemptsOf(task, target)
    if (attempts === undefined) return
    const { timers, leases, nowMs } = this.#book
    const key = retryKeyOf(target)
    const { state, retryAt, nonce, worker = '', firstAt, leaseMs } = attempts
    const pauseMs = state === 'waiting' && retryAt !== undefined ? retryAt - nowMs : 0
    // A pause that ended while the server was away: others have, too.
    const delayMs = pauseMs < 0 && why === 'restart' ? this.#book.world.catchUpMs(task.saga, target) : pauseMs
    if (delayMs > 0) timers.set(key, delayMs, () => this.#refresh(task.id))
    else timers.clear(key)
    if (state !== 'running' || nonce === undefined || (why !== 'leased' && why !== 'restart')) return
    const lost: UnsureWhy = why === 'restart' ? 'server_restart' : 'lease_expired'
    leases.add(nonce, { worker, saga: task.saga, target, beganAtMs: nowMs, leaseMs }, (timer) => {
      this.#try(`${timer} ${nonce}`, () => this.#book.loseLease(nonce, timer === 'lease' ? lost : 'timed_out'))
    })
    const shape = stepOf(task, target.step)?.shape
    const wholeMs = target.kind === 'run' ? shape?.giveUpAfterMs : undefined
    const leftMs = wholeMs === undefined ? Infinity : Math.max(0, wholeMs - (nowMs - (firstAt ?? nowMs)))
    const timeoutMs = Math.min(shape?.timeoutMs ?? Infinity, leftMs)
    if (timeoutMs !== Infinity) leases.limit(nonce, timeoutMs)
  }

  #armDeadline(task: TaskRecord, isWaking = false): void {
    const key = `deadline ${task.id}`
    if (task.deadlineAt === undefined || !isOpen(task)) return this.#book.timers.clear(key)
    this.#set(key, this.#untilMs(task, task.deadlineAt, isWaking), () => this.#onDeadline(task.id))
  }

  #armStep(task: TaskRecord, step: StepRecord | undefined, isWaking = false): void {
    if (step?.isWaiting !== true || step.until === undefined) return
    const { name } = step.shape
    this.#set(`step ${task.id} ${name}`, this.#untilMs(task, step.until, isWaking), () =>
      this.#onStepTime(task.id, name),
    )
  }

  /** Time until a time of the task, ms. One that is over when the tasks are woken takes its turn. */
  #untilMs(task: TaskRecord, at: number, isWaking: boolean): number {
    const leftMs = at - this.#book.nowMs
    return leftMs < 0 && isWaking ? this.#book.world.catchUpMs(task.saga, undefined) : leftMs
  }

  #disarm(task: TaskRecord): void {
    const { timers, leases } = this.#book
    timers.clear(`deadline ${task.id}`)
    timers.clear(`schedule ${task.id}`)
    for (const { shape } of task.steps) timers.clear(`step ${task.id} ${shape.name}`)
    for (const target of targetsOf(task)) {
      timers.clear(retryKeyOf(target))
      const nonce = attemptsOf(task, target)?.nonce
      if (nonce !== undefined) leases.remove(nonce)
    }
  }

  #onNoWorker(id: string, scheduleMs: number): void {
    const task = this.#taskOf(id)
    const target = this.#book.ready.offersOf(id)[0]
    if (task === undefined || target === undefined || target.kind === 'undo') return
    const error: Failure = { message: `no worker took the step within ${scheduleMs} ms`, class: 'permanent' }
    this.#book.append(task, [{ type: 'failed', ...target, error, verdict: 'failed' }], ENGINE, { sync: true })
  }

  #onDeadline(id: string): void {
    const task = this.#taskOf(id)
    if (task === undefined || task.phase !== 'forward' || task.isOverdue) return
    const error: Failure = { message: 'the task was not done by its deadline', class: 'permanent' }
    const event: TaskEventBody = isPastPivot(task)
      ? { type: 'overdue', task: id }
      : { type: 'turned', task: id, why: 'deadline', error }
    this.#book.append(task, [event], ENGINE, { sync: true })
  }

  #onStepTime(id: string, name: string): void {
    const task = this.#taskOf(id)
    const step = task && stepOf(task, name)
    if (task === undefined || task.phase !== 'forward' || step?.isWaiting !== true) return
    // A paused task goes on when it is resumed: its timers are set again then.
    if (task.isPaused) return
    const target = { task: id, kind: 'run', step: name } as const
    const error: Failure = { message: `the signal ${name} did not come in time`, class: 'permanent' }
    const event: TaskEventBody =
      step.shape.kind === 'sleep'
        ? { type: 'done', ...target, result: null, bytes: 0 }
        : { type: 'failed', ...target, error, verdict: 'failed' }
    this.#book.append(task, [event], ENGINE, { sync: true })
  }

  #refresh(id: string): void {
    const task = this.#taskOf(id)
    if (task !== undefined) this.#book.refresh(task)
  }

  #taskOf(id: string): TaskRecord | undefined {
    return this.#book.journal.fold.tasks.get(id)
  }

  #set(key: string, delayMs: number, work: () => void): void {
    this.#book.timers.set(key, delayMs, () => this.#try(key, work))
  }

  /** Runs the work of a timer. Where storage takes nothing now, it is tried again. */
  #try(key: string, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!this.#book.journal.isOurs) return
      this.#book.warn(error)
      this.#set(key, STORAGE_RETRY_MS, work)
    }
  }
}

function retryKeyOf({ task, kind, step, item }: Target): string {
  return `retry ${task} ${kind} ${JSON.stringify([step, item])}`
}
