import { FAILURE_CLASSES, type LeaseAsk } from '@joinery/protocol'
import type { Identity } from '@joinery/server'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { json } from '../schemas.ts'
import { isSagaOf } from '../tasks/adapter-reports.ts'
import { sagaName, stepName, subjectSchema } from '../tasks/task-schemas.ts'
import { cleanBeat, cleanDone, cleanFailed } from '../tasks/told-words.ts'
import { whenDurable } from '../writes/when-durable.ts'
import { anyHeaders, noBody, nothing, type Route, route } from './route.ts'
import { tasksOf } from './task-request.ts'

const WORK = '/v1/work/leases'
const LEASE = `${WORK}/{token}`
const WAIT_MS_MAX = 25_000
const TIME_MS_MAX = 2 ** 31 - 1
const LEASES_MAX = 100
const SAGAS_MAX = 100
const HOLDS_MAX = 1_000
const TOKEN_CHARS_MAX = 2_048
const TEXT_MAX = 4_096

const ms = z.int().min(0).max(TIME_MS_MAX)
const token = z.object({ token: z.string().min(1).max(TOKEN_CHARS_MAX) })
const itemKey = z.string().min(1).max(1_024)

/** The schemas beyond these are the engine's, which names the step in its errors. */
const stepShape = z.object({
  name: stepName,
  kind: z.enum(['step', 'each', 'sleep', 'signal']),
  hasUndo: z.boolean().optional(),
  concurrency: z.int().min(1).max(10_000).optional(),
  retry: z.object({ attempts: z.int().min(1), firstMs: ms, maxMs: ms }).optional(),
  timeoutMs: ms.optional(),
  giveUpAfterMs: ms.optional(),
  scheduleMs: ms.optional(),
  sleepMs: z.int().min(0).optional(),
  isPivot: z.boolean().optional(),
  onFailure: z.enum(['compensate', 'continue', 'wait']).optional(),
  onUndoFailure: z.enum(['continue', 'stop']).optional(),
  effect: z.literal('at_most_once').optional(),
  cancelGraceMs: ms.optional(),
  host: z.string().min(1).max(256).optional(),
  follows: z.string().min(1).max(256).optional(),
  tells: z.string().min(1).max(256).optional(),
})
const sagaShape = z.object({
  name: sagaName,
  version: z.int().min(1),
  digest: z.string().min(1).max(128),
  steps: z.array(stepShape).min(1),
  accepts: z.array(z.int().min(1)).max(100).optional(),
  deadlineMs: z.int().min(1).optional(),
  inputSchema: json.optional(),
  hasSubject: z.boolean().optional(),
})

const leased = z.object({
  token: z.string(),
  task: z.string(),
  workspace: z.string(),
  saga: z.string(),
  version: z.int(),
  kind: z.enum(['plan', 'run', 'undo']),
  step: z.string().optional(),
  item: z.object({ key: z.string(), value: json }).optional(),
  attempt: z.int(),
  key: z.string().meta({ description: 'the same in every attempt: hand it to the outside as idempotency key' }),
  runKey: z.string().optional().meta({ description: 'of an undo: the key of the run that it takes back' }),
  input: json,
  results: z.record(z.string(), json),
  result: json.optional().meta({ description: 'of an undo: what the run answered; left out if that is not known' }),
  details: json.optional().meta({ description: 'what the beats of the last attempt told' }),
  startedAt: z.number(),
  deadlineMs: z.number().optional(),
  timeoutMs: z.number().optional(),
  leaseMs: z.number().meta({ description: 'the lease ends after so many ms without a beat' }),
  cancelGraceMs: z.number(),
  traceparent: z.string().optional(),
})

const lease = route(
  {
    method: 'POST',
    path: WORK,
    id: 'leaseWork',
    summary: 'Take steps to run: for workers, in any language. Each node of a cluster gives out those of all nodes',
    params: z.object({}),
    query: nothing,
    headers: anyHeaders,
    body: z
      .strictObject({
        worker: z.string().min(1).max(128).meta({ description: 'name of the worker, for people' }),
        serves: z.array(sagaShape).min(1).max(SAGAS_MAX),
        max: z.int().min(1).max(LEASES_MAX).default(1).meta({ description: 'steps that the worker takes at most' }),
        leaseMs: ms.min(1_000).optional().meta({
          description: 'time without a beat after which the leases end, ms; the server’s own by default, and at most',
        }),
        instance: z.string().min(1).max(128).optional().meta({
          description:
            'id of this run of the worker, another after each restart: with it, steps of a lost answer are given again',
        }),
        holds: z.array(z.string().max(TOKEN_CHARS_MAX)).max(HOLDS_MAX).optional().meta({
          description: 'tokens of all steps that this run was given and has not told the end of',
        }),
        stops: z.literal(true).optional().meta({
          description: 'the worker takes no more steps, and nobody counts on it from now on: it is given none',
        }),
        waitMs: ms.max(WAIT_MS_MAX).default(0).meta({ description: 'how long the answer may wait for work, ms' }),
      })
      .meta({
        examples: [
          {
            worker: 'worker-1',
            serves: [{ name: 'hello', version: 1, digest: 'd1', steps: [{ name: 'greet', kind: 'step' }] }],
            waitMs: 20_000,
          },
        ],
      }),
    answers: { 200: { description: 'The steps, none after the wait.', schema: z.object({ leases: z.array(leased) }) } },
    errors: [],
  },
  async ({ body, identity, request }, services) => {
    const { ownSagas } = services
    const reserved = body.serves.map(({ name }) => name).filter((name) => isReserved(identity, name, ownSagas))
    if (reserved.length > 0)
      throw new ApiError(
        'forbidden',
        `the server's own worker alone runs the steps of ${reserved.join(', ')}: start the server with keys, and a worker whose token has them in "work"`,
      )
    const forbidden = body.serves.filter(({ name }) => !mayWork(identity, name)).map(({ name }) => name)
    if (forbidden.length > 0)
      throw new ApiError(
        'forbidden',
        `this token may not run the steps of ${forbidden.join(', ')}: ask for one with "work": ${JSON.stringify(forbidden)}`,
      )
    assertWorker(identity)
    const allows = (saga: string, workspace: string): boolean =>
      mayWork(identity, saga) && identity.allows(workspace as Parameters<Identity['allows']>[0])
    const { leaseMs, instance, holds, stops, ...rest } = body
    const ask = {
      ...rest,
      ...(leaseMs !== undefined && { leaseMs }),
      ...(instance !== undefined && { instance }),
      ...(holds !== undefined && { holds }),
      ...(stops !== undefined && { stops }),
    }
    const own = (asked: LeaseAsk, signal: AbortSignal) => tasksOf(services).lease(asked, allows, signal)
    const leases = await request.untilGone(
      (gone) => services.sharedWork?.(ask, own, request.message, gone) ?? own(ask, gone),
    )
    return { status: 200, body: { leases } }
  },
)

const beat = route(
  {
    method: 'POST',
    path: `${LEASE}/beat`,
    id: 'beatWork',
    summary: 'Tell that an attempt is alive, and how far it is',
    params: token,
    query: nothing,
    headers: anyHeaders,
    body: z
      .strictObject({
        progress: z.number().min(0).optional(),
        total: z.number().min(0).optional(),
        note: z.string().max(TEXT_MAX).optional(),
        details: json.optional().meta({ description: 'given to the next attempt if this one ends without an answer' }),
        stalledMs: z.number().min(0).optional(),
      })
      .meta({ examples: [{ progress: 3, total: 10 }] }),
    answers: {
      200: {
        description: 'Whether to go on.',
        schema: z.object({
          answer: z.enum(['go', 'cancel']).meta({ description: '`cancel`: end, and answer as far as the step got' }),
        }),
      },
    },
    errors: ['lease_lost'],
  },
  async ({ params, body, identity }, services) => {
    assertWorker(identity)
    return {
      status: 200,
      body: { answer: await tasksOf(services).beat(params.token, cleanBeat(body, services.redact)) },
    }
  },
)

const done = route(
  {
    method: 'POST',
    path: `${LEASE}/done`,
    id: 'finishWork',
    summary: 'End an attempt that went well: its result and its operations are one write',
    params: token,
    query: nothing,
    headers: anyHeaders,
    body: z
      .strictObject({
        result: json.optional(),
        subject: subjectSchema.optional().meta({ description: "of a task's plan" }),
        items: z
          .array(z.strictObject({ key: itemKey, value: json }))
          .optional()
          .meta({ description: 'of the plan of a step with items' }),
        operations: z.array(json).optional().meta({ description: 'operations of a transaction' }),
        removeIfUntouched: z
          .array(z.string().max(512))
          .optional()
          .meta({ description: 'blocks to delete unless somebody else has changed them' }),
      })
      .meta({ examples: [{ result: { greeting: 'hello' } }] }),
    answers: { 204: { description: 'The step is done. A repeat is answered alike.' } },
    errors: ['lease_lost', 'already_done'],
  },
  async ({ params, body, identity }, services) => {
    assertWorker(identity)
    await whenDurable(
      services.limits.durableWaitMs,
      tasksOf(services).done(params.token, cleanDone(body, services.redact)),
    )
    return { status: 204 }
  },
)

const failed = route(
  {
    method: 'POST',
    path: `${LEASE}/failed`,
    id: 'failWork',
    summary: 'End an attempt that failed',
    params: token,
    query: nothing,
    headers: anyHeaders,
    body: z
      .strictObject({
        error: z.string().max(TEXT_MAX),
        class: z.enum(FAILURE_CLASSES),
        retryAfterMs: ms.optional(),
      })
      .meta({ examples: [{ error: 'the store answered 503', class: 'transient' }] }),
    answers: { 204: { description: 'The failure is noted. A repeat is answered alike.' } },
    errors: ['lease_lost', 'already_done'],
  },
  async ({ params, body, identity }, services) => {
    assertWorker(identity)
    await whenDurable(
      services.limits.durableWaitMs,
      tasksOf(services).failed(params.token, cleanFailed(body, services.redact)),
    )
    return { status: 204 }
  },
)

const release = route(
  {
    method: 'POST',
    path: `${LEASE}/release`,
    id: 'releaseWork',
    summary: 'Give back a step of which nothing was done',
    params: token,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 204: { description: 'Another worker may have it.' } },
    errors: ['lease_lost'],
  },
  async ({ params, identity }, services) => {
    assertWorker(identity)
    await whenDurable(services.limits.durableWaitMs, tasksOf(services).release(params.token))
    return { status: 204 }
  },
)

/** Whether a saga is the server's own, and the caller somebody else in development mode: then anybody could tell the end of a payment. */
function isReserved({ isAuthenticated, work }: Identity, saga: string, ownSagas: readonly string[]): boolean {
  return !isAuthenticated && work === undefined && ownSagas.some((own) => isSagaOf(saga, own))
}

/** Whether a caller may run the steps of a saga. In development mode everybody may. */
function mayWork({ isAuthenticated, work = [] }: Identity, saga: string): boolean {
  return !isAuthenticated || work.includes(saga) || work.includes('*')
}

/** Throws `forbidden` for a caller without the rights of a worker, and `read_only` for one that may not write. */
function assertWorker({ isAuthenticated, work = [], access }: Identity): void {
  if (isAuthenticated && work.length === 0)
    throw new ApiError('forbidden', 'this is for workers: send a token whose "work" lists the sagas that it may run')
  if (access !== 'write')
    throw new ApiError('read_only', 'this token allows reading only: ask for one with access "write"')
}

export const workRoutes: readonly Route[] = [lease, beat, done, failed, release]
