import { LogError, type LogRecord, type Receipt, type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { Beat, BeatAnswer, Json, LeaseAsk, LeasedWork, SagaShape, StepDone, StepFailed } from '@joinery/protocol'
import { lost, standing, takeBeat, takeDone, takeFailed, takeRecord, takeRelease, writesOf } from './attempt-answers.ts'
import { BookShelf, type DamagedJournal } from './book-shelf.ts'
import { type Allows, Dispatcher, type Offers } from './dispatcher.ts'
import type { OwnWrites } from './documents.ts'
import { digestOf } from './json-value.ts'
import { assertLeaseAsk, LiveWorkers } from './live-workers.ts'
import { parseToken, workspaceHashOfToken } from './names.ts'
import { Routing } from './routing.ts'
import { checkInput } from './saga-check.ts'
import { Sagas } from './sagas.ts'
import type { Kept, TaskView } from './task.ts'
import type { TaskBook } from './task-book.ts'
import { cancelTask, retryTask, signalTask, skipStep, startTask, terminateTask } from './task-changes.ts'
import { countedStatuses, gaugesOf, TaskCounters, type TaskCounts, type TaskGauges } from './task-counts.ts'
import { TaskError } from './task-error.ts'
import type { By } from './task-event.ts'
import { eventsOf, told, untilChanged } from './task-events.ts'
import { TASK_LIMITS_DEFAULT, type TaskLimits } from './task-limits.ts'
import { listTasks, openTasksOf } from './task-list.ts'
import type { TaskRecord } from './task-state.ts'
import type { OpenTask, Started, StartRequest, TaskEvent, TaskList, Tasks } from './tasks.ts'
import type { TasksOptions } from './tasks-options.ts'
import { Timers } from './timers.ts'
import { isOpen } from './work-fold.ts'

/** Shortest lease that a worker may ask for: three beats and their answers need some time. */
const LEASE_MS_MIN = 1_000
/** Leases that a worker may ask for at once. */
const LEASES_MAX = 64
/** Time between two sweeps, ms. */
const SWEEP_MS = 15_000

interface EngineParts {
  readonly options: TasksOptions
  readonly limits: TaskLimits
  readonly clock: SteadyClock
  readonly timers: Timers
  readonly workers: LiveWorkers
  readonly dispatcher: Dispatcher
  readonly shelf: BookShelf
  readonly counters: TaskCounters
}

/** The tasks of all workspaces of one server, over their journals. */
export class TaskEngine implements Tasks {
  readonly #options: TasksOptions
  readonly #limits: TaskLimits
  readonly #clock: SteadyClock
  readonly #shelf: BookShelf
  readonly #dispatcher: Dispatcher
  readonly #workers: LiveWorkers
  readonly #sagas: Sagas
  readonly #timers: Timers
  readonly #counters: TaskCounters
  readonly #closing = new AbortController()
  readonly #routing: Routing

  private constructor(parts: EngineParts) {
    this.#options = parts.options
    this.#limits = parts.limits
    this.#clock = parts.clock
    this.#shelf = parts.shelf
    this.#dispatcher = parts.dispatcher
    this.#workers = parts.workers
    this.#timers = parts.timers
    this.#counters = parts.counters
    this.#sagas = new Sagas({ ...parts.options, ...parts })
    const start = (workspace: string, request: StartRequest): Promise<Started> => this.start(workspace, request)
    this.#routing = new Routing({ ...parts, ...parts.options, signal: this.#closing.signal, start })
    if (parts.options.isServing === false) return
    this.#armSweep()
    this.#routing.go()
  }

  /** Opens the journals of the workspaces with open tasks. Rejects with the log's error if the server's own can't be read. */
  static async open(options: TasksOptions): Promise<TaskEngine> {
    const { clock = systemSteadyClock, logger, hostOf = () => undefined } = options
    const limits = { ...TASK_LIMITS_DEFAULT, ...options.limits }
    const timers = new Timers(clock, (error) => logger.error({ error }, 'a timer of tasks failed'))
    const workers = new LiveWorkers(clock)
    const dispatcher = new Dispatcher({ limits, clock, timers, workers, hostOf })
    const counters = new TaskCounters()
    const shelf = await BookShelf.open({ ...options, bounds: limits, time: clock, dispatcher, counters })
    return new TaskEngine({ options, limits, clock, timers, workers, dispatcher, shelf, counters })
  }

  async start(workspace: string, request: StartRequest): Promise<Started> {
    await this.#sagas.untilMet(request, this.#closing.signal)
    return this.#shelf.use(workspace, async (book) => {
      const { task, durable, isRepeated } = await startTask(
        book,
        request,
        () => this.#sagaFor(request),
        () => {
          this.#assertRoom()
          this.#shelf.noteOpen(workspace)
        },
      )
      await durable
      return { task: await told(book, () => book.view(task)), isRepeated }
    })
  }

  ask(workspace: string, _record: LogRecord, { sync: _, ...request }: StartRequest & { readonly key: string }): void {
    try {
      void this.#shelf.append(
        { type: 'asked', workspace, request },
        { key: `ask:${digestOf([workspace, request.key])}` },
      )
    } catch (error) {
      if (error instanceof LogError && error.code === 'duplicate_key') return
      throw error
    }
    this.#routing.go()
  }

  find(workspace: string, task: string): Promise<TaskView> {
    return this.#with(workspace, (book) => told(book, () => book.view(book.find(task))))
  }

  list(workspace: string, query: Parameters<Tasks['list']>[1]): Promise<TaskList> {
    return this.#with(workspace, (book) => told(book, () => listTasks(book, query)))
  }

  openOf(workspace: string, saga: string): Promise<readonly OpenTask[]> {
    return this.#with(workspace, (book) => openTasksOf(book, saga))
  }

  untilChanged(workspace: string, options: Parameters<Tasks['untilChanged']>[1]): Promise<number> {
    return this.#with(workspace, (book) => untilChanged(book, options))
  }

  async *events(workspace: string, task: string, options: Parameters<Tasks['events']>[2]): AsyncGenerator<TaskEvent> {
    const book = await this.#with(workspace, (found) => found)
    yield* eventsOf(book, task, { ...options, signal: AbortSignal.any([options.signal, this.#closing.signal]) })
  }

  cancel(workspace: string, task: string, by: By): Promise<TaskView> {
    return this.#change(workspace, (book) => cancelTask(book, task, by))
  }

  retry(workspace: string, task: string, by: By): Promise<TaskView> {
    return this.#change(workspace, (book) => retryTask(book, task, by))
  }

  skip(workspace: string, task: string, step: string, result: Json, by: By): Promise<TaskView> {
    return this.#change(workspace, (book) => skipStep(book, task, step, result, by))
  }

  terminate(workspace: string, task: string, by: By): Promise<TaskView> {
    return this.#change(workspace, (book) => terminateTask(book, task, by))
  }

  signal(workspace: string, task: string, signal: Parameters<Tasks['signal']>[2], by: By): Promise<TaskView> {
    return this.#change(workspace, (book) => signalTask(book, task, signal, by))
  }

  resume(workspace: string, by: By): Promise<number> {
    return this.#with(workspace, async (book) => {
      const paused = [...book.fold.tasks.values()].filter(({ isPaused }) => isPaused).length
      if (paused === 0) return 0
      const { durable } = book.journal.append([{ event: { type: 'resumed', by }, ...by, connection: 'work:' }], {
        sync: true,
      })
      book.wakeAll()
      this.#shelf.noteOpen(workspace)
      await durable
      return paused
    })
  }

  async lease(
    ask: LeaseAsk,
    allows: (saga: string, workspace: string) => boolean,
    signal: AbortSignal,
  ): Promise<LeasedWork[]> {
    assertLeaseAsk(ask)
    if (ask.stops) {
      this.#workers.remove(ask.worker)
      return []
    }
    await this.#sagas.announce(ask)
    const leave = this.#workers.arrive(ask)
    try {
      const max = Math.min(Math.max(1, ask.max), LEASES_MAX)
      return await this.#leaseSoon({ ...ask, max, ...this.#shorterLease(ask) }, allows, signal)
    } finally {
      leave()
    }
  }

  /** The time of a lease that the worker asks for, within the bounds. */
  #shorterLease({ leaseMs }: LeaseAsk): Pick<LeaseAsk, 'leaseMs'> {
    return leaseMs === undefined ? {} : { leaseMs: Math.max(LEASE_MS_MIN, Math.min(leaseMs, this.#limits.leaseMs)) }
  }

  async #leaseSoon(ask: LeaseAsk, allows: Allows, signal: AbortSignal): Promise<LeasedWork[]> {
    const endsAtMs = this.#clock.monotonicMs() + Math.min(Math.max(0, ask.waitMs), this.#limits.waitMsMax)
    const ended = AbortSignal.any([signal, this.#closing.signal])
    for (;;) {
      if (ended.aborted) return []
      const taken = this.#dispatcher.take(ask, allows)
      if (taken.length > 0) {
        await Promise.all(taken.map(({ durable }) => durable))
        return taken.map(({ work }) => work)
      }
      const leftMs = endsAtMs - this.#clock.monotonicMs()
      if (leftMs <= 0) return []
      await this.#dispatcher.waitForWork(leftMs, ended)
    }
  }

  async beat(token: string, beat: Beat): Promise<BeatAnswer> {
    return this.#underToken(token, (book, nonce) => {
      const answer = takeBeat(book, nonce, beat, (task) => this.#shelf.projector.show(book, task, false))
      this.#workers.see(book.leases.get(nonce)?.worker ?? '')
      return answer
    })
  }

  done(token: string, done: StepDone): Promise<void> {
    return this.#underToken(token, (book, nonce) => takeDone(book, this.#options.documents, nonce, done))
  }

  failed(token: string, failed: StepFailed): Promise<void> {
    return this.#underToken(token, (book, nonce) => takeFailed(book, nonce, failed))
  }

  release(token: string): Promise<void> {
    return this.#underToken(token, takeRelease)
  }

  assertStands(workspace: string, token: string): void {
    const { nonce } = this.#parse(token, workspace)
    const book = this.#shelf.loaded(workspace)
    if (book === undefined) throw lost()
    standing(book, nonce)
  }

  ownWrites(workspace: string, token: string): OwnWrites {
    const { nonce } = this.#parse(token, workspace)
    const book = this.#shelf.loaded(workspace)
    if (book === undefined) throw lost()
    return writesOf(book, nonce)
  }

  wrote(token: string, record: { readonly lsn: number; readonly touched: readonly Kept[] }): Pick<Receipt, 'durable'> {
    const { nonce, workspace } = this.#parse(token)
    const book = this.#shelf.loaded(workspace)
    if (book === undefined) throw lost()
    return takeRecord(book, nonce, record)
  }

  /** Gives nothing of a deleted workspace to workers. Its tasks wait, and say so. */
  suspend(workspace: string): void {
    this.#shelf.suspend(workspace, 'the workspace is deleted: its tasks go on if the deletion is taken back')
  }

  /** Takes {@link suspend} back. */
  unsuspend(workspace: string): void {
    this.#shelf.unsuspend(workspace)
  }

  /** Notes that a workspace is about to be purged: should the server end before {@link forget}, the next one does it. */
  willForget(workspace: string): Promise<void> {
    return this.#shelf.append({ type: 'purging', workspace }, { sync: true })
  }

  /** Removes what is kept of a workspace that was purged: the requests for tasks that were made by edits, with their inputs. */
  async forget(workspace: string): Promise<void> {
    this.#shelf.unsuspend(workspace)
    await this.#shelf.forget(workspace)
  }

  /** Shows the tasks of a workspace whose document was loaded, or replaced, where it may show less than the journal knows. */
  async project(workspace: string): Promise<void> {
    await this.#with(workspace, (book) => {
      for (const task of book.fold.tasks.values()) {
        if (isOpen(task) || task.isUnprojected) this.#shelf.projector.show(book, task, true)
      }
    })
  }

  /** The journals that can't be read. The tasks of all others go on. */
  get damagedJournals(): readonly DamagedJournal[] {
    return this.#shelf.damaged
  }

  /** Runs work on a journal that is closed meanwhile, such as a repair, and opens it again. */
  whileClosed<T>(log: string, work: () => Promise<T>): Promise<T> {
    return this.#shelf.whileClosed(log, work)
  }

  /** The attempts that wait for a worker. */
  get offers(): Offers {
    return this.#dispatcher
  }

  /** Numbers since the start of the server. */
  get counts(): TaskCounts {
    return this.#counters.all
  }

  /** The state of the tasks now. Takes some microseconds for each task. */
  get gauges(): TaskGauges {
    const books = [...this.#shelf.books()]
    const sum = (of: (book: TaskBook) => number): number => books.reduce((all, book) => all + of(book), 0)
    const states = { closed: 0, half_open: 1, open: 2 }
    return {
      ...gaugesOf(books.flatMap(countedStatuses)),
      leases: sum(({ leases }) => leases.size),
      timers: sum(({ timers }) => timers.size),
      damagedJournals: this.#shelf.damaged.length,
      timerLagSeconds: Math.max(0, ...books.map(({ timers }) => timers.lagMs / 1_000)),
      breakers: Array.from(this.#dispatcher.breakers, ([host, { state }]) => ({
        labels: { host },
        value: states[state],
      })),
    }
  }

  /** How much there is, at no cost: open tasks, and workspaces whose journal could not be opened at the last try. */
  get extent(): { readonly open: number; readonly unreadable: number } {
    let open = 0
    for (const { fold } of this.#shelf.books()) open += fold.open
    return { open, unreadable: this.#shelf.damaged.length }
  }

  /** Ends all waits, and writes no more. The logs are closed with the server. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#dispatcher.wake()
    this.#timers.clearAll()
    await this.#routing.done
    await this.#shelf.close()
  }

  #sagaFor({ saga: name, version, input }: StartRequest): SagaShape {
    const saga = this.#sagas.find(name, version)
    checkInput(saga, input)
    return saga
  }

  #assertRoom(): void {
    const { open } = this.extent
    if (open < this.#limits.tasksOpenMax) return
    const message = `${open} tasks are open on this server, and at most ${this.#limits.tasksOpenMax} may be: wait until some have ended`
    throw new TaskError('too_many_tasks', message)
  }

  #with<T>(workspace: string, work: (book: TaskBook) => T | Promise<T>): Promise<T> {
    return this.#shelf.use(workspace, work)
  }

  #change(
    workspace: string,
    make: (book: TaskBook) => { task: TaskRecord; durable: Promise<void> },
  ): Promise<TaskView> {
    return this.#with(workspace, async (book) => {
      const { task, durable } = make(book)
      if (isOpen(task)) this.#shelf.noteOpen(workspace)
      await durable
      return told(book, () => book.view(task))
    })
  }

  async #underToken<T>(token: string, work: (book: TaskBook, nonce: string) => T | Promise<T>): Promise<T> {
    try {
      const { nonce, workspace } = this.#parse(token)
      return await this.#with(workspace, (book) => work(book, nonce))
    } catch (error) {
      if (error instanceof TaskError && error.code === 'lease_lost') this.#counters.fence()
      throw error
    }
  }

  #parse(token: string, expected?: string): { nonce: string; workspace: string } {
    const parts = parseToken(token)
    const hash = workspaceHashOfToken(token)
    const workspace = parts && (this.#shelf.workspaceOf(parts.tag) ?? (hash && this.#options.workspaceOfHash?.(hash)))
    if (parts === undefined || workspace === undefined || (expected !== undefined && workspace !== expected))
      throw lost()
    return { nonce: parts.nonce, workspace }
  }

  #armSweep(): void {
    this.#timers.set('sweep', SWEEP_MS, () => {
      this.#shelf.sweep().catch((error: unknown) => this.#options.logger.warn({ error }, 'tasks could not be swept'))
      this.#armSweep()
    })
  }
}

/** Opens the tasks of a server. Close them before the server and its store. */
export function openTasks(options: TasksOptions): Promise<TaskEngine> {
  return TaskEngine.open(options)
}
