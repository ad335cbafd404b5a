import type { TaskSubject } from '@joinery/protocol'
import type { BookShelf } from './book-shelf.ts'
import type { TaskBook } from './task-book.ts'
import { TaskError } from './task-error.ts'
import type { Started, StartRequest } from './tasks.ts'
import type { TasksOptions } from './tasks-options.ts'
import type { Timers } from './timers.ts'
import { isOpen } from './work-fold.ts'

/** Time until a request that could not be taken now is tried again, ms. */
const RETRY_MS = 5_000

interface RoutingParts extends Pick<TasksOptions, 'documents' | 'logger' | 'assertAskable'> {
  readonly shelf: BookShelf
  readonly timers: Timers
  /** Aborts when the engine closes. */
  readonly signal: AbortSignal
  start(workspace: string, request: StartRequest): Promise<Started>
}

/** Brings the requests that were written with their causes into their workspaces' journals, one after the other. */
export class Routing {
  readonly #parts: RoutingParts
  #done: Promise<void> = Promise.resolve()

  constructor(parts: RoutingParts) {
    this.#parts = parts
  }

  /** Resolves when nothing is on its way. */
  get done(): Promise<void> {
    return this.#done
  }

  go(): void {
    const { shelf, signal } = this.#parts
    this.#done = this.#done.then(async () => {
      for (const { workspace, request } of [...shelf.intake.fold.asked]) {
        if (signal.aborted) return
        // The workspace may have been purged meanwhile.
        if (shelf.intake.fold.isAsked({ workspace, request })) await this.#bring(workspace, request)
      }
    })
  }

  async #bring(workspace: string, request: StartRequest & { readonly key: string }): Promise<void> {
    const { shelf, timers, logger, signal, start } = this.#parts
    const { key, subject } = request
    try {
      // A task that shows at a subject is the one that a person has asked for.
      if (subject !== undefined) this.#parts.assertAskable?.(request.saga)
      const isMet = subject !== undefined && (await shelf.use(workspace, (book) => this.#meets(book, key, subject)))
      if (!isMet) await start(workspace, { ...request, sync: true })
      await shelf.append({ type: 'routed', workspace, key })
    } catch (error) {
      if (signal.aborted) return
      const refused = error instanceof TaskError && error.code !== 'too_many_tasks' ? error : undefined
      logger.warn({ workspace, saga: request.saga, error }, 'a requested task could not be started')
      if (refused === undefined) {
        timers.set('route', RETRY_MS, () => this.go())
        return
      }
      await this.#refuse(workspace, request, refused.message)
    }
  }

  /** Whether another task of the subject is open: it meets the request, and shows on the run that asked. */
  #meets(book: TaskBook, key: string, subject: TaskSubject): boolean {
    for (const task of book.fold.tasks.values()) {
      if (!isOpen(task) || task.key === key) continue
      if (task.subject?.block !== subject.block || task.subject.name !== subject.name) continue
      this.#parts.shelf.projector.show(book, task, true)
      return true
    }
    return false
  }

  async #refuse(workspace: string, { key, saga, subject }: StartRequest, reason: string): Promise<void> {
    const { documents, logger, shelf } = this.#parts
    try {
      if (subject !== undefined) await documents.refuse?.(workspace, { saga, subject, reason })
    } catch (error) {
      logger.warn({ workspace, saga, error }, 'the refusal of a task could not be shown')
    }
    await shelf.append({ type: 'routed', workspace, key: key ?? '', refused: reason }).catch(() => undefined)
  }
}
