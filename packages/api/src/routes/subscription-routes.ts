import {
  type NamedSubscription,
  ResourceError,
  redactIn,
  subscriptionName,
  subscriptionSchema,
} from '@joinery/resources'
import { z } from 'zod'
import { ApiError } from '../api-error.ts'
import { anyHeaders, noBody, nothing, type Route, route } from './route.ts'
import type { Services, Subscribed } from './services.ts'

const ALL = '/v1/subscriptions'
const ONE = `${ALL}/{subscription}`
const one = z.object({ subscription: subscriptionName.meta({ description: 'name of the subscription' }) })

const shown = z.object({
  id: z.string(),
  from: z.enum(['file', 'api']).meta({ description: 'the configuration file, or this API' }),
  url: z.string(),
  workspaces: z.array(z.string()),
  events: z.array(z.string()),
  secrets: z.array(z.string()).meta({ description: 'names of secrets' }),
  headers: z.record(z.string(), z.unknown()),
  coalesceMs: z.int(),
  retryMs: z.array(z.int()),
  disableAfterMs: z.int(),
  failing: z
    .object({ since: z.int(), disabled: z.string().optional() })
    .optional()
    .meta({ description: 'since when nothing could be delivered, and why nothing more is sent' }),
})
const answer = z.object({ subscription: shown })

const put = route(
  {
    method: 'PUT',
    path: ONE,
    id: 'putSubscription',
    summary: 'Tell an endpoint what changes in workspaces (needs a token with operator: true)',
    params: one,
    query: nothing,
    headers: anyHeaders,
    body: subscriptionSchema.meta({
      id: 'Subscription',
      examples: [
        { url: 'https://crm.example/joinery', workspaces: ['acme/*'], events: ['status'], secrets: ['crm_hook'] },
      ],
    }),
    answers: {
      200: { description: 'The subscription is kept, and begins with the next record.', schema: answer },
    },
    errors: ['no_tokens'],
    isForOperators: true,
  },
  async ({ params: { subscription }, body }, services) => {
    await asked(subscribed(services).put(subscription, body))
    return { status: 200, body: { subscription: find(subscription, services) } }
  },
)

const list = route(
  {
    method: 'GET',
    path: ALL,
    id: 'listSubscriptions',
    summary: 'All subscriptions, of the configuration and of this API (needs a token with operator: true)',
    params: nothing,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: {
      200: { description: 'They name secrets, and show none.', schema: z.object({ subscriptions: z.array(shown) }) },
    },
    errors: ['no_tokens'],
    isForOperators: true,
  },
  async (_input, services) => ({ status: 200, body: { subscriptions: all(services) } }),
)

const get = route(
  {
    method: 'GET',
    path: ONE,
    id: 'getSubscription',
    summary: 'One subscription (needs a token with operator: true)',
    params: one,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 200: { description: 'It names secrets, and shows none.', schema: answer } },
    errors: ['no_tokens', 'unknown_subscription'],
    isForOperators: true,
  },
  async ({ params: { subscription } }, services) => {
    return { status: 200, body: { subscription: find(subscription, services) } }
  },
)

const remove = route(
  {
    method: 'DELETE',
    path: ONE,
    id: 'removeSubscription',
    summary: 'Tell an endpoint nothing more (needs a token with operator: true)',
    params: one,
    query: nothing,
    headers: anyHeaders,
    body: noBody,
    answers: { 204: { description: 'It is told nothing more.' } },
    errors: ['no_tokens', 'unknown_subscription'],
    isForOperators: true,
  },
  async ({ params: { subscription } }, services) => {
    if (!(await asked(subscribed(services).remove(subscription)))) throw unknown(subscription)
    return { status: 204 }
  },
)

function subscribed({ subscribed: found }: Services): Subscribed {
  if (found === undefined) throw new Error('a route of subscriptions is served without an outbox')
  return found
}

function all(services: Services) {
  const { subscriptions, fold } = subscribed(services)
  return subscriptions.map((each) => view(each, fold.failing.get(each.id), services))
}

function find(id: string, services: Services) {
  const found = all(services).find((each) => each.id === id)
  if (found === undefined) throw unknown(id)
  return found
}

/** A header, or the query of a URL, may hold a secret, although there is a better place for it. */
function view({ id, from, subscription }: NamedSubscription, failing: object | undefined, { redact }: Services) {
  return { id, from, ...redactIn(subscription, redact), ...(failing && { failing }) }
}

function unknown(id: string): ApiError {
  return new ApiError('unknown_subscription', `there is no subscription "${id}": PUT makes one`)
}

/** The errors of a URL that is never called, and of a secret that is not there, are the caller's. */
async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ResourceError) throw new ApiError('invalid', error.message, { cause: error })
    throw error
  }
}

export const subscriptionRoutes: readonly Route[] = [list, get, put, remove]
