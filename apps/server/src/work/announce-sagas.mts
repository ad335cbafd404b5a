import type { SagaShape } from '@joinery/protocol'
import type { TaskEngine } from '@joinery/tasks'

/**
 * Tells the tasks of a server which sagas its own worker will serve, once that has started: a task that somebody starts before then is
 * not refused. Rejects with a `TaskError` for sagas that the server does not take.
 */
export async function announceSagas(tasks: Pick<TaskEngine, 'lease'>, serves: readonly SagaShape[]): Promise<void> {
  if (serves.length === 0) return
  // A worker that may run nothing: it only announces.
  await tasks.lease({ worker: 'server', serves, max: 1, waitMs: 0 }, () => false, AbortSignal.abort())
}
