import type { Entry, Journal, SteadyClock } from '@joinery/log'
import type { LeaseAsk, LeasedWork, SagaShape } from '@joinery/protocol'
import { applyEvent, attemptsOf, stepOf, taskOf } from './apply-event.ts'
import { Followers } from './followers.ts'
import { type LiveLease, LiveLeases } from './live-leases.ts'
import { keyOf, makeNonce, tokenOf } from './names.ts'
import { nextEvent } from './next-event.ts'
import { offersOf } from './offers.ts'
import { ReadyQueue } from './ready-queue.ts'
import { judge } from './retry-policy.ts'
import type { TaskView, Waiting } from './task.ts'
import { TaskAlarms } from './task-alarms.ts'
import { TaskError } from './task-error.ts'
import {
  type By,
  ENGINE,
  type Failure,
  type JournalEvent,
  type Target,
  type TaskEventBody,
  type UnsureWhy,
} from './task-event.ts'
import type { TaskLimits } from './task-limits.ts'
import { forkOf, isPastPivot, type TaskRecord, unitOf } from './task-state.ts'
import { resultsOf, statusOf, type ViewContext, viewOf } from './task-view.ts'
import type { TaskLogger } from './tasks-options.ts'
import { Timers } from './timers.ts'
import { isOpen, type WorkFold } from './work-fold.ts'

/** Offers of one task that are looked at: more than a workspace may have leases. */
const OFFERS_MAX = 64
/** Events that may follow from one: two for each step, and the end. More would be a loop. */
const FOLLOWING_MAX = 1_000

/** The part of the server that a book speaks to. */
export interface BookWorld {
  readonly limits: TaskLimits
  readonly clock: SteadyClock
  readonly logger: TaskLogger
  random(): number
  /** Why an attempt that could be made is not. */
  held(task: TaskRecord, target: Target | undefined): Waiting
  /** Time until something may go on that was due before, ms. */
  catchUpMs(saga: SagaShape, target: Target | undefined): number
  /** Called when attempts have become ready. */
  onReady(): void
  /** Called when a lease begins or ends. */
  onLease(lease: LiveLease, by: 1 | -1): void
  /** Called with each event after it was appended. `leasedAtMs` is when its attempt was given to the worker. */
  onEvent(event: TaskEventBody, task: TaskRecord, atMs: number, leasedAtMs: number | undefined): void
}

interface AppendOptions {
  /** Whether `durable` waits for an fsync. */
  readonly sync?: boolean
  /** Idempotency key of the first event. */
  readonly key?: string | undefined
  /** Whether the document shows the events in the same write. */
  readonly isShown?: boolean
}

/** The tasks of one workspace: decides, and writes what was decided, in the turn of the call. */
export class TaskBook {
  readonly workspace: string
  readonly journal: Journal<JournalEvent, WorkFold>
  readonly leases: LiveLeases
  readonly ready = new ReadyQueue()
  readonly timers: Timers
  readonly world: BookWorld
  /** Set while the workspace is deleted: nothing is given to workers. */
  suspended: string | undefined
  readonly #listeners = new Map<string, Set<(event: TaskEventBody, lsn: number, at: number) => void>>()
  /** Called after each event of any task. */
  readonly #followers = new Set<() => void>()
  /** The steps that wait for news of resources. */
  readonly #waiting = new Followers()
  readonly #copy: string
  readonly #alarms: TaskAlarms
  readonly #onShow: (task: TaskRecord, isUrgent: boolean) => void
  #isClosed = false

  /**
   * @param copy id of the present copy of the data: in another copy, tasks wait until somebody resumes them
   * @param onShow called when a task with a subject has changed by an event that belongs to no change of the document
   */
  constructor(
    workspace: string,
    journal: Journal<JournalEvent, WorkFold>,
    world: BookWorld,
    copy: string,
    onShow: (task: TaskRecord, isUrgent: boolean) => void,
  ) {
    this.workspace = workspace
    this.journal = journal
    this.world = world
    this.#copy = copy
    this.#onShow = onShow
    if (this.fold.copy !== '' && this.fold.copy !== copy) {
      journal.append([{ event: { type: 'copied', copy }, ...ENGINE, connection: 'work:' }])
    }
    this.timers = new Timers(world.clock, (error) => {
      world.logger.error({ workspace, error }, 'a timer of tasks failed')
    })
    this.#alarms = new TaskAlarms(this)
    this.leases = new LiveLeases(this.timers, world.limits.leaseMs, world.onLease)
    this.wakeAll()
  }

  get fold(): WorkFold {
    return this.journal.fold
  }

  /** Server time for events, ms since epoch: never before the last record. */
  get nowMs(): number {
    return Math.max(this.world.clock.wallMs(), this.journal.lastAt)
  }

  /** Whether nothing of it is in use. */
  get isIdle(): boolean {
    return this.leases.size + this.#listeners.size + this.#followers.size === 0
  }

  /** Throws `unknown_task` if the workspace has no such task. */
  find(id: string): TaskRecord {
    const task = this.fold.tasks.get(id)
    if (task === undefined)
      throw new TaskError('unknown_task', `there is no task ${id.slice(0, 100)} in this workspace`)
    return task
  }

  view(task: TaskRecord): TaskView {
    return viewOf(task, this.#context(task))
  }

  /** The state of a task, and why it waits. */
  status(task: TaskRecord): ReturnType<typeof statusOf> {
    return statusOf(task, this.#context(task))
  }

  #context(task: TaskRecord): ViewContext {
    const { limits } = this.world
    return {
      workspace: this.workspace,
      held: () => this.#held(task),
      progressOf: (nonce) => this.leases.get(nonce)?.progress,
      isStalled: (of, { until, code }) =>
        until === undefined &&
        code !== 'signal' &&
        code !== 'operator' &&
        this.nowMs - of.updatedAt >= limits.stalledAfterMs,
    }
  }

  /** Calls `listener` with each event of a task from now on. Returns unsubscribe. */
  listen(id: string, listener: (event: TaskEventBody, lsn: number, at: number) => void): () => void {
    const listeners = this.#listeners.get(id) ?? new Set()
    this.#listeners.set(id, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(id)
    }
  }

  /** Calls `follower` after each event of any task, and when the book is closed. Returns unsubscribe. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower)
    return () => void this.#followers.delete(follower)
  }

  /** The events, those that follow from them, and the task as it is after all of them. Changes nothing. */
  foresee(task: TaskRecord | undefined, events: readonly TaskEventBody[]): { all: TaskEventBody[]; after: TaskRecord } {
    const nowMs = this.nowMs
    let lsn = this.journal.log.head
    let after = task === undefined ? undefined : forkOf(task)
    const all: TaskEventBody[] = []
    const take = (event: TaskEventBody): void => {
      all.push(event)
      lsn++
      if (event.type === 'started') after = taskOf(event, nowMs, lsn)
      else if (after !== undefined) applyEvent(after, event, nowMs, lsn)
    }
    for (const event of events) take(event)
    if (after === undefined) throw new Error('events of no task')
    for (let next = nextEvent(after, nowMs); next !== undefined; next = nextEvent(after, nowMs)) {
      if (all.length > FOLLOWING_MAX) throw new Error(`task ${after.id} makes no progress by ${next.type}`)
      take(next)
    }
    return { all, after }
  }

  /**
   * Appends events and those that follow from them as one write, and takes them into the state. Throws the log's error, and
   * changes nothing then.
   */
  append(
    task: TaskRecord | undefined,
    events: readonly TaskEventBody[],
    by: By,
    { sync = false, key, isShown = false }: AppendOptions = {},
  ): { readonly durable: Promise<void> } {
    const { all, after } = this.foresee(task, events)
    // A result that is not in the document yet is shown later, after a crash too.
    if (!isShown && after.subject !== undefined && after.phase === 'ended' && task?.phase !== 'ended') {
      all.push({ type: 'projected', task: after.id, isUnprojected: true })
    }
    const { actor, source } = by
    const connection = `work:${all.find((event) => event.type === 'leased')?.worker ?? ''}`
    const entries: Entry<JournalEvent>[] = all.map((event, n) => ({
      ...{ event, actor, source, connection },
      ...(n === 0 && key !== undefined && { idempotencyKey: key }),
    }))
    // The first record of a journal says in which copy of the data it is written.
    if (this.fold.copy === '') entries.unshift({ event: { type: 'copied', copy: this.#copy }, ...ENGINE, connection })
    const leased = all.map((event) =>
      'kind' in event && task !== undefined ? attemptsOf(task, event)?.nonce : undefined,
    )
    const leasedAtMs = this.leases.get(leased[0] ?? '')?.beganAtMs
    const { durable, lsn } = this.journal.append(entries, { sync })
    for (const [n, event] of all.entries()) this.#took(event, leased[n], lsn - all.length + 1 + n, leasedAtMs)
    const changed = all[0] === undefined ? undefined : this.fold.tasks.get(all[0].task)
    if (changed === undefined) return { durable }
    this.refresh(changed)
    for (const event of all) this.#tellNews(event, changed)
    const isProjection = all.every(({ type }) => ['projected', 'wrote', 'woken'].includes(type))
    if (changed.subject !== undefined && !isShown && !isProjection) this.#onShow(changed, true)
    return { durable }
  }

  /** Gives an attempt to a worker. Wait for `durable` before the worker is told. Throws the log's error. */
  lease(
    target: Target,
    { worker, leaseMs }: Pick<LeaseAsk, 'worker' | 'leaseMs'>,
  ): { work: LeasedWork; durable: Promise<void> } {
    const task = this.find(target.task)
    const before = attemptsOf(task, target)
    const nonce = makeNonce()
    const attempt = (before?.attempt ?? 0) + 1
    const events: TaskEventBody[] = [{ type: 'leased', ...target, attempt, worker, nonce, leaseMs }]
    const shape = stepOf(task, target.step)?.shape
    // The journal has to know after a power cut, too, that it may have happened.
    const sync = target.kind === 'run' && (shape?.effect === 'at_most_once' || shape?.hasUndo === true)
    const { durable } = this.append(task, events, { actor: worker, source: 'worker' }, { sync })
    return { work: this.#workOf(task, target, nonce, before?.details), durable }
  }

  /** Ends an attempt of which nobody knows whether it has happened. */
  loseLease(nonce: string, why: UnsureWhy): void {
    const target = this.fold.ofNonce(nonce)
    const task = target && this.fold.tasks.get(target.task)
    if (target === undefined || task === undefined) return
    const attempts = attemptsOf(task, target)
    if (attempts?.state !== 'running' || attempts.nonce !== nonce) return
    const { verdict, delayMs } = this.judge(task, target, { message: '', class: 'unsure' })
    // A lease's time was pause enough.
    const pauseMs = why === 'timed_out' ? delayMs : 0
    const retryAt = verdict === 'retry' ? this.nowMs + pauseMs : undefined
    const details = this.leases.get(nonce)?.details
    this.append(task, [{ type: 'unsure', ...target, why, verdict, retryAt, details }], ENGINE)
  }

  /** Whether and when a failed attempt of the target is made again. */
  judge(task: TaskRecord, target: Target, error: Failure, retryAfterMs?: number): ReturnType<typeof judge> {
    const attempts = attemptsOf(task, target)
    if (attempts === undefined) throw new Error('a task has no such step')
    const { limits, random } = this.world
    const sinceFirstMs = attempts.firstAt === undefined ? 0 : Math.max(0, this.nowMs - attempts.firstAt)
    return judge(
      {
        ...{ kind: target.kind, class: error.class, attempts, shape: stepOf(task, target.step)?.shape, retryAfterMs },
        ...{ sinceFirstMs, isPastPivot: isPastPivot(task), hasDeadline: task.deadlineAt !== undefined },
        isTurned: task.phase !== 'forward',
      },
      limits,
      random,
    )
  }

  /** Finds anew what can be made of the task now. */
  refresh(task: TaskRecord): void {
    const offers: Target[] = []
    if (this.suspended === undefined && !this.#isClosed) {
      for (const target of offersOf(task, (of) => this.#alarms.isDue(of))) {
        if (offers.push(target) >= OFFERS_MAX) break
      }
    }
    this.ready.put(task, offers)
    this.#waiting.put(task)
    this.#alarms.awaitWorker(task, offers[0])
    if (offers.length > 0) this.world.onReady()
  }

  refreshAll(): void {
    for (const task of this.fold.tasks.values()) if (isOpen(task)) this.refresh(task)
  }

  warn(error: unknown): void {
    this.world.logger.warn({ workspace: this.workspace, error }, 'a timer of tasks is tried again')
  }

  /** Writes no more, and fires no more timers. */
  stop(): void {
    this.#isClosed = true
    this.timers.clearAll()
    this.ready.clear()
    this.leases.clear()
    this.#listeners.clear()
    for (const follower of [...this.#followers]) follower()
  }

  #workOf(task: TaskRecord, target: Target, nonce: string, details: LeasedWork['details']): LeasedWork {
    const { limits } = this.world
    const step = stepOf(task, target.step)
    const attempts = attemptsOf(task, target)
    const value = step?.items?.find(({ key }) => key === target.item)
    const result = target.kind === 'undo' && step !== undefined ? unitOf(step, target.item).result : undefined
    const deadlineMs = this.timers.remainingMs(`deadline ${task.id}`)
    const timeoutMs = this.timers.remainingMs(`attempt ${nonce}`)
    return {
      ...{ token: tokenOf(nonce, this.workspace), task: task.id, workspace: this.workspace, kind: target.kind },
      ...{ saga: task.saga.name, version: task.saga.version, attempt: attempts?.attempt ?? 1, key: keyOf(target) },
      ...{ input: task.input, results: resultsOf(task, target.step), startedAt: task.startedAt },
      ...{
        leaseMs: attempts?.leaseMs ?? limits.leaseMs,
        cancelGraceMs: step?.shape.cancelGraceMs ?? limits.cancelGraceMs,
      },
      ...(target.step !== undefined && { step: target.step }),
      ...(target.kind === 'undo' && { runKey: keyOf({ ...target, kind: 'run' }) }),
      ...(value !== undefined && { item: value }),
      ...(result !== undefined && { result }),
      ...(details !== undefined && { details }),
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(task.traceparent !== undefined && { traceparent: task.traceparent }),
    }
  }

  /** Wakes the attempts of other tasks that wait for what the step has news of, in the turn in which it is done. */
  #tellNews(event: TaskEventBody, task: TaskRecord): void {
    if (event.type !== 'done' || event.kind !== 'run') return
    const step = stepOf(task, event.step)
    if (step?.shape.tells === undefined) return
    for (const { task: other, target } of this.#waiting.concerned(task, step, event.item, (id) =>
      this.fold.tasks.get(id),
    )) {
      this.append(other, [{ type: 'woken', ...target }], ENGINE)
    }
  }

  /** Sets the timers and leases of an event that is in the journal now, and tells of it. */
  #took(event: TaskEventBody, nonceBefore: string | undefined, lsn: number, leasedAtMs: number | undefined): void {
    const task = this.fold.tasks.get(event.task)
    if (task === undefined) return
    this.#alarms.take(event, task, nonceBefore)
    this.world.onEvent(event, task, this.journal.lastAt, leasedAtMs)
    const at = this.journal.lastAt
    for (const listener of this.#listeners.get(event.task) ?? []) listener(event, lsn, at)
    for (const follower of [...this.#followers]) follower()
  }

  /** Lets the tasks go on, after a start or a pause. Times that are over meanwhile count now, in their order and not all at once. */
  wakeAll(): void {
    const due = Array.from(this.fold.tasks.values())
      .filter(isOpen)
      .map((task) => ({ task, at: this.#alarms.firstDueAt(task) }))
    due.sort((a, b) => (a.at === b.at ? 0 : a.at - b.at))
    for (const { task } of due) {
      this.#alarms.wake(task)
      this.refresh(task)
    }
  }

  #held(task: TaskRecord): Waiting {
    if (this.suspended !== undefined) return { code: 'paused', reason: this.suspended }
    if (this.journal.log.state.state === 'failed') {
      return { code: 'storage', reason: 'the server’s storage takes nothing now: the task goes on when it does' }
    }
    return this.world.held(task, this.ready.offersOf(task.id)[0])
  }
}
