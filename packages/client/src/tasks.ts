import { BlocksError } from '@joinery/blocks'
import type { Json, TaskState, TaskSubject, TaskView } from '@joinery/protocol'
import { orAborted, throwIfAborted, type WaitOptions } from './abort.ts'
import { ClientError } from './client-error.ts'
import { askServer, type Question, randomKey } from './history-request.ts'
import type { Observable } from './observable-value.ts'
import { type Seen, Watch } from './watch.ts'
import type { Workspace } from './workspace.ts'

/** States in which a task has ended. */
const ENDED: ReadonlySet<TaskState> = new Set(['done', 'failed', 'compensated', 'compensated_partly', 'canceled'])

/** A task as the server tells of it. */
export type Task = TaskView

/** A task in a list, which leaves out the large values. */
export type ListedTask = Omit<TaskView, 'input' | 'results'>

export interface StartOptions extends WaitOptions {
  /** The same key starts one task, however often it is asked for: a random one by default. */
  readonly key?: string
  /** The block whose status `task@1` shows the task. */
  readonly subject?: TaskSubject
}

export interface TaskQuery {
  /** Only tasks in one of these states. */
  readonly states?: readonly TaskState[] | undefined
  readonly saga?: string | undefined
  /** Number of tasks: 1 to 1,000, by default 100. The newest come first. */
  readonly limit?: number | undefined
}

/** The newest tasks of a query, and the LSN of the last record about any task of the workspace. */
export interface TaskPage {
  readonly tasks: readonly ListedTask[]
  readonly lsn: number
}
export type SeenTask = Seen<{ readonly task: Task }>
export type SeenTasks = Seen<TaskPage>

/** The tasks of a workspace, over HTTP: each call needs the server. Made by {@link tasksOf}. */
export class WorkspaceTasks {
  readonly #workspace: Workspace
  readonly #watches = new Map<string, Watch<unknown>>()

  /** Use {@link tasksOf}. */
  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  /** Starts a task of a saga, and resolves as soon as it is sure to run. */
  async start(saga: string, input: Json, { key = randomKey(), subject, signal }: StartOptions = {}): Promise<Task> {
    const body = { saga, input, ...(subject !== undefined && { subject }) }
    return this.#ask({ path: '/tasks', body, key, signal })
  }

  /**
   * Starts a task by an edit, which works without the server, too: the task begins once the edit has reached it. The block's status
   * `name` of the machine `task@1` shows how it goes.
   */
  request(saga: string, input: Json, { block, name }: TaskSubject): void {
    const { blocks, server, target } = this.#workspace
    const shown = blocks.get(block)
    if (shown === undefined) throw new BlocksError('block_missing', `there is no block "${block}" to show the task`)
    const actor = server.get()?.actor ?? target.actor ?? 'user'
    shown.statuses('task@1').startRun(name, { source: 'user_action', actor, detail: { saga, input } })
  }

  /** Rejects with `request_refused` (`unknown_task`) if the workspace has no such task. */
  find(id: string, { signal }: WaitOptions = {}): Promise<Task> {
    return this.#ask({ path: pathOf(id), signal })
  }

  async list({ states, saga, limit }: TaskQuery = {}, { signal }: WaitOptions = {}): Promise<readonly ListedTask[]> {
    const query = { state: states?.join(), saga, limit }
    return (await askServer<TaskPage>(this.#workspace.target, { path: '/tasks', query, signal })).tasks
  }

  /** Asks the task to end, and to take back what it did. */
  cancel(id: string, { signal }: WaitOptions = {}): Promise<Task> {
    return this.#ask({ path: `${pathOf(id)}/cancel`, body: {}, signal })
  }

  /** Goes on with the step that failed. */
  retry(id: string, { signal }: WaitOptions = {}): Promise<Task> {
    return this.#ask({ path: `${pathOf(id)}/retry`, body: {}, signal })
  }

  /** Sends a signal that a step waits for, or will. */
  signal(id: string, name: string, payload: Json, { signal }: WaitOptions = {}): Promise<Task> {
    return this.#ask({ path: `${pathOf(id)}/signals/${encodeURIComponent(name)}`, body: { payload }, signal })
  }

  /** One task, as it goes on. Asks the server while somebody listens. One object for each id. */
  watch(id: string): Observable<SeenTask> {
    return this.#watch<{ task: Task }>(
      { path: pathOf(id) },
      ({ task }) => task.lsn,
      ({ task }) => hasEnded(task),
    )
  }

  /** The newest tasks, as they go on. Asks the server while somebody listens. One object for each query. */
  watchList({ states, saga, limit }: TaskQuery = {}): Observable<SeenTasks> {
    return this.#watch<TaskPage>({ path: '/tasks', query: { state: states?.join(), saga, limit } }, ({ lsn }) => lsn)
  }

  /**
   * Resolves with the task when it has ended, or else as soon as `isReached` says true. Waits across reconnects. Rejects with
   * `request_refused` if the workspace has no such task.
   */
  async until(id: string, isReached: (task: Task) => boolean = hasEnded, { signal }: WaitOptions = {}): Promise<Task> {
    throwIfAborted(signal)
    throwIfAborted(this.#workspace.closeSignal)
    const seen = this.watch(id)
    const reached = Promise.withResolvers<Task>()
    const look = (): void => {
      const { answer, error } = seen.get()
      if (answer !== undefined && (hasEnded(answer.task) || isReached(answer.task))) reached.resolve(answer.task)
      else if (error instanceof ClientError && error.refusal?.status === 404) reached.reject(error)
    }
    const stop = seen.subscribe(look)
    look()
    try {
      return await orAborted(orAborted(reached.promise, signal), this.#workspace.closeSignal)
    } finally {
      stop()
    }
  }

  #watch<T>(question: Question, lsnOf: (answer: T) => number, isLast?: (answer: T) => boolean): Watch<T> {
    const name = JSON.stringify(question)
    let watch = this.#watches.get(name) as Watch<T> | undefined
    if (watch === undefined) {
      watch = new Watch(this.#workspace, question, lsnOf, isLast)
      this.#watches.set(name, watch as Watch<unknown>)
    }
    return watch
  }

  async #ask(question: Question): Promise<Task> {
    return (await askServer<{ task: Task }>(this.#workspace.target, question)).task
  }
}

const tasks = new WeakMap<Workspace, WorkspaceTasks>()

/** The tasks of `workspace`; one object for each. Not a part of `Workspace`: an application without tasks need not load it. */
export function tasksOf(workspace: Workspace): WorkspaceTasks {
  let own = tasks.get(workspace)
  if (own === undefined) {
    own = new WorkspaceTasks(workspace)
    tasks.set(workspace, own)
  }
  return own
}

function hasEnded({ state }: Task): boolean {
  return ENDED.has(state)
}

function pathOf(id: string): string {
  return `/tasks/${encodeURIComponent(id)}`
}
