import { DocumentError, type Documents } from './documents.ts'
import type { TaskBook } from './task-book.ts'
import { ENGINE } from './task-event.ts'
import type { TaskRecord } from './task-state.ts'
import type { TaskLogger } from './tasks-options.ts'

/** A task that is being shown, or will be. */
interface Showing {
  readonly book: TaskBook
  isBusy: boolean
  isAgain: boolean
}

/** Shows tasks in their documents: one call at a time for each task, of the newest state. */
export class Projector {
  readonly #documents: Documents
  readonly #logger: TaskLogger
  readonly #progressMs: number
  readonly #showing = new Map<string, Showing>()

  constructor(documents: Documents, progressMs: number, logger: TaskLogger) {
    this.#documents = documents
    this.#progressMs = progressMs
    this.#logger = logger
  }

  /** @param isUrgent false for progress, which is shown every few seconds only */
  show(book: TaskBook, { id, subject }: TaskRecord, isUrgent: boolean): void {
    if (subject === undefined) return
    const key = `show ${id}`
    if (!isUrgent) {
      if (!book.timers.has(key)) book.timers.set(key, this.#progressMs, () => this.#begin(book, id))
      return
    }
    book.timers.clear(key)
    this.#begin(book, id)
  }

  /** Resolves when nothing is being shown. */
  async idle(): Promise<void> {
    while ([...this.#showing.values()].some(({ isBusy }) => isBusy))
      await new Promise((resolve) => setImmediate(resolve))
  }

  #begin(book: TaskBook, id: string): void {
    const showing = this.#showing.get(id) ?? { book, isBusy: false, isAgain: false }
    this.#showing.set(id, showing)
    if (showing.isBusy) {
      showing.isAgain = true
      return
    }
    showing.isBusy = true
    void this.#run(showing, id).finally(() => {
      showing.isBusy = false
      if (showing.isAgain) {
        showing.isAgain = false
        this.#begin(book, id)
      } else this.#showing.delete(id)
    })
  }

  async #run({ book }: Showing, id: string): Promise<void> {
    try {
      // A crash must not take back a state that people have seen.
      await book.journal.durable
      const task = book.fold.tasks.get(id)
      if (task === undefined) return
      const { lsn } = task
      await this.#documents.show(book.workspace, book.view(task))
      if (task.isUnprojected && (task.lsn === lsn || task.phase === 'ended')) this.#mark(book, task, false)
    } catch (error) {
      this.#failed(book, id, error)
    }
  }

  #failed(book: TaskBook, id: string, error: unknown): void {
    const task = book.fold.tasks.get(id)
    if (!book.journal.isOurs || task === undefined) return
    if (!(error instanceof DocumentError)) {
      this.#logger.warn({ workspace: book.workspace, task: id, error }, 'a task could not be shown in its document')
    }
    try {
      if (!task.isUnprojected) this.#mark(book, task, true)
    } catch (storageError) {
      this.#logger.warn({ workspace: book.workspace, task: id, error: storageError }, 'storage takes no mark of a task')
    }
  }

  #mark(book: TaskBook, task: TaskRecord, isUnprojected: boolean): void {
    book.append(task, [{ type: 'projected', task: task.id, isUnprojected }], ENGINE)
  }
}
