import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Counters } from '../counters.ts'
import type { ServerLimits } from '../limits.ts'
import { ServerError } from '../server-error.ts'
import type { AddressCount } from './address-count.ts'
import { continueWhenRead } from './awaited-body.ts'
import type { FairTurns } from './fair-turns.ts'
import type { Placed } from './placed.ts'
import { clientAddressOf, type Route } from './placement.ts'
import { refuseRequest } from './refused-request.ts'
import { isForeignHost } from './request-origin.ts'
import { toOriginForm } from './request-target.ts'
import { RequestTurns } from './request-turns.ts'
import { hasLostUpgrade } from './upgrade-request.ts'
import { loggedPath, tooManyOf } from './upgrades.ts'

const LOST_UPGRADE =
  'a WebSocket handshake arrived without "Upgrade: websocket" over HTTP/1.1: let the proxy pass on Upgrade and Connection'

export interface RequestsContext {
  readonly limits: ServerLimits
  readonly counters: Counters
  readonly logger: Logger
  readonly addresses: AddressCount
  readonly placed: Placed
  readonly turns: FairTurns
  /** Origins whose hosts a request may name in development mode; undefined with keys, where it may name any. */
  readonly ownOrigins: readonly string[] | undefined
  readonly health: () => { readonly status: number; readonly body: unknown }
  /** Answers all requests that are not the server's own. */
  readonly answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
}

/** Answers the requests that are no upgrades. */
export class Requests {
  readonly #context: RequestsContext
  readonly #turns: RequestTurns

  constructor(context: RequestsContext) {
    this.#context = context
    const { limits, turns } = context
    this.#turns = new RequestTurns(limits, turns, {
      answer: (request, response) => this.#answer(request, response),
      refuse: (request, response) => this.#refuse(tooManyRequests(limits), request, response),
    })
  }

  listenTo(http: HttpServer): void {
    http.on('request', (request, response) => this.#turns.take(request, response))
    http.on('checkExpectation', (_request, response) => this.#answerExpectation(response))
    http.on('checkContinue', (request, response) => {
      continueWhenRead(request, response)
      this.#turns.take(request, response)
    })
  }

  #answerExpectation(response: ServerResponse): void {
    const message = 'the server knows no other "Expect" than 100-continue: leave the header out'
    response
      .writeHead(417, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', connection: 'close' })
      .end(`${JSON.stringify({ error: { code: 'bad_frame', message } })}\n`)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { limits, placed } = this.#context
    toOriginForm(request)
    // Set here and not for the whole server: a WebSocket would keep the timer's object for as long as it is open.
    response.setTimeout(limits.stallMs)
    response.setHeader('x-content-type-options', 'nosniff')
    const refusal = this.#refusalOf(request)
    if (refusal !== undefined) return this.#refuse(refusal, request, response)
    if (hasLostUpgrade(request)) return this.#answerLostUpgrade(request, response)
    if (request.url === '/healthz') return this.#answerHealth(response)
    const workspace = placed.workspaceOf(request)
    if (workspace !== undefined) return void this.#place(workspace, request, response)
    this.#serve(request, response)
  }

  /**
   * Passes a request on whose workspace another process has taken since the request came. Resolves with false if this process
   * answers it. Call it when the caller is let in, before the body is read. Rejects with a `ServerError`.
   */
  async passOn(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const { placed } = this.#context
    const workspace = placed.workspaceOf(request)
    const route = workspace && (await placed.settle(workspace, request))
    if (route === undefined) return false
    if (response.destroyed) route.close()
    else this.#passBy(route, request, response)
    return true
  }

  #passBy(route: Route, request: IncomingMessage, response: ServerResponse): void {
    // The other process sets the headers.
    response.removeHeader('x-content-type-options')
    route.request(request, response)
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { answer } = this.#context
    if (answer !== undefined) return answer(request, response)
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
  }

  /** Has a request answered by the process that serves its workspace. */
  async #place(workspace: WorkspaceId, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const route = await this.#context.placed.routeTo(workspace, request)
      if (route === undefined) return this.#serve(request, response)
      if (response.destroyed) return route.close()
      this.#passBy(route, request, response)
    } catch (error) {
      if (response.destroyed) return
      const refusal =
        error instanceof ServerError
          ? error
          : new ServerError('load_failed', 'the server failed: try again later', { cause: error })
      this.#refuse(refusal, request, response)
    }
  }

  /** The reason for which a request is answered by nobody else; undefined for other requests. */
  #refusalOf(request: IncomingMessage): ServerError | undefined {
    const { headers, socket, httpVersion } = request
    if (headers.host === undefined && httpVersion === '1.1') {
      return new ServerError('bad_frame', 'the request has no header Host, which HTTP/1.1 requires')
    }
    const { addresses, ownOrigins, placed } = this.#context
    try {
      placed.receive(request)
    } catch (error) {
      if (error instanceof ServerError) return error
      throw error
    }
    if (addresses.isExcess(socket)) return tooManyOf('your address', addresses.max)
    if (ownOrigins === undefined || !isForeignHost(headers.host, socket.localAddress, ownOrigins)) return undefined
    return new ServerError(
      'forbidden_origin',
      `the host ${headers.host} is not a name of this machine: use localhost, or allow the page's origin in the server's options`,
    )
  }

  #refuse(refusal: ServerError, request: IncomingMessage, response: ServerResponse): void {
    const { counters, logger } = this.#context
    const { code, message: reason } = refusal
    counters.refuseConnection(code)
    const from = clientAddressOf(request)
    logger.info({ path: loggedPath(request.url ?? '/'), from, code, reason }, 'request refused')
    response.setHeader('x-content-type-options', 'nosniff')
    refuseRequest(response, refusal)
  }

  #answerLostUpgrade(request: IncomingMessage, response: ServerResponse): void {
    const path = loggedPath(request.url ?? '/')
    this.#context.logger.warn({ path, from: clientAddressOf(request), reason: LOST_UPGRADE }, 'connection refused')
    response
      .writeHead(426, { upgrade: 'websocket', connection: 'upgrade, close', 'content-type': 'text/plain' })
      .end(`${LOST_UPGRADE}\n`)
  }

  #answerHealth(response: ServerResponse): void {
    const { status, body } = this.#context.health()
    response
      .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      .end(`${JSON.stringify(body)}\n`)
  }
}

function tooManyRequests({ requestsWaitingMax, requestsAheadMax }: ServerLimits): ServerError {
  return new ServerError(
    'too_many_requests',
    `${requestsWaitingMax} requests of this connection, or ${requestsAheadMax} that your address has sent ahead, have no answer yet: send the next after an answer`,
  )
}
