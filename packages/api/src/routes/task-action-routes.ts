import type { Identity } from '@joinery/server'
import type { Tasks, TaskView } from '@joinery/tasks'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { authorOf } from '../caller.ts'
import { json, params } from '../schemas.ts'
import { stepName, taskParams } from '../tasks/task-schemas.ts'
import { whenDurable } from '../writes/when-durable.ts'
import { keyHeader } from '../writes/write-headers.ts'
import { anyHeaders, noBody, nothing, type Reply, type Route, route } from './route.ts'
import type { Services } from './services.ts'
import { accepted, acceptedReply, assertNotDeleted, assertOf, tasksOf } from './task-request.ts'

const TASKS = '/v1/workspaces/{workspace}/tasks'
const TASK = `${TASKS}/{task}`

/** The parts that all requests about a task have. */
const OF_TASK = { method: 'POST', params: taskParams, query: nothing } as const

const cancel = route(
  {
    ...OF_TASK,
    path: `${TASK}/cancel`,
    id: 'cancelTask',
    summary: 'Ask for the end of a task: what it has done is taken back',
    headers: anyHeaders,
    body: noBody,
    answers: { 202: accepted('The task is being canceled. A repeat changes nothing.') },
    errors: ['unknown_task', 'not_cancelable'],
  },
  (input, services) => asked(input, services, (tasks, of) => tasks.cancel(...of)),
)

const retry = route(
  {
    ...OF_TASK,
    path: `${TASK}/retry`,
    id: 'retryTask',
    summary: 'Go on with the step that failed; the results so far are kept',
    headers: anyHeaders,
    body: noBody,
    answers: { 202: accepted('The task goes on.') },
    errors: ['unknown_task', 'not_retryable'],
  },
  (input, services) => asked(input, services, (tasks, of) => tasks.retry(...of)),
)

const skip = route(
  {
    ...OF_TASK,
    path: `${TASK}/skip`,
    id: 'skipStep',
    summary: 'Take the step that failed for done, with a result',
    headers: anyHeaders,
    body: z.strictObject({ step: stepName, result: json.default(null) }).meta({ examples: [{ step: 'notify' }] }),
    answers: { 202: accepted('The task goes on behind the step.') },
    errors: ['unknown_task', 'not_retryable'],
  },
  (input, services) => {
    const { step, result } = input.body
    return asked(input, services, (tasks, [workspace, task, by]) => tasks.skip(workspace, task, step, result, by))
  },
)

const terminate = route(
  {
    ...OF_TASK,
    path: `${TASK}/terminate`,
    id: 'terminateTask',
    summary: 'End a task at once and take nothing back; for operators',
    headers: anyHeaders,
    body: noBody,
    answers: { 202: accepted('The task is canceled. What it has done stays.') },
    errors: ['unknown_task', 'not_cancelable'],
  },
  (input, services) => {
    assertOperator(input.identity, 'cancel the task, which takes back what it did')
    return asked(input, services, (tasks, of) => tasks.terminate(...of))
  },
)

const signal = route(
  {
    ...OF_TASK,
    path: `${TASK}/signals/{name}`,
    id: 'signalTask',
    summary: 'Send a signal, for which a step of the task waits or will wait',
    params: taskParams.extend({ name: stepName }),
    headers: z.object({ 'idempotency-key': keyHeader }),
    body: z
      .strictObject({
        id: z
          .string()
          .min(1)
          .max(128)
          .optional()
          .meta({ description: 'a signal of one id counts once; the Idempotency-Key by default' }),
        payload: json.default(null),
      })
      .meta({ examples: [{ payload: { approved: true } }] }),
    answers: { 202: accepted('The signal is kept until a step waits for it.') },
    errors: ['unknown_task', 'already_done', 'too_large'],
  },
  (input, services) => {
    const { id = input.headers['idempotency-key'], payload } = input.body
    const sent = { name: input.params.name, payload, ...(id !== undefined && { id }) }
    return asked(input, services, (tasks, [workspace, task, by]) => tasks.signal(workspace, task, sent, by))
  },
)

const resume = route(
  {
    method: 'POST',
    path: `${TASKS}/resume`,
    id: 'resumeTasks',
    summary: 'Let the tasks go on that wait since a restore or an import; for operators',
    params: params.workspace,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: { description: 'They go on.', schema: z.object({ resumed: z.int().meta({ description: 'how many' }) }) },
    },
    errors: [],
  },
  async ({ params: { workspace }, identity }, services) => {
    assertOperator(identity, 'ask one')
    const by = authorOf(identity)
    await assertNotDeleted(workspace, services)
    const resumed = await whenDurable(services.limits.durableWaitMs, tasksOf(services).resume(workspace, by))
    return { status: 200, body: { resumed } }
  },
)

/** The workspace, the task and the caller of a request. */
type Of = readonly [workspace: string, task: string, by: { readonly actor: string; readonly source: string }]

/** Asks something of a task for a caller that may write, and answers with the task when that is durable. */
async function asked(
  input: { readonly params: { readonly workspace: string; readonly task: string }; readonly identity: Identity },
  services: Services,
  ask: (tasks: Tasks, of: Of) => Promise<TaskView>,
): Promise<Reply> {
  const { workspace, task } = input.params
  const by = authorOf(input.identity)
  await assertNotDeleted(workspace, services)
  assertOf(workspace, task)
  const asked = whenDurable(services.limits.durableWaitMs, ask(tasksOf(services), [workspace, task, by]))
  return acceptedReply(await asked, services)
}

/** Throws `forbidden` unless the caller is an operator. In development mode everybody is. */
function assertOperator({ isAuthenticated, isOperator }: Identity, otherwise: string): void {
  if (!isAuthenticated || isOperator === true) return
  throw new ApiError('forbidden', `this is for operators: send a token with "operator": true, or ${otherwise}`)
}

export const taskActionRoutes: readonly Route[] = [cancel, retry, skip, terminate, signal, resume]
