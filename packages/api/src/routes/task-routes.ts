import type { WorkspaceId } from '@joinery/server'
import { type TaskState, type TaskView, workspaceOfTask } from '@joinery/tasks'
import { z } from 'zod'
import { authorOf } from '../caller.ts'
import { assertKnown } from '../known-workspace.ts'
import { json, limitQuery, lsnQuery, params, streamHeaders, streamToken } from '../schemas.ts'
import { assertStartable } from '../tasks/own-sagas.ts'
import { streamTask } from '../tasks/task-feed.ts'
import {
  sagaName,
  subjectSchema,
  TASK_STATES,
  taskAnswer,
  taskId,
  taskParams,
  taskSchema,
  viewTask,
} from '../tasks/task-schemas.ts'
import { isEnded } from '../tasks/task-status.ts'
import { PREFER, preferredWaitMs, whenChanged } from '../tasks/task-wait.ts'
import { etagOf, isKnownToCaller } from '../writes/precondition.ts'
import { whenDurable, whenSeen } from '../writes/when-durable.ts'
import { keyHeader, wantsSync, writeHeaders } from '../writes/write-headers.ts'
import { type Input, noBody, nothing, type Reply, type Route, route } from './route.ts'
import type { Services } from './services.ts'
import { accepted, acceptedReply, assertNotDeleted, findIn, tasksOf, unknownTask } from './task-request.ts'

const TASKS = '/v1/workspaces/{workspace}/tasks'
const TASK = `${TASKS}/{task}`
const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/

const waitHeaders = z.object({
  prefer: z.string().optional().meta({ description: PREFER }),
  'if-none-match': z
    .string()
    .optional()
    .meta({ description: 'the ETag that the caller has: 304 while it is the same' }),
})
const listHeaders = waitHeaders.extend({
  'if-none-match': z
    .string()
    .optional()
    .meta({ description: 'the ETag that the caller has: with `Prefer`, the answer waits for a newer one' }),
})
const start = route(
  {
    method: 'POST',
    path: TASKS,
    id: 'startTask',
    summary: 'Start a task: work that goes on after every crash',
    params: params.workspace,
    query: nothing,
    headers: z.object({
      'idempotency-key': keyHeader,
      'x-joinery-durability': writeHeaders.shape['x-joinery-durability'],
      traceparent: z.string().optional().meta({ description: 'W3C trace context, handed to the workers' }),
    }),
    body: z
      .strictObject({
        saga: sagaName,
        version: z.int().min(1).optional().meta({ description: 'the version that workers announced last, by default' }),
        input: json.default(null),
        subject: subjectSchema.optional(),
      })
      .meta({ examples: [{ saga: 'instantiate-template', input: { template: 'sprint', prefix: 'june' } }] }),
    answers: { 202: accepted('The task is started: it goes on whatever happens to this server and its workers.') },
    errors: ['unknown_saga', 'too_many_tasks', 'key_reused', 'durability_unavailable', 'too_large'],
  },
  async ({ params: { workspace }, headers, body, identity }, services) => {
    const by = authorOf(identity)
    const tasks = tasksOf(services)
    const key = headers['idempotency-key']
    const sync = wantsSync(headers, services.durability)
    const { traceparent } = headers
    await assertNotDeleted(workspace, services)
    const { saga, version, input, subject } = body
    assertStartable(saga, services.ownSagas)
    const { task } = await whenDurable(
      services.limits.durableWaitMs,
      tasks.start(workspace, {
        saga,
        input,
        by,
        ...(version !== undefined && { version }),
        ...(subject !== undefined && { subject }),
        ...(key !== undefined && { key }),
        ...(traceparent !== undefined && TRACEPARENT.test(traceparent) && { traceparent }),
        ...(sync && { sync }),
      }),
    )
    return acceptedReply(task, services)
  },
)

const list = route(
  {
    method: 'GET',
    path: TASKS,
    id: 'listTasks',
    summary: 'The tasks of a workspace, the newest first, without their inputs and results',
    params: params.workspace,
    query: z.strictObject({
      limit: limitQuery,
      after: taskId.optional(),
      state: z
        .string()
        .transform((text) => text.split(','))
        .pipe(z.array(z.enum(TASK_STATES)))
        .optional()
        .meta({ description: 'only tasks in these states, joined by commas' }),
      saga: sagaName.optional(),
    }),
    headers: listHeaders,
    body: noBody,
    answers: {
      200: {
        description:
          'One page. `next` is the `after` of the next page, null on the last. `lsn` is the LSN of the last record about any task of the workspace.',
        schema: z.object({
          tasks: z.array(taskSchema.omit({ input: true, results: true })),
          next: z.string().nullable(),
          lsn: z.int(),
        }),
        headers: ['etag', 'preference-applied'],
      },
    },
    errors: ['unknown_workspace'],
  },
  async ({ params: { workspace }, query: { limit, after, state, saga }, headers, identity, request }, services) => {
    const position = await assertNotDeleted(workspace, services)
    const waitMs = preferredWaitMs(headers.prefer)
    const known = Number(/^(?:W\/)?"(\d+)"$/.exec(headers['if-none-match'] ?? '')?.[1] ?? Number.NaN)
    if (waitMs !== undefined && waitMs > 0 && Number.isSafeInteger(known)) {
      await whileAlive({ identity, request, services }, (alive) =>
        tasksOf(services).untilChanged(workspace, {
          after: known,
          signal: AbortSignal.any([alive, AbortSignal.timeout(waitMs)]),
        }),
      )
    }
    const listed = tasksOf(services).list(workspace, {
      limit,
      ...(after !== undefined && { after }),
      ...(state !== undefined && { states: state as readonly TaskState[] }),
      ...(saga !== undefined && { saga }),
    })
    const page = await whenSeen(services.limits.durableWaitMs, listed)
    if (page.tasks.length === 0 && position?.generation === undefined) {
      // A workspace may have tasks before anything is written in it.
      const any = await tasksOf(services).list(workspace, { limit: 1 })
      if (any.tasks.length === 0 && position !== undefined) assertKnown(workspace, position)
    }
    return {
      status: 200,
      headers: {
        etag: `W/${etagOf({ version: page.lsn })}`,
        ...(waitMs !== undefined && { 'preference-applied': `wait=${waitMs / 1_000}` }),
      },
      body: {
        tasks: page.tasks.map((task) => viewTask(task, services.redact)),
        next: page.next ?? null,
        lsn: page.lsn,
      },
    }
  },
)

const TASK_ANSWERS = {
  200: {
    description: 'The task. `Retry-After` says that it is open.',
    schema: taskAnswer,
    headers: ['etag', 'retry-after', 'preference-applied'],
  },
  304: { description: 'The caller has this version.' },
} as const
const TASK_ERRORS = ['unknown_task'] as const

const get = route(
  {
    method: 'GET',
    path: TASK,
    id: 'getTask',
    summary: 'A task as it stands, or as it stands once something has changed',
    params: taskParams,
    query: nothing,
    headers: waitHeaders,
    body: noBody,
    answers: TASK_ANSWERS,
    errors: TASK_ERRORS,
  },
  async (input, services) => {
    await assertNotDeleted(input.params.workspace, services)
    return answerTask(input.params.workspace, input.params.task, input, services)
  },
)

const getById = route(
  {
    method: 'GET',
    path: '/v1/tasks/{task}',
    id: 'getTaskById',
    summary: 'The same by the id of the task alone',
    params: z.object({ task: taskId }),
    query: nothing,
    headers: waitHeaders,
    body: noBody,
    answers: TASK_ANSWERS,
    errors: TASK_ERRORS,
  },
  async (input, services) => {
    const { task } = input.params
    const workspace = workspaceOfTask(task) as WorkspaceId | undefined
    // One answer for both: nobody learns which tasks there are in workspaces that they may not read.
    if (workspace === undefined || !input.identity.allows(workspace)) throw unknownTask(task)
    await assertNotDeleted(workspace, services)
    return answerTask(workspace, task, input, services)
  },
)

const events = route(
  {
    method: 'GET',
    path: `${TASK}/events`,
    id: 'streamTask',
    summary: 'The events of a task, from its start or any LSN on, until it has ended',
    params: taskParams,
    query: z.strictObject({
      after: lsnQuery.optional().meta({ description: 'LSN of the last event that the caller has' }),
      token: streamToken,
    }),
    headers: streamHeaders,
    body: noBody,
    answers: {
      200: {
        description:
          "Events named as the journal's, such as `step.done`, with their LSN as id and `{ lsn, at, type, task }` as data. The last event is `end`, once the task has ended. A caller that reads nothing gets `behind` as its last event, one whose token has expired or was revoked `unauthorized` with `why`.",
        mediaType: 'text/event-stream',
      },
    },
    errors: TASK_ERRORS,
  },
  async ({ params: { workspace, task }, query, headers, identity }, services) => {
    const { lives, limits, redact } = services
    const tasks = tasksOf(services)
    await assertNotDeleted(workspace, services)
    await findIn(services, workspace, task)
    lives.assertRoom(identity.actor, limits.feedConsumersPerActorMax)
    const after = headers['last-event-id'] ?? query.after ?? 0
    return {
      status: 200,
      stream: async (response) => {
        const life = lives.begin(identity)
        response.once('close', life.forget)
        await streamTask(tasks, { workspace, task, after, redact }, response, life.signal, limits)
      },
    }
  },
)

/** Waits as one of the callers who follow something, with a signal that aborts when the caller goes or its token ends. */
async function whileAlive<T>(
  {
    identity,
    request,
    services: { lives, limits },
  }: Pick<Input<0, 0, 0, 0>, 'identity' | 'request'> & {
    readonly services: Services
  },
  wait: (alive: AbortSignal) => Promise<T>,
): Promise<T> {
  lives.assertRoom(identity.actor, limits.feedConsumersPerActorMax)
  const life = lives.begin(identity)
  try {
    return await request.untilGone((gone) => wait(AbortSignal.any([gone, life.signal])))
  } finally {
    life.forget()
  }
}

async function answerTask(
  workspace: string,
  id: string,
  {
    headers,
    request,
    identity,
  }: Pick<Input<unknown, unknown, z.output<typeof waitHeaders>, unknown>, 'headers' | 'request' | 'identity'>,
  services: Services,
): Promise<Reply> {
  const tasks = tasksOf(services)
  let task = await findIn(services, workspace, id)
  const known = headers['if-none-match']
  const has = ({ lsn }: TaskView): boolean => isKnownToCaller(known, { version: lsn })
  const waitMs = preferredWaitMs(headers.prefer)
  const applied: Record<string, string> = waitMs === undefined ? {} : { 'preference-applied': `wait=${waitMs / 1000}` }
  if (waitMs !== undefined && waitMs > 0 && !isEnded(task.state) && (known === undefined || has(task))) {
    const { lsn } = task
    task = await whileAlive({ identity, request, services }, (alive) =>
      whenChanged(tasks, { workspace, task: id, after: lsn }, waitMs, alive),
    )
  }
  const etag = etagOf({ version: task.lsn })
  const open: Record<string, string> = isEnded(task.state) ? {} : { 'retry-after': '1' }
  if (has(task)) return { status: 304, headers: { etag, ...open, ...applied } }
  return { status: 200, headers: { etag, ...open, ...applied }, body: { task: viewTask(task, services.redact) } }
}

export const taskRoutes: readonly Route[] = [start, list, get, getById, events]
