import { applyEvent } from './apply-event.ts'
import { nextEvent } from './next-event.ts'
import type { TaskBook } from './task-book.ts'
import { nameOfEvent, type TaskEventBody } from './task-event.ts'
import { forkOf } from './task-state.ts'
import { viewOf } from './task-view.ts'
import type { TaskEvent } from './tasks.ts'

/** Events that a slow reader may leave behind before it is given the newest state only. */
const WAITING_MAX = 1_000

/**
 * The events of a task after an LSN, then each new one until the task has ended or `signal` aborts. Events whose records are not
 * kept any more are left out. An event is told once it is durable: no crash takes back what a reader was told. Throws `unknown_task`.
 */
export async function* eventsOf(
  book: TaskBook,
  id: string,
  { after, signal }: { readonly after: number; readonly signal: AbortSignal },
): AsyncGenerator<TaskEvent> {
  const task = book.find(id)
  const { journal } = book
  let waiting: TaskEvent[] = []
  /** Events that are not durable yet. */
  let pending = 0
  let failure: { readonly error: unknown } | undefined
  let wake: (() => void) | undefined
  const unlisten = book.listen(id, (event, lsn, at) => {
    const told = { lsn, at, type: nameOfEvent(event), task: book.view(task) }
    pending++
    const settled = (): void => {
      pending--
      wake?.()
    }
    journal.durable
      .then(
        () => {
          waiting.push(told)
          if (waiting.length > WAITING_MAX) waiting = waiting.slice(-1)
        },
        (error: unknown) => {
          failure ??= { error }
        },
      )
      .finally(settled)
  })
  const gone = Promise.withResolvers<void>()
  const abort = (): void => {
    gone.resolve()
    wake?.()
  }
  signal.addEventListener('abort', abort)
  if (signal.aborted) abort()
  try {
    let last = after
    if (task.lsn > after) {
      const through = journal.log.head
      await Promise.race([journal.durable, gone.promise])
      for await (const event of pastEvents(book, id, after, through)) {
        if (signal.aborted) return
        last = event.lsn
        yield event
        if (event.task.endedAt !== undefined && event.lsn >= task.lsn) return
      }
    }
    for (;;) {
      const [next] = waiting.splice(0, 1)
      if (next !== undefined) {
        if (next.lsn <= last) continue
        last = next.lsn
        yield next
        continue
      }
      if (failure !== undefined) throw failure.error
      if (signal.aborted || !journal.isOurs || (task.phase === 'ended' && pending === 0)) return
      await new Promise<void>((resolve) => {
        wake = resolve
        if (signal.aborted) resolve()
      })
      wake = undefined
    }
  } finally {
    unlisten()
    signal.removeEventListener('abort', abort)
  }
}

/**
 * Resolves with the LSN of the journal's last record once that is above `after`, and at once if it is already. Resolves with the LSN as it
 * stands when `signal` aborts, or when the journal is closed. To go on, give the LSN as the next `after`.
 */
export async function untilChanged(
  book: TaskBook,
  { after, signal }: { readonly after: number; readonly signal: AbortSignal },
): Promise<number> {
  const { log } = book.journal
  if (signal.aborted || log.head > after || !book.journal.isOurs) return log.head
  const changed = Promise.withResolvers<void>()
  const unfollow = book.follow(changed.resolve)
  const abort = (): void => changed.resolve()
  signal.addEventListener('abort', abort)
  await changed.promise
  unfollow()
  signal.removeEventListener('abort', abort)
  return log.head
}

/** Looks at a state, and tells it once all of it is durable: no crash takes back what somebody was told. */
export async function told<T>({ journal }: TaskBook, look: () => T): Promise<T> {
  const seen = look()
  await journal.durable
  return seen
}

/** Events from the log. The state that each left is made anew from the snapshot before them. */
async function* pastEvents(book: TaskBook, id: string, after: number, through: number): AsyncGenerator<TaskEvent> {
  const { fold, records } = await book.journal.past(after)
  for await (const record of records) {
    if (record.lsn > through) return
    const event = book.journal.decode(record)
    fold.take(event, record.at, record.lsn)
    if (!('task' in event) || event.task !== id || record.lsn <= after) continue
    const task = fold.tasks.get(id)
    if (task === undefined) continue
    const context = { held: () => OLD, progressOf: () => undefined, isStalled: () => false }
    // The events that followed were written with this one: nobody has seen the task between them.
    const settled = forkOf(task)
    for (let next = nextEvent(settled, record.at); next !== undefined; next = nextEvent(settled, record.at)) {
      applyEvent(settled, next, record.at, record.lsn)
    }
    const view = viewOf(settled, { workspace: book.workspace, ...context })
    yield { lsn: record.lsn, at: record.at, type: nameOfEvent(event as TaskEventBody), task: view }
  }
}

const OLD = { code: 'no_worker', reason: 'it waited for a worker' } as const
