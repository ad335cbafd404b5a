import type { TaskState } from './task.ts'
import type { TaskBook } from './task-book.ts'
import type { OpenTask, TaskList } from './tasks.ts'

/** Tasks of one page at most. */
const PAGE_MAX = 1_000

interface TaskQuery {
  readonly states?: readonly TaskState[]
  readonly saga?: string
  readonly after?: string
  readonly limit: number
}

/** The open tasks of a saga. */
export function openTasksOf(book: TaskBook, saga: string): OpenTask[] {
  return Array.from(book.fold.openTasks)
    .filter((task) => task.saga.name === saga)
    .map((task) => ({ id: task.id, key: task.key, input: task.input, state: book.status(task).state }))
}

/** The tasks of a workspace, the newest first. */
export function listTasks(book: TaskBook, { states, saga, after, limit }: TaskQuery): TaskList {
  const ids = [...book.fold.tasks.keys()].sort().reverse()
  const max = Math.min(Math.max(1, Math.trunc(limit)), PAGE_MAX)
  const lsn = book.journal.log.head
  const tasks: TaskList['tasks'][number][] = []
  for (const id of ids) {
    if (after !== undefined && id >= after) continue
    const task = book.find(id)
    if (saga !== undefined && task.saga.name !== saga) continue
    const view = book.view(task)
    if (states !== undefined && !states.includes(view.state)) continue
    if (tasks.length >= max) return { tasks, lsn, next: tasks.at(-1)?.id ?? id }
    tasks.push(view)
  }
  return { tasks, lsn }
}
