import type { Json, JsonObject } from '@joinery/blocks'
import { z } from 'zod'
import { cacheSchema } from '../../cache/cache-config.ts'
import type { Freshness } from '../../cache/read-cache.ts'
import { secretName } from '../../config/secret-name.ts'
import { Egress } from '../../egress/egress.ts'
import { ResourceError } from '../../resource-error.ts'
import type {
  AdapterKind,
  AdapterWorld,
  CallContext,
  HookEvent,
  HookHint,
  HookTarget,
  Observed,
  ResourceAdapter,
  SyncContext,
} from '../adapter.ts'
import { at, fillBody, fillUrl, unknownPlaces } from './template.ts'

/** Bytes of an answer that are read. */
const ANSWER_BYTES_MAX = 1024 * 1024
/** Longest time for which a resource is looked at, ms: a day. */
const GIVE_UP_MS_MAX = 24 * 3_600_000
/** The scheme and the host of a URL in which no place stands. */
const FIXED_ORIGIN = /^(https?:\/\/[^/?#{}]+)(?:[/?#]|$)/

const pointer = z.string().regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'must be a JSON Pointer, such as "/data/id"')
const text = z
  .string()
  .refine(
    (given) => unknownPlaces(given).length === 0,
    'has an unknown place: use {workspace}, {block}, {name}, {key}, {externalId} or {detail.<name>}',
  )
const header = z.union([z.string(), z.strictObject({ secret: secretName, prefix: z.string().default('') })])
const call = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
  url: text.refine((given) => /^https?:\/\//.test(given), 'must begin with https:// or http://'),
  headers: z.record(z.string(), header).default({}),
  body: z.json().optional(),
})
const positive = z.int().min(1)
const config = z.strictObject({
  kind: z.literal('http'),
  sync: call,
  query: call.optional(),
  undo: call.optional(),
  find: call.optional(),
  /** Where an answer has the id of the resource. */
  id: pointer.optional(),
  /** Where an answer has the state, and the status of the machine for each; a state that is not listed is the status `otherwise`. */
  status: z.strictObject({ at: pointer, map: z.record(z.string(), z.string()), otherwise: z.string() }),
  error: pointer.optional(),
  /** Details to show, by their places in the answer. */
  detail: z.record(z.string(), pointer).default({}),
  keyHeader: z.string().default('Idempotency-Key'),
  keyLifetimeMs: positive.optional(),
  poll: z
    .strictObject({
      ...{ firstMs: positive, maxMs: positive, timeoutMs: positive },
      giveUpAfterMs: positive.max(GIVE_UP_MS_MAX).optional(),
    })
    .refine(
      ({ timeoutMs, giveUpAfterMs = Number.POSITIVE_INFINITY }) => giveUpAfterMs > timeoutMs,
      'giveUpAfterMs must be above timeoutMs: a resource is stalled before it has failed',
    )
    .optional(),
  cache: cacheSchema.optional(),
  /** Where an event has the resource, or its id alone. */
  hook: z
    .union([
      z.strictObject({ workspace: pointer, block: pointer, name: pointer, id: pointer.optional() }),
      z.strictObject({ id: pointer }),
    ])
    .optional(),
  timeoutMs: positive.max(110_000).default(30_000),
})
type Config = z.infer<typeof config>
type Call = z.infer<typeof call>

/** Any JSON service, by configuration. */
export const HTTP: AdapterKind<Config> = {
  kind: 'http',
  config,
  secretsOf: (given) => {
    const calls = [given.sync, given.query, given.undo, given.find].filter((each) => each !== undefined)
    const headers = calls.flatMap((each) => Object.values(each.headers))
    return headers.flatMap((value) => (typeof value === 'string' ? [] : [value.secret]))
  },
  route: routeEvent,
  open: (given, world) => new HttpAdapter(given, world),
}

class HttpAdapter implements ResourceAdapter {
  readonly machine: string
  readonly host: string
  readonly keyLifetimeMs?: number
  readonly poll?: NonNullable<Config['poll']>
  readonly cache?: Freshness
  readonly query?: NonNullable<ResourceAdapter['query']>
  readonly undo?: NonNullable<ResourceAdapter['undo']>
  readonly find?: NonNullable<ResourceAdapter['find']>
  readonly #config: Config
  readonly #world: AdapterWorld
  readonly #egress: Egress

  constructor(given: Config, world: AdapterWorld) {
    const { sync, query, undo, find, keyLifetimeMs, poll, cache, timeoutMs } = given
    this.#config = given
    this.#world = world
    this.machine = world.machine
    const origins = [sync, query, undo, find].flatMap((each) => FIXED_ORIGIN.exec(each?.url ?? '')?.[1] ?? [])
    this.host = origins[0] === undefined ? world.machine : new URL(origins[0]).host
    // An operator has named these hosts. One that a run fills in is held to the rules for people's URLs.
    this.#egress = new Egress({
      allow: [...origins.map((origin) => new URL(origin).origin), world.egressAllow ?? ''].join(','),
      ...(world.egressProxy !== undefined && { proxy: world.egressProxy }),
      limits: { answerBytesMax: ANSWER_BYTES_MAX, wholeMs: timeoutMs },
    })
    if (keyLifetimeMs !== undefined) this.keyLifetimeMs = keyLifetimeMs
    if (poll !== undefined) this.poll = poll
    if (cache !== undefined) this.cache = cache
    if (query !== undefined) this.query = async (context) => this.#observed(await this.#ask(query, context), context)
    if (undo !== undefined) this.undo = (context) => this.#undo(undo, context)
    if (find !== undefined) this.find = (context) => this.#find(find, context)
  }

  async sync(context: SyncContext): Promise<Observed> {
    return this.#observed(await this.#ask(this.#config.sync, context), context)
  }

  async #undo(undo: Call, context: SyncContext): Promise<void> {
    if (undo.url.includes('{externalId}') && context.externalId === undefined) return
    await this.#ask(undo, context, [404, 410])
  }

  async #find(find: Call, context: CallContext & { readonly key: string }): Promise<Observed | undefined> {
    const found = await this.#ask(find, context, [404, 410])
    return found === undefined || (this.#config.id !== undefined && at(this.#config.id, found) === undefined)
      ? undefined
      : this.#observed(found, context)
  }

  /** Makes a call; undefined for an answer of one of the statuses that say that nothing is there. */
  async #ask(
    { method, url, headers, body }: Call,
    context: CallContext & { readonly key?: string },
    absent: readonly number[] = [],
  ): Promise<unknown> {
    const { keyHeader } = this.#config
    const { key, signal } = context
    const answer = await this.#egress.request(fillUrl(url, context), {
      method,
      signal,
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && method !== 'GET' && { [keyHeader]: key }),
        ...Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, this.#valueOf(value)])),
      },
      ...(body !== undefined && { body: JSON.stringify(fillBody(body as Json, context)) }),
    })
    const { status } = answer
    if (absent.includes(status)) return undefined
    if (status < 200 || status >= 300) {
      const after = Number(answer.headers['retry-after'])
      throw new ResourceError('rejected', `${this.host} answered ${status}`, {
        status: status < 300 ? 502 : status,
        retryAfterMs: Number.isFinite(after) && after >= 0 ? after * 1_000 : undefined,
      })
    }
    if (answer.isCut)
      throw new ResourceError('rejected', `the answer of ${this.host} has more than ${ANSWER_BYTES_MAX} bytes`)
    try {
      return answer.body.byteLength === 0 ? {} : JSON.parse(answer.body.toString('utf8'))
    } catch (cause) {
      throw new ResourceError('unavailable', `the answer of ${this.host} is no JSON`, { cause, class: 'unsure' })
    }
  }

  #valueOf(value: z.infer<typeof header>): string {
    return typeof value === 'string' ? value : `${value.prefix}${this.#world.secrets.read(value.secret)}`
  }

  #observed(answer: unknown, { externalId: known }: CallContext): Observed {
    const { id, status, error, detail } = this.#config
    const state = at(status.at, answer)
    const found = id === undefined ? undefined : at(id, answer)
    const externalId = typeof found === 'string' || typeof found === 'number' ? String(found) : known
    const why = error === undefined ? undefined : at(error, answer)
    const shown = Object.entries(detail).map(([name, place]) => [name, at(place, answer)] as const)
    return {
      status: Object.hasOwn(status.map, String(state))
        ? (status.map[String(state)] ?? status.otherwise)
        : status.otherwise,
      ...(externalId !== undefined && { externalId }),
      ...(typeof why === 'string' && { error: why }),
      detail: Object.fromEntries(shown.filter(([, value]) => value !== undefined)) as JsonObject,
    }
  }
}

function routeEvent({ body }: HookEvent, { hook }: Config, machine: string): HookTarget | HookHint | 'ignored' {
  if (hook === undefined) return 'ignored'
  const told = hook.id === undefined ? undefined : at(hook.id, body)
  const externalId = typeof told === 'string' || typeof told === 'number' ? String(told) : undefined
  if (!('workspace' in hook)) return externalId === undefined ? 'ignored' : { externalId }
  const [workspace, block, name] = [hook.workspace, hook.block, hook.name].map((place) => at(place, body))
  if (typeof workspace !== 'string' || typeof block !== 'string' || typeof name !== 'string') return 'ignored'
  return { resource: { workspace, block, machine, name }, ...(externalId !== undefined && { externalId }) }
}
