import {
  isLeaseName,
  isLeaseText,
  LEASE_BOUNDS,
  LEASE_NAME_RULE,
  LEASE_TOKEN_LENGTH_MAX,
  type LeaseView,
  type WorkspaceId,
} from '@joinery/server'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { authorOf } from '../caller.ts'
import { positionOf } from '../known-workspace.ts'
import { limitQuery, params, timeSchema } from '../schemas.ts'
import { whenDurable } from '../writes/when-durable.ts'
import { leaseHeaders } from '../writes/write-headers.ts'
import { anyHeaders, noBody, nothing, type Route, route } from './route.ts'

const LEASES = '/v1/workspaces/{workspace}/leases'
const LEASE = `${LEASES}/{lease}`
const { textLengthMax, ttlMsMin, ttlMsMax, waitMsMax } = LEASE_BOUNDS
const TTL_DEFAULT_MS = 30_000

const leaseName = z
  .string()
  .max(textLengthMax, LEASE_NAME_RULE)
  .refine(isLeaseName, LEASE_NAME_RULE)
  .meta({ examples: ['nightly-import'] })
const leaseParams = params.workspace.extend({ lease: leaseName })
const waitRule = `is no wait: a whole number of ms, from 0 to ${waitMsMax}`
const ttlRule = `is no TTL: a whole number of ms, from ${ttlMsMin} to ${ttlMsMax} (one day)`
const ttlMs = z
  .int(ttlRule)
  .min(ttlMsMin, ttlRule)
  .max(ttlMsMax, ttlRule)
  .meta({ description: 'time after which it ends unless renewed, ms' })
const token = z.string().min(1).max(LEASE_TOKEN_LENGTH_MAX)

const leaseShape = {
  name: z.string(),
  holder: z.string().meta({ description: 'what the holder calls itself' }),
  actor: z.string().meta({ description: 'who acquired it, as the server identified the caller' }),
  fence: z
    .int()
    .meta({ description: 'greater than the fence of every earlier holder: send it to what must refuse late writes' }),
  ttlMs: z.int(),
  acquiredAt: timeSchema,
  expiresAt: timeSchema.meta({
    description: 'for people, by the clock of the server: a program counts remainingMs by its own',
  }),
  remainingMs: z.int().meta({ description: 'time until it ends unless it is renewed, ms' }),
  waiting: z.int().meta({ description: 'number of callers that wait for it' }),
}
const leaseSchema = z.object(leaseShape).meta({ id: 'Lease' })
const heldSchema = z
  .object({ ...leaseShape, token: z.string().meta({ description: 'proves who holds it: keep it to yourself' }) })
  .meta({ id: 'HeldLease' })

const acquireBody = z
  .strictObject({
    name: leaseName,
    holder: z
      .string()
      .max(textLengthMax)
      .refine(isLeaseText, `is not 1 to ${textLengthMax} characters of well-formed text without control characters`)
      .optional()
      .meta({ description: 'tells people who holds it; the actor by default' }),
    ttlMs: ttlMs.default(TTL_DEFAULT_MS),
    waitMs: z
      .int(waitRule)
      .min(0, waitRule)
      .max(waitMsMax, waitRule)
      .default(0)
      .meta({ description: 'how long to wait while another holds it, in order of asking, ms' }),
  })
  .meta({ examples: [{ name: 'nightly-import', holder: 'import 7', ttlMs: 30_000 }] })

const acquire = route(
  {
    method: 'POST',
    path: LEASES,
    id: 'acquireLease',
    summary: 'Acquire a lease, which one caller at a time holds',
    params: params.workspace,
    query: nothing,
    headers: z.object({
      'idempotency-key': z
        .string()
        .regex(/^[\x21-\x7e]{1,128}$/, 'is not 1 to 128 visible ASCII characters')
        .optional()
        .meta({
          description: 'a repeat gets the same lease while it stands, and the same place while it waits',
        }),
    }),
    body: acquireBody,
    answers: { 201: { description: 'The caller holds the lease.', schema: heldSchema } },
    errors: ['lease_held', 'lease_lost', 'too_many_leases'],
  },
  async ({ params: { workspace }, headers, body, identity, work, request }, { workspaces, limits }) => {
    const { leases } = workspaces
    const author = authorOf(identity)
    const { name, holder = author.actor, waitMs } = body
    const id = workspace as WorkspaceId
    const key = headers['idempotency-key']
    const acquired = await request.untilGone(async (signal) => {
      const asked = leases.acquire(id, { ...body, holder, author, key, signal }, work.owner)
      const answer = await whenDurable(limits.durableWaitMs + waitMs, asked)
      // Nobody reads the answer, or the caller's token ended during the wait: the next may have the lease now.
      let isWanted = false
      try {
        work.assertStands()
        isWanted = !signal.aborted
      } finally {
        if (!isWanted && answer.outcome === 'acquired') await leases.release(id, { name, token: answer.token, author })
      }
      return answer
    })
    if (acquired.outcome === 'acquired')
      return { status: 201, body: { ...viewLease(acquired.view), token: acquired.token } }
    const current = viewLease(acquired.view)
    throw new ApiError('lease_held', `the lease ${JSON.stringify(name)} is held by ${current.holder}`, {
      current,
      details: { remainingMs: current.remainingMs },
    })
  },
)

const renew = route(
  {
    method: 'POST',
    path: `${LEASE}/renew`,
    id: 'renewLease',
    summary: 'Renew a lease before its time is over, with the same TTL or another',
    params: leaseParams,
    query: nothing,
    headers: anyHeaders,
    body: z.strictObject({ token, ttlMs: ttlMs.optional() }).meta({ examples: [{ token: 'l1.…', ttlMs: 30_000 }] }),
    answers: { 200: { description: 'The lease stands for its TTL from now on.', schema: heldSchema } },
    errors: ['lease_lost'],
  },
  async ({ params: { workspace, lease: name }, body, identity }, { workspaces, limits }) => {
    const held = { name, token: body.token, author: authorOf(identity) }
    const renewed = workspaces.leases.renew(workspace as WorkspaceId, held, body.ttlMs)
    const view = await whenDurable(limits.durableWaitMs, renewed)
    return { status: 200, body: { ...viewLease(view), token: body.token } }
  },
)

const release = route(
  {
    method: 'DELETE',
    path: LEASE,
    id: 'releaseLease',
    summary: 'Release a lease, so that the next may have it at once',
    params: leaseParams,
    query: nothing,
    headers: leaseHeaders.required(),
    body: noBody,
    answers: { 204: { description: 'The lease is released.' } },
    errors: ['lease_lost'],
  },
  async ({ params: { workspace, lease: name }, headers, identity }, { workspaces, limits }) => {
    const held = { name, token: headers['x-joinery-lease'], author: authorOf(identity) }
    await whenDurable(limits.durableWaitMs, workspaces.leases.release(workspace as WorkspaceId, held))
    return { status: 204 }
  },
)

const list = route(
  {
    method: 'GET',
    path: LEASES,
    id: 'listLeases',
    summary: 'The leases that stand: who holds what',
    params: params.workspace,
    query: z.strictObject({ limit: limitQuery, after: leaseName.optional() }),
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: {
        description: 'One page in the order of the names. `next` is the `after` of the next page, null on the last.',
        schema: z.object({ leases: z.array(leaseSchema), next: z.string().nullable() }),
      },
    },
    errors: ['unknown_workspace'],
  },
  async ({ params: { workspace }, query: { limit, after = '' } }, { workspaces, limits }) => {
    const id = workspace as WorkspaceId
    await positionOf(workspaces, id)
    const all = await whenDurable(limits.durableWaitMs, workspaces.leases.list(id))
    const rest = all.filter(({ lease }) => lease.name > after)
    const leases = rest.slice(0, limit).map(viewLease)
    return { status: 200, body: { leases, next: rest.length > limit ? leases.at(-1)?.name : null } }
  },
)

const get = route(
  {
    method: 'GET',
    path: LEASE,
    id: 'getLease',
    summary: 'Who holds a lease',
    params: leaseParams,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 200: { description: 'The lease, without its token.', schema: leaseSchema } },
    errors: ['unknown_workspace', 'unknown_lease'],
  },
  async ({ params: { workspace, lease: name } }, { workspaces, limits }) => {
    const id = workspace as WorkspaceId
    await positionOf(workspaces, id)
    const view = await whenDurable(limits.durableWaitMs, workspaces.leases.find(id, name))
    if (view === undefined) throw new ApiError('unknown_lease', `nobody holds the lease ${JSON.stringify(name)}`)
    return { status: 200, body: viewLease(view) }
  },
)

/** A lease as everybody may see it. */
function viewLease({ lease, remainingMs, waiting }: LeaseView) {
  const { name, holder, actor, fence, ttlMs, acquiredAt } = lease
  const left = Math.ceil(remainingMs)
  return { name, holder, actor, fence, ttlMs, acquiredAt, expiresAt: Date.now() + left, remainingMs: left, waiting }
}

export const leaseRoutes: readonly Route[] = [acquire, renew, release, list, get]
