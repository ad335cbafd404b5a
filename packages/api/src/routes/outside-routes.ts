import { isReservedSource } from '@joinery/blocks'
import { ResourceError } from '@joinery/resources'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { json, params } from '../schemas.ts'
import { stateAt } from './reads.ts'
import { anyHeaders, noBody, nothing, type Route, route } from './route.ts'
import type { Services } from './services.ts'
import { entryIn } from './status-routes.ts'

const OUTSIDE = '/v1/workspaces/{workspace}/blocks/{block}/statuses/{machine}/{name}/outside'
/** Time after which a service that failed may be asked again, s. */
const AGAIN_SECONDS = 5

const outsideView = z.object({
  observed: z
    .object({
      status: z.string(),
      externalId: z.string().optional(),
      progress: z.number().optional(),
      total: z.number().optional(),
      error: z.string().optional(),
      detail: z.record(z.string(), json).optional(),
    })
    .nullable()
    .meta({ description: 'null: the service has no such resource' }),
  observedAt: z.int().meta({ description: 'when the service said so, ms since epoch' }),
  isStale: z
    .boolean()
    .meta({ description: 'the answer is older than it should be: the service is asked, or has failed' }),
})

const get = route(
  {
    method: 'GET',
    path: OUTSIDE,
    id: 'getOutside',
    summary: 'The state of a resource as its service tells it, at most some seconds old. No status is written by it',
    params: params.status,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 200: { description: 'The state, and when the service told it.', schema: outsideView } },
    errors: ['unknown_workspace', 'unknown_block', 'unknown_machine', 'unknown_status', 'unavailable', 'busy'],
  },
  async ({ params: { workspace, block, machine, name }, request, work }, services) => {
    const outside = outsideOf(services, machine)
    const entry = await stateAt(services, { workspace, at: undefined, work }, (doc) =>
      entryIn(doc, { block, machine, name }, services.lists),
    )
    const id = entry.detail?.id
    // Anybody may write any id into a run: only one that a service has told is of this resource.
    if (typeof id !== 'string' || !isReservedSource(entry.source)) {
      throw new ApiError('unknown_status', `the service of ${machine} has told no id of "${name}" yet`)
    }
    try {
      const { observed, observedAt, outcome } = await request.untilGone((signal) =>
        outside.read({ workspace, block, machine, name }, id, signal),
      )
      const isStale = outcome === 'stale' || outcome === 'stale_error'
      return { status: 200, body: { observed: observed ?? null, observedAt, isStale } }
    } catch (cause) {
      if (!isOfService(cause)) throw cause
      const message = `the service of ${machine} gave no answer: ${cause.message}`
      throw new ApiError('unavailable', message, { cause, retryAfterSeconds: AGAIN_SECONDS })
    }
  },
)

const forget = route(
  {
    method: 'DELETE',
    path: `${OUTSIDE}/cache`,
    id: 'forgetOutside',
    summary: 'Forget what the service has told, so that the next look asks it anew',
    params: params.status,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 204: { description: 'It is forgotten.' } },
    errors: ['unknown_machine', 'read_only'],
  },
  async ({ params: { workspace, block, machine }, identity }, services) => {
    if (identity.access !== 'write') throw new ApiError('read_only', 'only those who may write ask the service anew')
    outsideOf(services, machine).forget(workspace, block)
    return { status: 204 }
  },
)

function outsideOf({ outside }: Services, machine: string): NonNullable<Services['outside']> {
  if (outside?.has(machine) === true) return outside
  throw new ApiError('unknown_machine', `this server asks no service of ${machine}: its adapter has no field "cache"`)
}

/** An error of the service: ours, or one of a library that speaks to it. */
function isOfService(error: unknown): error is Error {
  return error instanceof ResourceError || (error instanceof Error && 'statusCode' in error) || isTimeout(error)
}

function isTimeout(error: unknown): error is Error {
  return error instanceof Error && error.name === 'TimeoutError'
}

export const outsideRoutes: readonly Route[] = [get, forget]
