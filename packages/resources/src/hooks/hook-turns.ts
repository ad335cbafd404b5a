import type { OpenTask } from '@joinery/tasks'
import { HOOK_KEY, hasFailed, type LookRequest, type OwnerTasks, type StartLook } from './hook-tasks.ts'

/** The other server's event of a resource is still being handled: its task may still write what it has seen. */
class BusyError extends Error {
  readonly code = 'busy'
}

/**
 * Has the events of one resource handled one after the other, whichever servers took them. It stands where the tasks are started, and keeps
 * nothing: the open tasks say which events are being handled, also to a server that has just taken the workspace over.
 */
export class HookTurns {
  readonly #tasks: Pick<OwnerTasks, 'start' | 'openOf'>
  /** Starts under way: of two for one resource, the second one sees the first one's task. */
  readonly #starting = new Map<string, Promise<unknown>>()

  constructor(tasks: Pick<OwnerTasks, 'start' | 'openOf'>) {
    this.#tasks = tasks
  }

  /** Starts the task of an event. Rejects with `busy` while the task of another event of the resource is open. */
  readonly start: StartLook = async (workspace, request) => {
    const { block, name } = request.input
    const resource = JSON.stringify([workspace, request.saga, block, name])
    for (let before = this.#starting.get(resource); before !== undefined; before = this.#starting.get(resource)) {
      await before.catch(() => undefined)
    }
    const starting = this.#start(workspace, request)
    this.#starting.set(resource, starting)
    try {
      return await starting
    } finally {
      this.#starting.delete(resource)
    }
  }

  async #start(workspace: string, request: LookRequest): ReturnType<StartLook> {
    const open = await this.#tasks.openOf(workspace, request.saga)
    if (open.some((task) => isAnotherOf(task, request))) {
      throw new BusyError('another event of the resource is being handled')
    }
    return await this.#tasks.start(workspace, request)
  }
}

/** Whether a task looks at the resource of a request for another event, and may still write. */
function isAnotherOf({ key, input, state }: OpenTask, request: LookRequest): boolean {
  if (key === undefined || key === request.key || !key.startsWith(HOOK_KEY) || hasFailed(state)) return false
  const { block, name } = { ...(input as LookRequest['input']) }
  return block === request.input.block && name === request.input.name
}
