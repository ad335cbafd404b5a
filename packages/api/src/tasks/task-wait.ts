import type { Tasks, TaskView } from '@joinery/tasks'

/** Longest time for which a request waits for a change, s: proxies give up after some more. */
const WAIT_SECONDS_MAX = 25

/** Describes the header `Prefer`. */
export const PREFER = `\`wait=20\`: the answer waits up to so many seconds, at most ${WAIT_SECONDS_MAX}, until something changes`

/** The time for which a request wants to wait, ms (RFC 7240); undefined if it does not say so. */
export function preferredWaitMs(prefer: string | undefined): number | undefined {
  const match = prefer === undefined ? null : /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(prefer)
  return match === null ? undefined : Math.min(Number(match[1]), WAIT_SECONDS_MAX) * 1_000
}

/** The task once it has an event after the LSN, or as it stands after the wait, or when `signal` aborts. */
export async function whenChanged(
  tasks: Tasks,
  { workspace, task, after }: { readonly workspace: string; readonly task: string; readonly after: number },
  waitMs: number,
  signal: AbortSignal,
): Promise<TaskView> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(waitMs)])
  for await (const event of tasks.events(workspace, task, { after, signal: over })) return event.task
  return tasks.find(workspace, task)
}
