import { type HookTasks, hasFailed, type LookRequest, type StartLook } from './hook-tasks.ts'

/** Resources whose last task is known, those that were looked at last. */
const RESOURCES_MAX = 10_000

/** The other server's event of a resource is still being handled: its task may still write what it has seen. */
class BusyError extends Error {
  readonly code = 'busy'
}

/**
 * Has the events of one resource handled one after the other, whichever servers took them. It stands where the tasks are started. A server
 * that takes a workspace over begins with none.
 */
export class HookTurns {
  readonly #tasks: Pick<HookTasks, 'start' | 'find'>
  readonly #last = new Map<string, { readonly key: string; readonly task: string }>()
  /** Starts under way: of two for one resource, the second one sees the first one's task. */
  readonly #starting = new Map<string, Promise<unknown>>()

  constructor(tasks: Pick<HookTasks, 'start' | 'find'>) {
    this.#tasks = tasks
  }

  /** Starts the task of an event. Rejects with `busy` while the task of another event of the resource is open. */
  readonly start: StartLook = async (workspace, request) => {
    const { block, name } = request.input
    const resource = JSON.stringify([workspace, request.saga, block, name])
    for (let before = this.#starting.get(resource); before !== undefined; before = this.#starting.get(resource)) {
      await before.catch(() => undefined)
    }
    const starting = this.#start(workspace, request, resource)
    this.#starting.set(resource, starting)
    try {
      return await starting
    } finally {
      this.#starting.delete(resource)
    }
  }

  async #start(workspace: string, request: LookRequest, resource: string): ReturnType<StartLook> {
    const last = this.#last.get(resource)
    if (last !== undefined && last.key !== request.key && (await this.#isOpen(workspace, last.task))) {
      throw new BusyError('another event of the resource is being handled')
    }
    const started = await this.#tasks.start(workspace, request)
    this.#last.delete(resource)
    this.#last.set(resource, { key: request.key, task: started.task.id })
    const [oldest] = this.#last.keys()
    if (this.#last.size > RESOURCES_MAX && oldest !== undefined) this.#last.delete(oldest)
    return started
  }

  async #isOpen(workspace: string, task: string): Promise<boolean> {
    try {
      const { state } = await this.#tasks.find(workspace, task)
      return state !== 'done' && !hasFailed(state)
    } catch (error) {
      if ((error as { readonly code?: unknown }).code !== 'unknown_task') throw error
      return false
    }
  }
}
