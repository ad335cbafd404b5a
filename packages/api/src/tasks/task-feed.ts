import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { TaskEvent, Tasks } from '@joinery/tasks'
import type { ApiLimits } from '../api-limits.ts'
import { encodeBehind, encodeUnauthorized, KEEP_ALIVE, STREAM_START } from '../feed/event-frame.ts'
import { viewTask } from './task-schemas.ts'
import { isEnded } from './task-status.ts'
import type { Redact } from './told-words.ts'

/** The events that a stream is about. */
export interface FollowedTask {
  readonly workspace: string
  readonly task: string
  /** LSN of the last event that the caller has. */
  readonly after: number
  /** Takes secrets out of the results. */
  readonly redact: Redact
}

/**
 * Writes the events of a task as server-sent events, then `end` once the task has ended, and ends the response. A caller that
 * takes nothing for `feedStallMs` is told where to begin again, and cut off.
 *
 * @param life aborts when the caller's token is good no longer, with the word that the caller gets
 */
export async function streamTask(
  tasks: Tasks,
  { workspace, task, after, redact }: FollowedTask,
  response: ServerResponse,
  life: AbortSignal,
  { feedKeepAliveMs, feedStallMs }: Pick<ApiLimits, 'feedKeepAliveMs' | 'feedStallMs'>,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const signal = AbortSignal.any([gone.signal, life])
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(KEEP_ALIVE)
  }, feedKeepAliveMs)
  keepAlive.unref()
  let sent = after
  try {
    response.write(STREAM_START)
    for await (const event of tasks.events(workspace, task, { after, signal })) {
      if (!(await drained(response, signal, feedStallMs))) break
      response.write(encodeTaskEvent(event, redact))
      sent = event.lsn
    }
    if (gone.signal.aborted) return
    if (life.aborted) response.end(encodeUnauthorized(String(life.reason)))
    else if (response.writableNeedDrain) endSlow(response, sent, feedStallMs)
    else await endWithTask(tasks, { workspace, task, redact }, response)
  } finally {
    clearInterval(keepAlive)
  }
}

/** One event of a task. Its id is the LSN of the journal: a client that reconnects sends it as `Last-Event-ID`. */
function encodeTaskEvent({ lsn, at, type, task }: TaskEvent, redact: Redact): string {
  return `id: ${lsn}\nevent: ${type}\ndata: ${JSON.stringify({ lsn, at, type, task: viewTask(task, redact) })}\n\n`
}

/** Tells that the task has ended, if it has: a server that closes ends its streams, too. */
async function endWithTask(
  tasks: Tasks,
  { workspace, task: id, redact }: Omit<FollowedTask, 'after'>,
  response: ServerResponse,
): Promise<void> {
  const task = await tasks.find(workspace, id).catch(() => undefined)
  if (task === undefined || !isEnded(task.state)) response.end()
  else response.end(`event: end\ndata: ${JSON.stringify({ task: viewTask(task, redact) })}\n\n`)
}

/** True once the socket takes more; false if it does not in time. */
async function drained(response: ServerResponse, signal: AbortSignal, stallMs: number): Promise<boolean> {
  if (!response.writableNeedDrain) return true
  try {
    await once(response, 'drain', { signal: AbortSignal.any([signal, AbortSignal.timeout(stallMs)]) })
    return true
  } catch {
    // The caller has left, its token is over, or it is too slow: the end of the stream tells which.
    return false
  }
}

function endSlow(response: ServerResponse, sent: number, stallMs: number): void {
  response.end(encodeBehind(sent))
  const timer = setTimeout(() => response.destroy(), stallMs)
  timer.unref()
  response.once('close', () => clearTimeout(timer))
}
