import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { WebSocketServer } from 'ws'
import { closeReason } from '../close-reason.ts'
import type { Counters } from '../counters.ts'
import { type Authenticator, type Identity, IdentityError, type IdentityErrorCode } from '../identity.ts'
import type { Ledger } from '../ledger.ts'
import type { ServerLimits } from '../limits.ts'
import { REFUSALS, ServerError, type ServerErrorCode } from '../server-error.ts'
import type { AddressCount } from './address-count.ts'
import { Admission } from './admission.ts'
import { type Connections, clientOf } from './connections.ts'
import { discard } from './discard.ts'
import type { FairTurns } from './fair-turns.ts'
import type { Placed } from './placed.ts'
import { clientAddressOf, type Route } from './placement.ts'
import type { RefusedClients } from './refused-clients.ts'
import { allowsOrigin, type Origins } from './request-origin.ts'
import { toOriginForm } from './request-target.ts'
import { WireSocket } from './socket-wire.ts'
import { parseUpgradeUrl, type UpgradeRequest, wantsJoinery } from './upgrade-request.ts'

/**
 * Bytes of a long message's parts, at least: Chromium splits a message into 128 KiB, other clients and proxies into 16
 * KiB.
 */
const FRAGMENT_BYTES_MIN = 16 * 1024
/**
 * Bytes of a long frame that TCP delivers at once, at least: a packet has 1,220 on the smallest network that IPv6
 * allows.
 */
const CHUNK_BYTES_MIN = 1_024
/** Bytes of a frame beside the update that it holds. */
const FRAME_BYTES_MAX = 64 * 1024
/** Characters of a refused request's path in the log, at most: more than any workspace's name has. */
const LOGGED_PATH_MAX = 600

const CODE_OF_IDENTITY: Record<IdentityErrorCode, ServerErrorCode> = {
  unauthorized: 'unauthorized',
  forbidden: 'forbidden',
  keys_unavailable: 'load_failed',
  misconfigured: 'load_failed',
}

const uncork = (socket: Duplex): void => socket.uncork()

interface UpgradesContext {
  readonly refused: RefusedClients
  readonly connections: Connections
  readonly addresses: AddressCount
  readonly authenticate: Authenticator
  readonly origins: Origins
  readonly limits: ServerLimits
  readonly counters: Counters
  readonly logger: Logger
  readonly ledger: Ledger
  readonly placed: Placed
  readonly turns: FairTurns
}

/** An upgrade that is to be answered. */
interface Asking {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly admission: Admission
  /** Whether too many waited when it came. */
  readonly isCrowded: boolean
  readonly onError: () => void
  readonly onClose: () => void
}

/** Time that a connection costs beside its join, ms, about: the check of its token and the socket. */
const CONNECT_COST_MS = 0.5

/** Decides on each HTTP upgrade, and makes a connection of each one that it grants. */
export class Upgrades {
  readonly #context: UpgradesContext
  /** Makes WebSockets of the sockets of connections that may write, of those that may only read, and of refused ones. */
  readonly #writers: WebSocketServer
  readonly #readers: WebSocketServer
  readonly #refused: WebSocketServer
  /**
   * Sockets without a connection: their client is being authenticated, or was refused. The HTTP server no longer knows
   * them, and waits for their end when it closes.
   */
  readonly #unsettled = new Set<Duplex>()
  readonly #closing = new AbortController()

  constructor(context: UpgradesContext) {
    this.#context = context
    const { syncBytesMax, updateBytesMax, readerFrameBytesMax, unadmittedBytesMax, closeMs } = context.limits
    const writerBytesMax = Math.max(syncBytesMax, updateBytesMax) + FRAME_BYTES_MAX
    this.#writers = socketsOf(writerBytesMax, closeMs)
    this.#readers = socketsOf(Math.min(writerBytesMax, readerFrameBytesMax + FRAME_BYTES_MAX), closeMs)
    this.#refused = socketsOf(unadmittedBytesMax, closeMs)
  }

  /** Number of sockets that are not connections. */
  get unadmittedCount(): number {
    return this.#unsettled.size
  }

  /** Refuses every upgrade from now on. */
  close(): void {
    this.#closing.abort()
  }

  /** Destroys the sockets that are not connections, after {@link close}. */
  terminate(): void {
    for (const socket of this.#unsettled) socket.destroy()
  }

  /** Answers one upgrade when its owner has a turn. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = (): void => void socket.destroy()
    const onClose = (): void => void this.#unsettled.delete(socket)
    socket.on('error', onError)
    socket.on('close', onClose)
    this.#unsettled.add(socket)
    const { limits, turns } = this.#context
    const isCrowded = this.#unsettled.size > limits.unadmittedMax
    toOriginForm(request)
    // `ws` takes this protocol alone. A client may offer others beside it.
    request.headers.upgrade = 'websocket'
    const admission = new Admission(socket, head, limits)
    turns.take(request, () => {
      if (!socket.destroyed) void this.#decide({ request, socket, admission, isCrowded, onError, onClose })
    })
  }

  /** Answers one upgrade. Never rejects. */
  async #decide({ request, socket, admission, isCrowded, onError, onClose }: Asking): Promise<void> {
    const url = request.url ?? '/'
    try {
      if (isCrowded) throw crowded(this.#context.limits.unadmittedMax)
      admission.assertQuiet()
      this.#context.placed.receive(request)
      const from = clientAddressOf(request)
      const asked = this.#admit(request, url)
      const { placed } = this.#context
      const forget = (): void => {
        socket.off('error', onError)
        socket.off('close', onClose)
        this.#unsettled.delete(socket)
      }
      const find = (): Promise<Route | undefined> => placed.routeTo(asked.workspace, request)
      if (placed.isUsed && (await this.#passOn(find(), request, socket, admission))) return forget()
      const identity = await admission.within(identify(asked, this.#context.authenticate))
      const payer = { principal: identity.actor, workspace: asked.workspace }
      await this.#delay(asked, identity, from, socket)
      const settle = (): Promise<Route | undefined> => placed.settle(asked.workspace, request)
      if (placed.isUsed && (await this.#passOn(settle(), request, socket, admission))) return forget()
      admission.assertQuiet()
      if (socket.destroyed) return
      assertStands(identity)
      this.#assertPlace(request.socket, identity)
      const sinceMs = performance.now()
      const early = admission.end()
      socket.off('error', onError)
      // The answer to the upgrade and the room's greeting go out in one system call. A loaded room, and the room of a
      // new workspace, greet before Node's next tick.
      socket.cork()
      process.nextTick(uncork, socket)
      const sockets = identity.access === 'write' ? this.#writers : this.#readers
      sockets.handleUpgrade(request, socket, early, (ws) => {
        socket.off('close', onClose)
        this.#unsettled.delete(socket)
        this.#context.addresses.release(request.socket)
        this.#context.connections.take(ws as WireSocket, socket, { asked, identity, from })
      })
      if (identity.isAuthenticated) this.#context.ledger.book(payer, sinceMs - CONNECT_COST_MS)
      // `ws` has refused a malformed handshake.
      if (this.#unsettled.has(socket)) this.#destroySoon(socket)
    } catch (error) {
      const refusal =
        error instanceof ServerError
          ? error
          : new ServerError('load_failed', 'the server failed: connect again later', { cause: error })
      this.#noteRefusal(refusal, url, clientAddressOf(request))
      this.#destroySoon(socket)
      const early = admission.end()
      // A client that sends before it is answered speaks no WebSocket, and what it sends must not be read as frames.
      if (!wantsJoinery(url) || isCrowded || !admission.isQuiet) return refuseUpgrade(socket, refusal, isCrowded)
      // Browsers hide the status of a refused upgrade. So a client that knows Joinery's close codes gets the reason by
      // one.
      socket.off('error', onError)
      this.#refused.handleUpgrade(request, socket, early, (ws) => {
        ws.on('error', () => undefined)
        ws.close(REFUSALS[refusal.code].close, closeReason(`${refusal.code}: ${refusal.message}`))
        // All that comes now is read and discarded, and the first of it ends this side: the answer to the close, as a rule.
        socket.removeAllListeners('data')
        socket.once('data', () => socket.end())
        discard(socket)
      })
    }
  }

  /** Passes an upgrade on by the way that is found. Resolves with false if this process serves it. */
  async #passOn(
    finding: Promise<Route | undefined>,
    request: IncomingMessage,
    socket: Duplex,
    admission: Admission,
  ): Promise<boolean> {
    let isLate = true
    try {
      const route = await admission.within(finding, 'the process that serves this workspace')
      isLate = false
      if (route === undefined) return false
      if (this.#closing.signal.aborted || socket.destroyed || !admission.isQuiet) route.close()
      if (this.#closing.signal.aborted) throw restarting()
      admission.assertQuiet()
      if (!socket.destroyed) route.upgrade(request, socket, admission.end())
      return true
    } finally {
      // A way that is found too late is used by nobody.
      if (isLate) void finding.then((route) => route?.close()).catch(() => undefined)
    }
  }

  /** Destroys the socket of a refused client that does not close it: no timeout of the HTTP server covers it. */
  #destroySoon(socket: Duplex): void {
    const timer = setTimeout(() => socket.destroy(), this.#context.limits.drainMs)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }

  /**
   * Lets an upgrade wait whose principal owes for its share of the server's time, and that of a stock client which was refused too
   * often, until the time is up or the client gives up.
   */
  async #delay(
    { workspace, wantsJoinery }: UpgradeRequest,
    identity: Identity,
    from: string,
    socket: Duplex,
  ): Promise<void> {
    const { refused, ledger, limits } = this.#context
    const refusedMs = wantsJoinery ? 0 : refused.delayMs(clientOf({ from, workspace, identity }), performance.now())
    const owedMs = identity.isAuthenticated ? ledger.restOf({ principal: identity.actor, workspace }) : 0
    const delayMs = Math.min(Math.max(refusedMs, owedMs), limits.refusedDelayMaxMs)
    if (delayMs === 0) return
    const ended = new AbortController()
    const onClose = (): void => ended.abort()
    socket.once('close', onClose)
    const signal = AbortSignal.any([ended.signal, this.#closing.signal])
    // Rejects when it is aborted, and nothing else.
    await delay(delayMs, undefined, { signal, ref: false }).catch(() => undefined)
    socket.off('close', onClose)
  }

  /** Counts and logs a refusal, with the path alone: the query holds the token. */
  #noteRefusal({ code, message: reason, cause }: ServerError, url: string, from: string | undefined): void {
    this.#context.counters.refuseConnection(code)
    this.#context.logger.info({ path: loggedPath(url), from, code, reason, err: cause }, 'connection refused')
  }

  #admit(request: IncomingMessage, url: string): UpgradeRequest {
    this.#assertPlace(request.socket)
    const { origin } = request.headers
    if (!allowsOrigin(origin, this.#context.origins)) {
      throw new ServerError(
        'forbidden_origin',
        `pages of ${origin} may not connect: allow the origin in the server's options`,
      )
    }
    return parseUpgradeUrl(url)
  }

  /**
   * Throws if the server takes no more connections, at all or from this address. Checked again after the authentication,
   * which takes time, then also for the principal.
   */
  #assertPlace(socket: object, identity?: Identity): void {
    const { connections, limits, addresses } = this.#context
    const { connectionsMax, connectionsPerPrincipalMax } = limits
    if (this.#closing.signal.aborted) throw restarting()
    if (addresses.isExcess(socket)) throw tooManyOf('your address', addresses.max)
    if (identity !== undefined && connections.countOf(identity.actor) >= connectionsPerPrincipalMax) {
      throw tooManyOf('your token’s actor', connectionsPerPrincipalMax)
    }
    if (connections.size >= connectionsMax) throw tooManyOf('this server', connectionsMax)
  }
}

/** A `ws` server for sockets whose messages have at most so many bytes. */
function socketsOf(maxPayload: number, closeTimeout: number): WebSocketServer {
  const options = {
    WebSocket: WireSocket,
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    // The wire answers pings: `ws` would queue a pong for each, also for a client that does not read.
    autoPong: false,
    maxPayload,
    closeTimeout,
    // `ws` keeps each part and chunk in memory, some 200 bytes beside its content. A lower bound would refuse
    // messages that the bound on bytes promises to take.
    maxFragments: Math.ceil(maxPayload / FRAGMENT_BYTES_MIN),
    maxBufferedChunks: Math.ceil(maxPayload / CHUNK_BYTES_MIN),
  }
  // A variable, since the types of `ws` lack `closeTimeout`.
  const sockets = new WebSocketServer(options)
  // Without a listener, `ws` answers a malformed handshake itself, in HTML.
  sockets.on('wsClientError', ({ message }, socket) => {
    refuseUpgrade(socket, new ServerError('bad_frame', `the WebSocket handshake is malformed: ${message}`), false)
  })
  return sockets
}

/** The part of a URL that the log may hold: the query holds the token. */
export function loggedPath(url: string): string {
  return (url.split('?', 1)[0] ?? '').slice(0, LOGGED_PATH_MAX)
}

/** The refusal for a connection beyond a limit. `whose` is the subject that has no connection left. */
export function tooManyOf(whose: string, max: number): ServerError {
  return new ServerError(
    'too_many_connections',
    `${whose} has no connection left, at most ${max} are allowed: connect again later`,
  )
}

function crowded(unadmittedMax: number): ServerError {
  return new ServerError(
    'too_many_connections',
    `${unadmittedMax} connections wait to be let in, which is the most: connect again later`,
  )
}

function restarting(): ServerError {
  return new ServerError('restart', 'the server goes down for a restart: connect again')
}

/** Authenticates a request. Rejects with a `ServerError` that says what to do. */
export async function identify(request: UpgradeRequest, authenticate: Authenticator): Promise<Identity> {
  try {
    return await authenticate(request)
  } catch (cause) {
    throw refusalOfIdentity(cause)
  }
}

/** Throws `unauthorized` when the token has ended while its upgrade waited. */
function assertStands(identity: Identity): void {
  try {
    identity.assertStands?.()
  } catch (cause) {
    throw refusalOfIdentity(cause)
  }
}

function refusalOfIdentity(cause: unknown): unknown {
  if (!(cause instanceof IdentityError)) return cause
  return new ServerError(CODE_OF_IDENTITY[cause.code], cause.message, { cause })
}

/**
 * Refuses an upgrade with an HTTP error: a client that knows no close codes sees the status. Where many sockets wait, this one
 * is destroyed as soon as the answer is on its way.
 */
function refuseUpgrade(socket: Duplex, error: ServerError, isCrowded: boolean): void {
  const { status } = REFUSALS[error.code]
  const body = JSON.stringify({ error: { code: error.code, message: error.message } })
  discard(socket)
  if (isCrowded) socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n` +
      `X-Content-Type-Options: nosniff\r\nSec-WebSocket-Version: 13\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}
