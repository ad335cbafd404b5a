import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Authenticator, clientAddressOf, type Identity, type WorkspaceId } from '@joinery/server'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { ApiError, errorBody, toApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'
import type { BytesInFlight } from '../bytes-in-flight.ts'
import { type CallerHeaders, identifyCaller } from '../caller.ts'
import type { PayingCallers, RequestWork } from '../request-work.ts'
import { type RawRequest, type Reply, type Route, updateBody } from '../routes/route.ts'
import type { Services } from '../routes/services.ts'
import { UPDATE_TYPE } from '../update-bytes.ts'
import { assertPlainBody, BODY_TYPES, readJsonBodies } from './json-body.ts'
import { Methods } from './methods.ts'
import { describeRoutes } from './open-api.ts'
import { allowsOrigin, corsHeaders, isForeignHost, type Origins } from './origin-check.ts'
import { REFERENCE_POLICY, renderReference } from './reference-page.ts'
import type { RequestRate } from './request-rate.ts'
import { readUpdateBodies, tooLarge } from './update-body.ts'

/** Characters of one path parameter: a block id or index name of the longest kind, percent-encoded. */
const PARAM_CHARS_MAX = 4_096

const DESCRIPTION = '/v1/openapi.json'
const REFERENCE = '/v1/docs'
/** A path that holds a name: a "/" in it that was not encoded, or that a proxy decoded, makes it another path. */
const NAMED_PATH = /^\/v1\/workspaces\/[^/?]+\/[^?]/
/**
 * `Cache-Control` of every answer. Caches keep 404, 405 and 410 without it, and proxies with `no-transform` neither compress
 * answers, which holds back events, nor change their ETag.
 */
const CACHING = 'no-store, no-transform'
/** Answers of more characters count while they go out: a caller may read slowly, or not at all. */
const COUNTED_CHARS = 64 * 1024
const PAGES = [DESCRIPTION, REFERENCE]

/** Zod checks all requests here. Without this, Fastify would load its own compilers at every start. */
const NO_COMPILERS = { buildValidator: noCompiler, buildSerializer: noCompiler }

function noCompiler(): never {
  throw new Error('a route has a schema of Fastify’s own: use a Zod schema')
}

export interface HttpAppOptions {
  readonly routes: readonly Route[]
  readonly services: Services
  readonly authenticate: Authenticator
  readonly origins: Origins
  /** Whether everybody is let in: a request over loopback then has to name this machine. */
  readonly isDevelopment: boolean
  readonly rate: RequestRate
  readonly callers: PayingCallers
  /** JSON bodies on their way in. */
  readonly bodiesInFlight: BytesInFlight
  /** Long answers that have not gone out. */
  readonly answersInFlight: BytesInFlight
  /** Passes a request on that another process has to answer. */
  readonly passOn: ((request: IncomingMessage, response: ServerResponse) => Promise<boolean>) | undefined
  readonly logger: Logger
  /** Counts the refused requests, by error code. */
  readonly refused: Map<string, number>
  readonly limits: ApiLimits
  readonly version: string
}

/** Puts the routes on Fastify, which parses requests and finds routes. The app does not listen on a port itself. */
export function createHttpApp(options: HttpAppOptions): FastifyInstance {
  const { routes, limits, version } = options
  const app = Fastify({
    bodyLimit: limits.bodyBytesMax,
    routerOptions: { maxParamLength: PARAM_CHARS_MAX, caseSensitive: true },
    frameworkErrors: (error, _request, reply) => refuse(reply, fromFramework(error), options),
    logger: false,
    schemaController: { compilersFactory: NO_COMPILERS },
  })
  readJsonBodies(app, limits.bodyValuesMax, (request) => works.get(request))
  app.setErrorHandler((error, _request, reply) => refuse(reply, fromFramework(error), options))
  const methods = new Methods([
    ...routes.map((route) => ({ method: route.method, path: route.path, hasHead: hasHead(route) })),
    ...PAGES.map((path) => ({ method: 'GET', path, hasHead: true }) as const),
  ])
  app.setNotFoundHandler((request, reply) => answerNoRoute(request, reply, methods, options))
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': CACHING, 'x-content-type-options': 'nosniff' })
    await checkOrigin(request, reply, options)
    assertPlainBody(request)
  })
  // Made at the first request for it: it takes longer than the rest of a start.
  const described = once(() => describeRoutes(routes, version, options.services.lists))
  const description = once(() => JSON.stringify(described()))
  const page = once(() => renderReference(described()))
  app.get(DESCRIPTION, (_request, reply) => reply.type('application/json').send(description()))
  app.get(REFERENCE, (_request, reply) =>
    reply.header('content-security-policy', REFERENCE_POLICY).type('text/html; charset=utf-8').send(page()),
  )
  for (const route of routes) if (route.body !== updateBody) addRoute(app, route, options)
  void app.register((scope, _options, done) => {
    const identified = (request: FastifyRequest) => {
      return rawRequest(request, options).identify((request.params as { workspace: WorkspaceId }).workspace)
    }
    readUpdateBodies(scope, { limits, inFlight: options.services.updatesInFlight, identify: identified })
    const takes: Taken = { types: [UPDATE_TYPE], bytesMax: limits.updateBytesMax }
    scope.setErrorHandler((error, _request, reply) => refuse(reply, fromFramework(error, takes), options, takes))
    for (const route of routes) if (route.body === updateBody) addRoute(scope, route, options)
    done()
  })
  return app
}

function addRoute(app: FastifyInstance, route: Route, options: HttpAppOptions): void {
  app.route({
    method: route.method,
    url: route.path.replace(/\{(\w+)\}/g, ':$1'),
    exposeHeadRoute: hasHead(route),
    // Before the body is asked for and read: nothing is kept of a caller that is not let in.
    onRequest: async (request, reply) => {
      const { actor } = await route.admit(rawRequest(request, options))
      if (await options.passOn?.(request.raw, reply.raw)) return void reply.hijack()
      if (route.body !== updateBody) countBody(request, reply, actor, options)
    },
    handler: async (request, reply) => {
      const answer = await route.run(rawRequest(request, options), options.services)
      return send(reply, answer, works.get(request), options.answersInFlight)
    },
  })
}

/** Counts a JSON body until its request is answered. One of unknown length counts as the largest that is allowed. */
function countBody(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  actor: string,
  { bodiesInFlight, limits: { bodyBytesMax } }: HttpAppOptions,
): void {
  const isOfUnknownLength = headers['transfer-encoding'] !== undefined
  const length = isOfUnknownLength ? bodyBytesMax : Math.min(Number(headers['content-length'] ?? 0), bodyBytesMax)
  if (length > 0) reply.raw.once('close', bodiesInFlight.take(actor, length))
}

/** The bodies that a route reads. */
interface Taken {
  readonly types: readonly string[]
  readonly bytesMax: number
}
const JSON_TAKEN: Pick<Taken, 'types'> = { types: BODY_TYPES }

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** The work of each request, for which its caller pays. */
const works = new WeakMap<FastifyRequest, RequestWork>()

/** Callers that were identified, by request and workspace: a request is identified before its body is read. */
const identified = new WeakMap<
  FastifyRequest,
  { readonly workspace: WorkspaceId | undefined; readonly who: Promise<Identity> }
>()

function identify(
  request: FastifyRequest,
  authenticate: Authenticator,
  workspace: WorkspaceId | undefined,
): Promise<Identity> {
  const known = identified.get(request)
  if (known !== undefined && known.workspace === workspace) return known.who
  const who = identifyCaller(authenticate, callerHeaders(request.headers), workspace, tokenIn(request.query))
  identified.set(request, { workspace, who })
  return who
}

function rawRequest(request: FastifyRequest, { authenticate, rate, callers }: HttpAppOptions): RawRequest {
  const { headers, query } = request
  return {
    params: request.params,
    query,
    headers,
    body: request.body,
    message: request.raw,
    identify: (workspace) => identify(request, authenticate, workspace),
    untilGone: (work) => untilGone(request, work),
    countAgainst: (identity: Identity) => {
      const waitMs = rate.take(identity.actor)
      if (waitMs === undefined) return
      throw new ApiError('too_many_requests', 'this actor makes too many requests: wait as long as Retry-After says', {
        retryAfterSeconds: Math.ceil(waitMs / 1000),
      })
    },
    workFor: (identity, workspace) => {
      const { actor: principal, isAuthenticated } = identity
      const { socket } = request.raw
      const caller = { isGone: () => socket.destroyed, assertStands: () => identity.assertStands?.() }
      const owner = isAuthenticated ? principal : clientAddressOf(request.raw)
      const work = works.get(request) ?? callers.begin({ principal, workspace }, owner, caller)
      works.set(request, work)
      return work
    },
  }
}

async function untilGone<T>(
  { raw: { socket } }: FastifyRequest,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = new AbortController()
  const onClose = (): void => gone.abort()
  socket.once('close', onClose)
  if (socket.destroyed) gone.abort()
  try {
    return await work(gone.signal)
  } finally {
    socket.off('close', onClose)
  }
}

/** Picks the headers that say who calls, and copies no others: this runs for every request. */
function callerHeaders(headers: FastifyRequest['headers']): CallerHeaders {
  return {
    authorization: headers.authorization,
    'x-joinery-actor': joined(headers['x-joinery-actor']),
    'x-joinery-source': joined(headers['x-joinery-source']),
  }
}

function joined(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header
}

/** The token in the query. Only the schema of the event stream allows one: the other routes refuse the parameter. */
function tokenIn(query: unknown): string | undefined {
  const token = typeof query === 'object' && query !== null && 'token' in query ? query.token : undefined
  return typeof token === 'string' ? token : undefined
}

async function checkOrigin(
  request: FastifyRequest,
  reply: FastifyReply,
  { origins, isDevelopment }: HttpAppOptions,
): Promise<void> {
  const { origin } = request.headers
  if (!allowsOrigin(origin, origins)) {
    throw new ApiError(
      'forbidden_origin',
      `pages of ${origin} may not call this server: allow the origin in the server's options`,
    )
  }
  const { host } = request.headers
  const named = typeof origins === 'string' ? [] : origins
  if (isDevelopment && isForeignHost(host, request.raw.socket.localAddress, named)) {
    throw new ApiError(
      'forbidden_origin',
      `the host ${host} is not a name of this machine: use localhost, or allow the page's origin in the server's options`,
    )
  }
  if (origin === undefined) return
  const isPreflight = request.method === 'OPTIONS' && request.headers['access-control-request-method'] !== undefined
  reply.headers(
    corsHeaders(origin, isPreflight ? (request.headers['access-control-request-headers'] ?? '') : undefined),
  )
  if (isPreflight) await reply.code(204).send()
}

async function send(
  reply: FastifyReply,
  { status, headers = {}, body, stream }: Reply,
  work: RequestWork | undefined,
  inFlight: BytesInFlight,
): Promise<FastifyReply> {
  reply.headers(headers)
  if (stream !== undefined) {
    reply.hijack()
    const { raw } = reply
    raw.writeHead(status, {
      'content-type': 'text/event-stream',
      'x-accel-buffering': 'no',
      ...(reply.getHeaders() as Record<string, string>),
    })
    await stream(raw)
    return reply
  }
  reply.code(status)
  if (body === undefined) return reply.send()
  const encode = (): string => JSON.stringify(body)
  const text = work?.part(encode) ?? encode()
  if (text.length > COUNTED_CHARS) reply.raw.once('close', inFlight.take(work?.payer.principal ?? '', text.length))
  return reply.type('application/json').send(text)
}

function refuse(
  reply: FastifyReply,
  error: ApiError,
  { logger, refused }: Pick<HttpAppOptions, 'logger' | 'refused'>,
  { types } = JSON_TAKEN,
): FastifyReply {
  refused.set(error.code, (refused.get(error.code) ?? 0) + 1)
  // Errors above 500 say that something is unavailable for now. They come in large numbers meanwhile.
  if (error.status === 500) logger.error({ err: error.cause ?? error }, error.message)
  else if (error.status > 500) logger.warn({ code: error.code, err: error.cause }, error.message)
  if (reply.sent) return reply
  // An error of the framework comes before the hook that sets it for all others.
  reply.headers({ 'cache-control': CACHING, 'x-content-type-options': 'nosniff' })
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(error.retryAfterSeconds))
  if (error.code === 'unsupported_media_type') {
    reply.headers({ accept: types.join(', '), 'accept-encoding': 'identity' })
  }
  if (error.code === 'unauthorized') reply.header('www-authenticate', 'Bearer')
  return reply
    .code(error.status)
    .type('application/json')
    .send(JSON.stringify(errorBody(error)))
}

/** Translates an error of Fastify, which is about the form of the request. */
function fromFramework(error: unknown, updates?: Taken): ApiError {
  const { code, statusCode, message } = error as { code?: unknown; statusCode?: unknown; message?: string }
  if (typeof code !== 'string' || !(code.startsWith('FST_') || error instanceof SyntaxError || statusCode === 400)) {
    return toApiError(error)
  }
  if (statusCode === 413) {
    if (updates !== undefined) return tooLarge(updates.bytesMax)
    return new ApiError('too_large', 'the body is larger than this server takes: send it in parts')
  }
  if (statusCode === 415) {
    const what = updates === undefined ? 'JSON' : 'a Yjs V1 update'
    const type = (updates ?? JSON_TAKEN).types[0]
    return new ApiError('unsupported_media_type', `the body is not ${what}: send ${what} with Content-Type: ${type}`)
  }
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return new ApiError('malformed', 'the body is no JSON, or has a key "__proto__", which no reader can hold safely')
  }
  if (statusCode === 400 || statusCode === 404 || statusCode === 414) {
    return new ApiError('malformed', `the request can't be read: ${message}`)
  }
  return toApiError(error)
}

function answerNoRoute(
  { url, method }: FastifyRequest,
  reply: FastifyReply,
  methods: Methods,
  options: HttpAppOptions,
): FastifyReply {
  const allow = methods.at(url)
  if (allow === undefined) {
    const hint = NAMED_PATH.test(url) ? '; send a "/" in the name of a workspace or block as %2F' : ''
    return refuse(
      reply,
      new ApiError('not_found', `there is no such path: ${REFERENCE} lists all of them${hint}`),
      options,
    )
  }
  reply.header('allow', allow)
  if (method === 'OPTIONS') return reply.code(204).send()
  return refuse(reply, new ApiError('method_not_allowed', `this path takes only ${allow}`), options)
}

/** Whether a path answers HEAD as it answers GET. The answer of a stream of events to HEAD would never end. */
function hasHead({ method, answers }: Route): boolean {
  return method === 'GET' && answers[200]?.mediaType !== 'text/event-stream'
}
