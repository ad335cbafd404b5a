import {
  type Fold,
  Journal,
  type JournalOptions,
  LogError,
  type SteadyClock,
  systemLogOf,
  type WorkspaceLog,
} from '@joinery/log'
import type { Dispatcher } from './dispatcher.ts'
import { type IntakeEvent, IntakeFold, intakeEvents, intakeStates } from './intake.ts'
import { Intake } from './intake-log.ts'
import { KIND, tagOf, workspaceOfJournal } from './names.ts'
import { Projector } from './projector.ts'
import { journalEvents } from './record-schemas.ts'
import { stateCodec } from './saved-state.ts'
import { TaskBook } from './task-book.ts'
import type { TaskCounters } from './task-counts.ts'
import type { JournalEvent, TaskEventBody } from './task-event.ts'
import { ENGINE } from './task-event.ts'
import type { TaskLimits } from './task-limits.ts'
import type { TaskRecord } from './task-state.ts'
import type { TaskLogger, TasksOptions } from './tasks-options.ts'
import { WorkFold } from './work-fold.ts'

const DAY_MS = 86_400_000
/** Time for which a journal without open tasks stays open, ms. */
const IDLE_MS = 30_000

export interface ShelfOptions extends TasksOptions {
  readonly bounds: TaskLimits
  readonly time: SteadyClock
  readonly dispatcher: Dispatcher
  readonly counters: TaskCounters
}

interface Open {
  readonly book: Promise<TaskBook>
  loaded: TaskBook | undefined
  usedAtMs: number
}

/** A journal that can't be read. Its tasks wait for its repair. */
export interface DamagedJournal {
  /** Name of the system log: `!work` for the server's own journal. */
  readonly log: string
  readonly reason: string
}

/** The journals of all workspaces, each open while it has open tasks or somebody asks for it, and the server's own. */
export class BookShelf {
  readonly intake: Intake
  readonly projector: Projector
  readonly #options: ShelfOptions
  readonly #books = new Map<string, Open>()
  readonly #byTag = new Map<string, string>()
  /** Journals that are being closed: they can be opened again afterwards. */
  readonly #closings = new Map<string, Promise<void>>()
  readonly #suspended = new Map<string, string>()
  /** Workspaces whose journals can't be opened, and why. */
  readonly #unreadable = new Map<string, unknown>()
  #isClosed = false

  private constructor(options: ShelfOptions, intake: Intake) {
    this.#options = options
    this.intake = intake
    this.projector = new Projector(options.documents, options.bounds.progressMs, options.logger)
    for (const workspace of intake.fold.open) this.#byTag.set(tagOf(workspace), workspace)
  }

  /** Opens the server's own journal, and those of the workspaces with open tasks. A journal that can't be read is left out. */
  static async open(options: ShelfOptions): Promise<BookShelf> {
    const intake = await Intake.open(() =>
      openJournal<IntakeEvent, IntakeFold>(options, KIND, () => undefined, {
        ...{ events: intakeEvents, states: intakeStates, empty: () => new IntakeFold() },
        touchedBy: touchedByIntake,
      }),
    )
    const shelf = new BookShelf(options, intake)
    if (intake.damage !== undefined) {
      const details = { log: KIND, error: intake.damage }
      options.logger.error(details, 'the server’s own journal of tasks can’t be read: it is kept in memory')
    }
    if (options.isServing !== false) await shelf.#forgetPurged()
    await shelf.#openAll()
    return shelf
  }

  /** Opens the journals with open tasks. After damage of the server's own journal, all of them are looked at. */
  async #openAll(): Promise<void> {
    const { fold, damage } = this.intake
    const isLooking = damage !== undefined || fold.isRepaired
    const workspaces = new Set(fold.open)
    if (isLooking) for await (const workspace of this.#journals()) workspaces.add(workspace)
    for (const workspace of workspaces) {
      await this.use(workspace, () => undefined).catch((error: unknown) => {
        const details = { workspace, error }
        this.#options.logger.error(details, 'the journal of a workspace’s tasks can’t be opened: its tasks wait')
      })
    }
    if (isLooking && damage === undefined) await this.append({ type: 'surveyed' })
  }

  /** The workspaces that have a journal. */
  async *#journals(): AsyncGenerator<string> {
    for await (const name of this.#options.systemLogs?.() ?? []) {
      const workspace = workspaceOfJournal(name)
      if (workspace !== undefined) yield workspace
    }
  }

  /** The journals that could not be opened at the last try. */
  get damaged(): DamagedJournal[] {
    const own = this.intake.damage
    return [
      ...(own === undefined ? [] : [{ log: KIND, reason: own.message }]),
      ...Array.from(this.#unreadable, ([workspace, error]) => ({
        log: systemLogOf(KIND, workspace),
        reason: error instanceof Error ? error.message : String(error),
      })),
    ]
  }

  /** The books that are open. */
  *books(): Generator<TaskBook> {
    for (const { loaded } of this.#books.values()) if (loaded !== undefined) yield loaded
  }

  /** Runs `work` on the book of a workspace. Rejects with the log's error if its journal can't be read. */
  async use<T>(workspace: string, work: (book: TaskBook) => T | Promise<T>): Promise<T> {
    const open = this.#open(workspace)
    open.usedAtMs = this.#options.time.monotonicMs()
    return work(await open.book)
  }

  /** The book that is open now. */
  loaded(workspace: string): TaskBook | undefined {
    return this.#books.get(workspace)?.loaded
  }

  /** The workspace of a token's tag; undefined for one that never had tasks here. */
  workspaceOf(tag: string): string | undefined {
    return this.#byTag.get(tag)
  }

  /** Notes that the workspace has open tasks, in the turn in which one is started. */
  noteOpen(workspace: string): void {
    this.#byTag.set(tagOf(workspace), workspace)
    if (!this.intake.fold.open.has(workspace)) void this.append({ type: 'opened', workspace })
  }

  append(event: IntakeEvent, options?: { sync?: boolean; key?: string }): Promise<void> {
    return this.intake.append(event, options)
  }

  /** Removes every byte of a purged workspace from the server's own journal. */
  async forget(workspace: string): Promise<void> {
    this.#byTag.delete(tagOf(workspace))
    this.#unreadable.delete(workspace)
    await this.intake.forget(workspace)
  }

  /** Forgets the workspaces whose purge was done when a server ended, and that it could not forget any more. */
  async #forgetPurged(): Promise<void> {
    for (const workspace of [...this.intake.fold.purging]) {
      try {
        const fate = await this.#options.fateOf?.(workspace)
        if (fate === 'gone') await this.forget(workspace)
        else if (fate === 'there') await this.append({ type: 'unpurged', workspace })
      } catch (error) {
        // The intent stays, and the next start tries again.
        this.#options.logger.warn({ workspace, error }, 'the tasks of a purged workspace could not be forgotten')
      }
    }
  }

  /** Runs work on a journal that is closed meanwhile, such as a repair, and opens it again. */
  async whileClosed<T>(log: string, work: () => Promise<T>): Promise<T> {
    if (log === KIND) return this.#whileIntakeClosed(work)
    const workspace = workspaceOfJournal(log)
    if (workspace === undefined) return work()
    const result = await this.#close(workspace, work)
    // Its tasks go on, and who asks for them is told if it is damaged still.
    await this.use(workspace, () => undefined).catch(() => undefined)
    return result
  }

  async #whileIntakeClosed<T>(work: () => Promise<T>): Promise<T> {
    const result = await this.intake.whileClosed(work)
    await this.#openAll()
    return result
  }

  /** Gives nothing of the workspace to workers until {@link unsuspend}. */
  suspend(workspace: string, reason: string): void {
    this.#suspended.set(workspace, reason)
    this.#setSuspended(workspace, reason)
  }

  unsuspend(workspace: string): void {
    this.#suspended.delete(workspace)
    this.#setSuspended(workspace, undefined)
  }

  /** Lets tasks go that ended long ago, and closes the books that nobody needs. */
  async sweep(): Promise<void> {
    const nowMs = this.#options.time.monotonicMs()
    for (const [workspace, { loaded, usedAtMs }] of [...this.#books]) {
      if (loaded === undefined || !loaded.journal.isOurs) continue
      this.#sweepEnded(loaded)
      if (loaded.fold.open > 0) continue
      if (this.intake.fold.open.has(workspace)) void this.append({ type: 'closed', workspace })
      if (nowMs - usedAtMs >= IDLE_MS && loaded.isIdle) await this.#close(workspace, async () => undefined)
    }
  }

  /** Writes no more. Their opener closes the logs. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.projector.idle()
    await Promise.all(Array.from(this.#books.keys(), (workspace) => this.#release(workspace)))
    await this.intake.close()
  }

  #sweepEnded(book: TaskBook): void {
    const before = book.nowMs - this.#options.bounds.keepTasksDays * DAY_MS
    const tasks: string[] = []
    for (const { id, endedAt = Infinity } of book.fold.tasks.values()) if (endedAt < before) tasks.push(id)
    if (tasks.length > 0) book.journal.append([{ event: { type: 'swept', tasks }, ...ENGINE, connection: 'work:' }])
  }

  #setSuspended(workspace: string, reason: string | undefined): void {
    const book = this.loaded(workspace)
    if (book === undefined) return
    book.suspended = reason
    book.refreshAll()
  }

  #open(workspace: string): Open {
    const known = this.#books.get(workspace)
    if (known !== undefined && known.loaded?.journal.isOurs !== false) return known
    const open: Open = { book: this.#load(workspace), loaded: undefined, usedAtMs: 0 }
    this.#books.set(workspace, open)
    open.book.then(
      (book) => {
        open.loaded = book
        this.#unreadable.delete(workspace)
      },
      (error: unknown) => {
        // A journal of another node's is no damage.
        const isOthers = error instanceof LogError && error.code === 'not_owner'
        if (!this.#isClosed && !isOthers) this.#unreadable.set(workspace, error)
        if (this.#books.get(workspace) === open) this.#books.delete(workspace)
      },
    )
    return open
  }

  async #load(workspace: string): Promise<TaskBook> {
    if (this.#isClosed) throw new Error('the tasks of this server are closed')
    await this.#closings.get(workspace)
    const { bounds, time, logger, dispatcher, random = Math.random, copy } = this.#options
    const release = (): Promise<void> => this.#release(workspace)
    const name = systemLogOf(KIND, workspace)
    const journal = await openJournal<JournalEvent, WorkFold>(this.#options, name, release, {
      ...{ events: journalEvents, states: stateCodec, empty: () => new WorkFold() },
      touchedBy: (event) => ('task' in event ? [`task/${event.task}`] : []),
    })
    let book: TaskBook | undefined
    const world = {
      ...{ limits: bounds, clock: time, logger, random, held: dispatcher.held.bind(dispatcher) },
      catchUpMs: dispatcher.catchUpMs.bind(dispatcher),
      onReady: () => book !== undefined && dispatcher.offer(book),
      onEvent: (event: TaskEventBody, task: TaskRecord, atMs: number, leasedAtMs: number | undefined) => {
        dispatcher.observe(event, task)
        this.#options.counters.observe(event, task, atMs, leasedAtMs)
      },
      onLease: dispatcher.count.bind(dispatcher),
    }
    book = new TaskBook(workspace, journal, world, copy, (task, isUrgent) => {
      if (book !== undefined) this.projector.show(book, task, isUrgent)
    })
    this.#take(book)
    return book
  }

  #take(book: TaskBook): void {
    const { workspace, journal } = book
    book.suspended = this.#suspended.get(workspace)
    this.#byTag.set(tagOf(workspace), workspace)
    journal.log.onStateChange(({ state }) => {
      // Another process writes the journal now, or nobody: this one decides nothing any more.
      if (state === 'fenced' || state === 'closed') this.#drop(book)
      else if (state === 'open') book.refreshAll()
    })
    if (!journal.isOurs) return
    this.#sweepEnded(book)
    book.refreshAll()
    if (book.ready.size > 0) this.#options.dispatcher.offer(book)
    for (const task of book.fold.tasks.values()) if (task.isUnprojected) this.projector.show(book, task, true)
    if (book.fold.open > 0) this.noteOpen(workspace)
  }

  #drop(book: TaskBook): void {
    this.#options.dispatcher.remove(book)
    book.stop()
    if (this.loaded(book.workspace) === book) this.#books.delete(book.workspace)
  }

  /** Stops a book whose log is about to be closed. */
  async #release(workspace: string): Promise<void> {
    const open = this.#books.get(workspace)
    if (open === undefined) return
    this.#books.delete(workspace)
    const book = await open.book.catch(() => undefined)
    if (book === undefined) return
    this.#drop(book)
    await book.journal.close()
  }

  /** Closes a book and its log. A caller that wants it meanwhile waits until it is closed, and `after` is over. */
  async #close<T>(workspace: string, after: () => Promise<T>): Promise<T> {
    await this.#closings.get(workspace)
    const log = this.loaded(workspace)?.journal.log
    const closing = this.#release(workspace)
      .then(() => log?.close())
      .then(after)
    const closed = closing.then(
      () => undefined,
      () => undefined,
    )
    this.#closings.set(workspace, closed)
    return closing.finally(() => {
      if (this.#closings.get(workspace) === closed) this.#closings.delete(workspace)
    })
  }
}

function touchedByIntake(event: IntakeEvent): string[] {
  if ('workspace' in event) return [`workspace/${event.workspace}`]
  return 'saga' in event ? [`saga/${event.saga.name}`] : []
}

async function openJournal<E, S extends Fold<E>>(
  { openSystemLog, atomically, bounds, logger }: ShelfOptions & { readonly logger: TaskLogger },
  name: string,
  release: () => void | Promise<void>,
  kind: Pick<JournalOptions<E, S>, 'events' | 'states' | 'empty' | 'touchedBy'>,
): Promise<Journal<E, S>> {
  let log: WorkspaceLog | undefined
  try {
    log = await openSystemLog(name, release)
    return await Journal.open<E, S>({
      ...kind,
      log,
      atomically,
      keepHistory: { days: bounds.keepTasksDays },
      onUntidy: (error) => logger.warn({ log: name, error }, 'a journal took no snapshot'),
    })
  } catch (error) {
    await log?.close()
    if (!(error instanceof LogError) || error.code !== 'corrupted') throw error
    const message = `the journal of tasks is damaged, and they wait for its repair (joinery repair '${name}'): ${error.message}`
    throw new LogError('corrupted', message, { cause: error, workspace: name })
  }
}
