import type { WorkspaceId, WorkspacePosition } from '@joinery/server'
import { type Tasks, type TaskView, workspaceOfTask } from '@joinery/tasks'
import { ApiError } from '../api-error.ts'
import { pathOf, taskAnswer, viewTask } from '../tasks/task-schemas.ts'
import { whenSeen } from '../writes/when-durable.ts'
import type { Reply } from './route.ts'
import type { Services } from './services.ts'

/** Describes the answer that a task goes on, whatever happens to the caller. */
export const accepted = (description: string) => ({
  description,
  schema: taskAnswer,
  headers: ['location', 'retry-after', 'x-joinery-lsn'] as const,
})

export function acceptedReply(task: TaskView, { redact }: Services): Reply {
  return {
    status: 202,
    headers: { location: pathOf(task), 'retry-after': '1', 'x-joinery-lsn': String(task.lsn) },
    body: { task: viewTask(task, redact) },
  }
}

export function tasksOf({ tasks }: Services): Tasks {
  if (tasks === undefined) throw new Error('a route of tasks is served without tasks')
  return tasks
}

/** Throws `workspace_deleted`. A workspace that is damaged, or not there yet, may have tasks. */
export async function assertNotDeleted(
  workspace: string,
  { workspaces }: Services,
): Promise<WorkspacePosition | undefined> {
  try {
    return await workspaces.position(workspace as WorkspaceId)
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

function isDamage(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'quarantined' || code === 'too_costly' || code === 'corrupted'
}

/** Throws `unknown_task` for the id of another workspace's task: it is not looked up. */
export function assertOf(workspace: string, task: string): void {
  if (workspaceOfTask(task) !== workspace) throw unknownTask(task)
}

export function findIn(services: Services, workspace: string, task: string): Promise<TaskView> {
  assertOf(workspace, task)
  return whenSeen(services.limits.durableWaitMs, tasksOf(services).find(workspace, task))
}

export function unknownTask(task: string): ApiError {
  return new ApiError('unknown_task', `there is no task ${JSON.stringify(task.slice(0, 100))} that you may read`)
}
