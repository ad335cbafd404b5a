import { timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { AppError } from '../app-error.mts'
import { EMBED_LIMITS, EmbedError, embedAnswer, parseEmbedRequest } from './embed-request.mts'
import { DIMENSIONS, MODEL } from './model-packages.mts'
import { ModelQueue, QueueError } from './model-queue.mts'

/** Connections at once: each may hold a body. */
const CONNECTIONS_MAX = 64
/** Time for a whole request to arrive, ms. */
const ARRIVE_MS = 30_000
/** Time for vectors to be computed, waiting included, ms. */
const ANSWER_MS = 60_000
/** Time for requests to end when the server goes down, ms. */
const DRAIN_MS = 5_000

export interface EmbedServerOptions {
  /** Folder that has the packages of the model. */
  readonly folder: string
  readonly host: string
  readonly port: number
  /** Requests for vectors must have it as their bearer token; undefined lets all in. */
  readonly key: string | undefined
  /** Told one line about what an operator has to know. */
  readonly log: (line: string) => void
}

/** A server of `POST /v1/embeddings` from the model of a package. */
export interface EmbedServer {
  readonly url: string
  /** Ends what is open and refuses the rest. Resolves when the port and the thread are gone. */
  close(): Promise<void>
}

interface Place {
  readonly queue: ModelQueue
  readonly key: string | undefined
  readonly metrics: ReturnType<typeof createMetrics>
}

/** Starts the server. Resolves when the model is loaded. Rejects with {@link AppError} `start` if the port or the model can't be had. */
export async function startEmbedServer({ folder, host, port, key, log }: EmbedServerOptions): Promise<EmbedServer> {
  const queue = new ModelQueue(folder, DIMENSIONS, (error) => {
    log(`the model has ended and is loaded again: ${error instanceof Error ? error.message : String(error)}`)
  })
  try {
    await queue.whenReady
  } catch (cause) {
    await queue.close()
    throw new AppError('start', `the model can't be loaded: ${(cause as Error).message}`, { cause })
  }
  const place: Place = { queue, key, metrics: createMetrics(queue) }
  const server = createServer(
    { requestTimeout: ARRIVE_MS, headersTimeout: 10_000, keepAliveTimeout: 5_000 },
    (request, response) => {
      handle(request, response, place).catch((error: unknown) =>
        log(`a request could not be answered: ${String(error)}`),
      )
    },
  )
  server.maxConnections = CONNECTIONS_MAX
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (cause) {
    await queue.close()
    throw new AppError('start', `${host}:${port} can't be listened on: ${(cause as Error).message}`, { cause })
  }
  const { address, port: bound, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    close: () => closeAll(server, queue),
  }
}

async function closeAll(server: Server, queue: ModelQueue): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeIdleConnections()
  const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  await closed
  clearTimeout(timer)
  await queue.close()
}

async function handle(request: IncomingMessage, response: ServerResponse, place: Place): Promise<void> {
  const stop = place.metrics.seconds.startTimer()
  const path = (request.url ?? '/').split('?', 1)[0]
  try {
    if (path === '/v1/embeddings') await answerVectors(request, response, place)
    else if (request.method !== 'GET') throw new EmbedError(405, 'method_not_allowed', 'this path takes only GET')
    else if (path === '/healthz') send(response, 200, { status: 'ok' })
    else if (path === '/readyz') {
      const { isReady } = place.queue
      send(response, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not_ready', model: MODEL })
    } else if (path === '/v1/models') {
      send(response, 200, { object: 'list', data: [{ id: MODEL, object: 'model', created: 0, owned_by: 'joinery' }] })
    } else if (path === '/metrics') {
      response.writeHead(200, { 'content-type': place.metrics.registry.contentType })
      response.end(await place.metrics.registry.metrics())
    } else
      throw new EmbedError(404, 'not_found', 'there are /v1/embeddings, /v1/models, /healthz, /readyz and /metrics')
  } catch (error) {
    sendError(response, error)
  } finally {
    if (path === '/v1/embeddings') {
      place.metrics.requests.inc({ status: response.statusCode })
      stop()
    }
    // A body that was not read would be taken for the next request.
    if (!request.complete) request.destroy()
  }
}

async function answerVectors(request: IncomingMessage, response: ServerResponse, place: Place): Promise<void> {
  const { queue, key, metrics } = place
  if (request.method !== 'POST') throw new EmbedError(405, 'method_not_allowed', 'this path takes only POST')
  if (key !== undefined && !isBearer(request.headers.authorization, key))
    throw new EmbedError(401, 'invalid_api_key', 'send the key of JOINERY_EMBED_KEY as bearer token')
  // A page of another site can send any text, but no JSON.
  if (!/^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? ''))
    throw new EmbedError(415, 'unsupported_media_type', 'send JSON, with Content-Type: application/json')
  if (request.headers['content-encoding'] !== undefined)
    throw new EmbedError(415, 'unsupported_media_type', 'send the body without a Content-Encoding')
  const { texts, encoding } = parseEmbedRequest(await readBody(request))
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the caller has gone')))
  const signal = AbortSignal.any([gone.signal, AbortSignal.timeout(ANSWER_MS)])
  const { vectors, tokens } = await queue.embed(texts, signal)
  metrics.texts.inc(texts.length)
  send(response, 200, embedAnswer(vectors, tokens, encoding))
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength
    if (bytes > EMBED_LIMITS.bodyBytesMax) {
      throw new EmbedError(413, 'too_large', `a request may have ${EMBED_LIMITS.bodyBytesMax} bytes: split it`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function isBearer(header: string | undefined, key: string): boolean {
  const [given, wanted] = [Buffer.from(header ?? ''), Buffer.from(`Bearer ${key}`)]
  return given.length === wanted.length && timingSafeEqual(given, wanted)
}

function sendError(response: ServerResponse, error: unknown): void {
  const { status, code, message, param, retryAfterSeconds } = toEmbedError(error)
  if (response.headersSent || response.destroyed) return
  if (retryAfterSeconds !== undefined) response.setHeader('retry-after', retryAfterSeconds)
  const type = status === 429 ? 'rate_limit_error' : status >= 500 ? 'server_error' : 'invalid_request_error'
  send(response, status, { error: { message, type, param, code } })
}

function toEmbedError(error: unknown): EmbedError {
  if (error instanceof EmbedError) return error
  if (error instanceof QueueError) {
    if (error.code === 'busy') return new EmbedError(429, 'busy', error.message, null, 2)
    if (error.code === 'unavailable') return new EmbedError(503, 'unavailable', error.message, null, 2)
    return new EmbedError(400, 'invalid_request', error.message, 'input')
  }
  if (error instanceof Error && error.name === 'TimeoutError')
    return new EmbedError(503, 'unavailable', `there were no vectors within ${ANSWER_MS} ms`, null, 5)
  return new EmbedError(500, 'internal', error instanceof Error ? error.message : String(error))
}

function send(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  })
  response.end(text)
}

function createMetrics(queue: ModelQueue) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const waiting: Gauge = new Gauge({
    name: 'joinery_embed_texts_waiting',
    help: 'Texts that wait or are computed',
    registers,
    collect: () => {
      waiting.set(queue.size)
    },
  })
  return {
    registry,
    requests: new Counter({
      name: 'joinery_embed_requests_total',
      help: 'Requests for vectors, by the status of the answer',
      labelNames: ['status'],
      registers,
    }),
    texts: new Counter({ name: 'joinery_embed_texts_total', help: 'Texts whose vectors were answered', registers }),
    seconds: new Histogram({
      name: 'joinery_embed_request_seconds',
      help: 'Time of requests for vectors, waiting included',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
  }
}
