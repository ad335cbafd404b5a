import { type EventStore, LogError, type WorkspaceLog } from '@joinery/log'
import { DocumentError, openTasks, type TaskEngine, TaskError, type Tasks, type TaskView } from '@joinery/tasks'
import { pino } from 'pino'

/** One task as a list of tasks shows it. */
export type TaskRow = Omit<TaskView, 'input' | 'results'>

/** A request of an operator about one task. */
export type TaskAsk =
  | { readonly type: 'retry' | 'cancel' | 'terminate' }
  /** Takes the step that failed for done. `result` is JSON. */
  | { readonly type: 'skip'; readonly step: string; readonly result: TaskView['input'] }

/** Runs work with the tasks of a store. */
export type StoreTasks = <T>(work: (tasks: TaskEngine) => Promise<T>) => Promise<T>

/** The author of what an operator asks of tasks. */
const OPERATOR = { actor: 'joinery', source: 'operator' } as const
/** Tasks that are read at once. */
const PAGE = 1_000

/**
 * The tasks of a store that no server has open. Nothing is given to workers, and no document is changed: the next server
 * shows the new state.
 */
export function directTasks(store: EventStore): <T>(work: (tasks: TaskEngine) => Promise<T>) => Promise<T> {
  return async (work) => {
    const logs: WorkspaceLog[] = []
    const away = (): Promise<never> =>
      Promise.reject(new DocumentError('unavailable', 'no server has the documents open'))
    const tasks = await openTasks({
      openSystemLog: async (name) => {
        const log = await store.open(name)
        logs.push(log)
        return log
      },
      atomically: (appends) => store.atomically(appends),
      copy: store.copy,
      systemLogs: () => store.systemLogs(),
      documents: { commit: away, show: away },
      logger: pino({ level: 'silent' }),
      isServing: false,
    })
    try {
      return await work(tasks)
    } finally {
      await tasks.close()
      await Promise.all(logs.map((log) => log.close()))
    }
  }
}

/** The tasks of a workspace, the newest first. Rejects with `invalid` if there is no such workspace. */
export async function tasksOf(store: EventStore, use: StoreTasks, workspace: string): Promise<TaskRow[]> {
  await assertThere(store, workspace)
  return use(async (tasks) => {
    const rows: TaskRow[] = []
    for (let after: string | undefined; ; ) {
      const page = await tasks.list(workspace, { limit: PAGE, ...(after !== undefined && { after }) })
      for (const { input: _input, results: _results, ...row } of page.tasks) rows.push(row)
      if (page.next === undefined) return rows
      after = page.next
    }
  })
}

/** One task. Rejects with `invalid` if there is no such task. */
export async function taskOf(store: EventStore, use: StoreTasks, workspace: string, task: string): Promise<TaskView> {
  await assertThere(store, workspace)
  return explained(use, (tasks) => tasks.find(workspace, task))
}

/** Asks something of a task. Rejects with `invalid` if there is no such task, or its state does not allow it. */
export async function askTask(
  store: EventStore,
  use: StoreTasks,
  workspace: string,
  task: string,
  ask: TaskAsk,
): Promise<TaskView> {
  await assertThere(store, workspace)
  return explained(use, (tasks) =>
    ask.type === 'skip'
      ? tasks.skip(workspace, task, ask.step, ask.result, OPERATOR)
      : tasks[ask.type](workspace, task, OPERATOR),
  )
}

/** Lets the tasks of a workspace go on that wait since a restore or an import. Resolves with their number. */
export async function resumeTasks(store: EventStore, use: StoreTasks, workspace: string): Promise<number> {
  await assertThere(store, workspace)
  return use((tasks) => tasks.resume(workspace, OPERATOR))
}

/**
 * Purges a workspace of a store without a server, and removes what the tasks keep of it. Notes that before, for the next server.
 * `removeFiles` removes its files.
 */
export async function purgeDirectly(
  store: EventStore,
  workspace: string,
  removeFiles: (workspace: string) => Promise<void>,
): Promise<void> {
  await withJournal(store, (tasks) => tasks.willForget(workspace))
  await store.purge(workspace, { beside: () => removeFiles(workspace) })
  await withJournal(store, (tasks) => tasks.forget(workspace))
}

/** Runs work with the tasks of a store without a server, if it has ever had any. */
async function withJournal(store: EventStore, work: (tasks: TaskEngine) => Promise<void>): Promise<void> {
  for await (const name of store.systemLogs()) if (name === '!work') return directTasks(store)(work)
}

async function explained<T>(use: StoreTasks, work: (tasks: Tasks) => Promise<T>): Promise<T> {
  try {
    return await use(work)
  } catch (error) {
    if (!(error instanceof TaskError)) throw error
    const steps = Array.isArray(error.details?.steps) ? `: its steps are ${error.details.steps.join(', ')}` : ''
    throw new LogError('invalid', `${error.message}${steps}`, { cause: error })
  }
}

/** A workspace may have tasks before anything is written in it. */
async function assertThere(store: EventStore, workspace: string): Promise<void> {
  for await (const name of store.workspaces()) if (name === workspace) return
  const journal = `!work/${workspace}`
  let isDeleted = false
  for await (const name of store.tombstones()) isDeleted ||= name === workspace
  if (!isDeleted) for await (const name of store.systemLogs()) if (name === journal) return
  const why = isDeleted
    ? `the workspace ${workspace} is deleted: undelete it first`
    : `there is no workspace ${workspace}`
  throw new LogError('invalid', why, { workspace })
}
