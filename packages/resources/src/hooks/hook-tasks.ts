import type { JsonObject } from '@joinery/blocks'
import type { Tasks } from '@joinery/tasks'

/** Begins the keys of tasks that look at the resources of events. */
export const HOOK_KEY = 'hook:'

/** A request for a task that looks at the resource of an event. */
export interface LookRequest {
  readonly saga: string
  readonly input: JsonObject
  readonly key: string
  readonly by: { readonly actor: string; readonly source: string }
  /** Whether the start waits for an fsync. It need not where one disk has the task and the event: a later record is never there without it. */
  readonly sync?: true
}

export type StartLook = (workspace: string, request: LookRequest) => Promise<{ readonly task: { readonly id: string } }>

/** Starts the tasks that look at the resources of events, and tells how they end. */
export interface HookTasks {
  /**
   * The same task for the same key. Rejects with an error whose `code` says why: `busy` while another event of the resource is handled,
   * `key_reused` if another event came under the same id.
   */
  readonly start: StartLook
  /** Rejects with `unknown_task` if there is none. */
  find(
    workspace: string,
    task: string,
  ): Promise<{ readonly state: string; readonly error?: { readonly message: string } | undefined }>
  /** Resolves when anything of the workspace's tasks has changed after a position, with the position. */
  untilChanged(workspace: string, options: { readonly after: number; readonly signal: AbortSignal }): Promise<number>
}

/** The tasks at the node that owns their workspaces. */
export interface OwnerTasks extends HookTasks, Pick<Tasks, 'openOf'> {}

/** States of a task that has not brought the state of the resource. */
const FAILED: ReadonlySet<string> = new Set([
  'failed',
  'needs_attention',
  'canceled',
  'compensated',
  'compensated_partly',
])

/** Whether a task that looks at a resource will bring its state no more, unless somebody helps. */
export function hasFailed(state: string): boolean {
  return FAILED.has(state)
}
