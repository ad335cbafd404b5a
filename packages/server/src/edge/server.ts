import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type EventStore,
  type KeepHistory,
  openMemoryStore,
  SNAPSHOT_POLICY_DEFAULT,
  type SnapshotPolicy,
} from '@joinery/log'
import pino, { type Logger } from 'pino'
import { type WebSocket, WebSocketServer } from 'ws'
import { closeReason } from '../close-reason.ts'
import { ClientIdMemory } from '../content/client-id-memory.ts'
import { ColdCache } from '../content/cold-cache.ts'
import { type DocumentRules, openRules } from '../content/document-rules.ts'
import { rehearse } from '../content/rehearsal.ts'
import { Upkeep } from '../content/upkeep.ts'
import { Counters } from '../counters.ts'
import { type Authenticator, developmentAuthenticator, type Identity } from '../identity.ts'
import { Workspaces } from '../inside/workspaces.ts'
import { SERVER_LIMITS, type ServerLimits } from '../limits.ts'
import { Acknowledgements } from '../room/acknowledgements.ts'
import { Backlog } from '../room/backlog.ts'
import { Connection } from '../room/connection.ts'
import { KeyedTurns } from '../room/keyed-turns.ts'
import { KeyedUpdates } from '../room/keyed-updates.ts'
import { Rooms } from '../room/rooms.ts'
import { REFUSALS, ServerError } from '../server-error.ts'
import { Turns } from '../turns.ts'
import { healthOf, type ServerLoad } from './health.ts'
import {
  allowsOrigin,
  identify,
  isLoopbackHost,
  parseUpgradeUrl,
  refuseUpgrade,
  type UpgradeRequest,
  wantsJoinery,
} from './upgrade.ts'

/** How often heartbeats and idle rooms are looked at, ms: fine enough for the smallest sensible heartbeat. */
const SWEEP_MS = 1_000
/** Parts a message may come in: the clients of this wire send whole messages, and `ws` keeps each part in memory. */
const FRAGMENTS_MAX = 64
const BUFFERED_CHUNKS_MAX = 4_096
/** Proxies and pools keep idle HTTP connections for 60 s: who keeps them longer never closes one that a request is on its way on. */
const KEEP_ALIVE_MS = 65_000
/** Characters of a refused request's path in the log: more than any workspace's name. */
const LOGGED_PATH_MAX = 600

export interface ServerOptions {
  /** Address to listen on; `127.0.0.1` by default. Others need an `authenticator`, or `insecure`. */
  readonly host?: string
  /** TCP port; 0, the default, takes a free one (see {@link Server.url}). */
  readonly port?: number
  /** Where workspaces are kept; in memory by default. Stays the caller's to close. */
  readonly store?: EventStore
  /** What a document means; any Yjs document by default. */
  readonly rules?: DocumentRules
  /** Who a connection is; by default development mode: everyone is let in. */
  readonly authenticator?: Authenticator
  /** Listen beyond loopback in development mode: whoever reaches the port may read and write everything. */
  readonly insecure?: boolean
  /** Pages that may connect, as exact origins. By default any with an authenticator, those of this machine without. */
  readonly origins?: readonly string[]
  /** Answers HTTP requests other than `/healthz`. */
  readonly request?: (request: IncomingMessage, response: ServerResponse) => void
  /** Silent by default. */
  readonly logger?: Logger
  readonly limits?: Partial<ServerLimits>
  /** When rooms take snapshots, besides when they go to rest. */
  readonly snapshots?: Partial<SnapshotPolicy>
  /** How much history stays readable; all of it by default. What goes stands in a snapshot that was read back and loaded. */
  readonly keepHistory?: KeepHistory
}

export interface Server {
  /** Resolves when sockets are taken. Rejects with `insecure_host`, or Node's error (`EADDRINUSE`, `EACCES`). */
  listen(): Promise<void>
  /** Takes no more connections, lets clients finish, makes everything received durable. Idempotent. */
  close(): Promise<void>
  /** Reads and writes for programs in this process, through the same rooms as the sockets. */
  readonly workspaces: Workspaces
  /** What happened since the start. */
  readonly counters: Counters
  /** What is open now. */
  load(): ServerLoad
  /** `http://host:port` without a trailing slash, once listening. */
  readonly url: string
}

/** A sync server for any Yjs documents, speaking y-websocket's protocol. */
export function createServer(options: ServerOptions = {}): Server {
  return new SyncServer(options)
}

class SyncServer implements Server {
  readonly workspaces: Workspaces
  readonly counters = new Counters()
  readonly #options: ServerOptions
  readonly #host: string
  readonly #limits: ServerLimits
  readonly #logger: Logger
  readonly #store: EventStore
  readonly #authenticate: Authenticator
  readonly #origins: readonly string[] | 'any' | 'loopback'
  readonly #http: HttpServer
  readonly #sockets: WebSocketServer
  readonly #rooms: Rooms
  readonly #backlog: Backlog
  readonly #connections = new Set<Connection>()
  readonly #unsubscribe: () => void
  #sweeper: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined
  #connectionCount = 0
  #hurriesFromMs: number | undefined
  /** One for all: a closure each is memory that ten thousand idle connections have no use for. */
  readonly #onClosed = (closed: Connection): void => {
    this.#backlog.forget(closed)
    if (!this.#connections.delete(closed)) return
    this.counters.connectionsClosed++
    // A restart ends everybody.
    if (closed.endedFor === undefined || this.#closed !== undefined) return
    const about = { workspace: closed.room?.workspace, connection: closed.id, actor: closed.identity.actor }
    this.#logger.info({ ...about, reason: closed.endedFor }, 'connection ended')
  }
  /** Told apart in the log from connections of an earlier start of the same server. */
  readonly #startId = Date.now().toString(36)

  constructor(options: ServerOptions) {
    this.#options = options
    this.#host = options.host ?? '127.0.0.1'
    this.#limits = { ...SERVER_LIMITS, ...options.limits }
    this.#logger = options.logger ?? pino({ level: 'silent' })
    this.#store = options.store ?? openMemoryStore()
    this.#authenticate = options.authenticator ?? developmentAuthenticator()
    this.#origins = options.origins ?? (options.authenticator === undefined ? 'loopback' : 'any')
    const turns = new KeyedTurns()
    this.#backlog = new Backlog(this.#limits.backlogBytesMax, this.counters)
    this.#rooms = new Rooms({
      store: this.#store,
      rules: options.rules ?? openRules,
      limits: this.#limits,
      logger: this.#logger,
      acknowledgements: new Acknowledgements(),
      backlog: this.#backlog,
      keyed: new KeyedUpdates(turns, this.#store, this.#limits),
      counters: this.counters,
      relaysUntilMs: Date.now() + this.#limits.relayWaitMs,
      clientIds: new ClientIdMemory(),
      cache: new ColdCache(this.#limits.coldBytesMax),
      loads: new Turns(this.#limits.loadsMax),
      upkeep: new Upkeep(),
      snapshots: { ...SNAPSHOT_POLICY_DEFAULT, ...options.snapshots },
      keepHistory: options.keepHistory ?? 'forever',
      isInHurry: () => this.#hurriesFromMs !== undefined && Date.now() > this.#hurriesFromMs,
    })
    this.workspaces = new Workspaces(this.#rooms, this.#store, turns)
    this.#http = createHttpServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) =>
      this.#onRequest(request, response),
    )
    this.#http.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head))
    this.#sockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      clientTracking: false,
      maxPayload: this.#limits.syncBytesMax + this.#limits.updateBytesMax,
      maxFragments: FRAGMENTS_MAX,
      maxBufferedChunks: BUFFERED_CHUNKS_MAX,
    })
    this.#unsubscribe = this.#store.onStateChange((state) => {
      this.#logger[state.state === 'failed' ? 'error' : 'info']({ store: state }, `storage is ${state.state}`)
      if (state.state !== 'closed') this.#rooms.storageChanged()
    })
  }

  get url(): string {
    const address = this.#http.address() as AddressInfo | null
    if (address === null) throw new Error('the server is not listening')
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return `http://${host}:${address.port}`
  }

  async listen(): Promise<void> {
    if (this.#options.authenticator === undefined && !this.#options.insecure && !isLoopbackHost(this.#host)) {
      throw new ServerError(
        'insecure_host',
        `without keys everyone who reaches ${this.#host} could read and write everything: configure keys, or insist with "insecure"`,
      )
    }
    await rehearse(this.#store, this.#logger)
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen(this.#options.port ?? 0, this.#host, () => {
        this.#http.off('error', reject)
        resolve()
      })
    })
    this.#sweeper = setInterval(() => this.#sweep(Date.now()), Math.min(SWEEP_MS, this.#limits.heartbeatMs))
    this.#sweeper.unref()
  }

  load(): ServerLoad {
    const { bytes: backlogBytes, heldCount: held } = this.#backlog
    return { ...this.#rooms.count(), connections: this.#connections.size, held, backlogBytes }
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  async #drain(): Promise<void> {
    this.#hurriesFromMs = Date.now() + this.#limits.drainMs
    const stopped = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#http.closeIdleConnections()
    // A client's edits that are on their way come in before its close frame does.
    for (const connection of this.#connections)
      connection.close(REFUSALS.restart.close, 'restart: the server goes down for a restart')
    const deadline = setTimeout(() => {
      for (const connection of this.#connections) connection.terminate('it did not say goodbye')
      this.#http.closeAllConnections()
    }, this.#limits.drainMs)
    await stopped
    clearTimeout(deadline)
    clearInterval(this.#sweeper)
    await this.#rooms.close()
    this.#unsubscribe()
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    if (request.url === '/healthz') return this.#onHealth(response)
    if (this.#options.request !== undefined) return this.#options.request(request, response)
    response.writeHead(404, { 'content-type': 'text/plain' }).end('not found\n')
  }

  #onHealth(response: ServerResponse): void {
    const { status, body } = healthOf(this.#store.state, this.load())
    response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const onError = (): void => void socket.destroy()
    socket.on('error', onError)
    const url = request.url ?? '/'
    try {
      const asked = this.#admit(request, url)
      const identity = await identify(asked, this.#authenticate)
      socket.off('error', onError)
      // The answer to the upgrade and the room's greeting, if it is open, in one system call.
      socket.cork()
      this.#sockets.handleUpgrade(request, socket, head, (ws) => this.#onConnection(ws, socket, asked, identity))
      socket.uncork()
    } catch (error) {
      const refusal =
        error instanceof ServerError
          ? error
          : new ServerError('load_failed', 'the server failed; try later', { cause: error })
      this.#noteRefusal(refusal, url, request.socket.remoteAddress)
      if (!wantsJoinery(url)) return refuseUpgrade(request, socket, refusal)
      // Browsers hide the status of a refused upgrade: who knows Joinery's close codes gets the reason by one.
      socket.off('error', onError)
      this.#sockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('error', () => undefined)
        ws.close(REFUSALS[refusal.code].close, closeReason(`${refusal.code}: ${refusal.message}`))
      })
    }
  }

  /** The path alone: what follows it holds the token. */
  #noteRefusal({ code, message: reason, cause }: ServerError, url: string, from: string | undefined): void {
    this.counters.refuseConnection(code)
    const path = url.split('?', 1)[0]?.slice(0, LOGGED_PATH_MAX)
    this.#logger.info({ path, from, code, reason, err: cause }, 'connection refused')
  }

  #admit(request: IncomingMessage, url: string): UpgradeRequest {
    if (this.#closed !== undefined) throw new ServerError('restart', 'the server goes down for a restart')
    if (this.#connections.size >= this.#limits.connectionsMax) {
      throw new ServerError(
        'too_many_connections',
        `this server takes ${this.#limits.connectionsMax} connections: try later`,
      )
    }
    if (!allowsOrigin(request.headers.origin, this.#origins)) {
      throw new ServerError(
        'forbidden_origin',
        `pages of ${request.headers.origin} may not connect: allow the origin in the server's options`,
      )
    }
    return parseUpgradeUrl(url)
  }

  #onConnection(ws: WebSocket, socket: Duplex, asked: UpgradeRequest, identity: Identity): void {
    const connection = new Connection({
      id: `${this.#startId}-${(this.#connectionCount++).toString(36)}`,
      ws,
      socket,
      identity,
      wantsJoinery: asked.wantsJoinery,
      generation: asked.generation,
      limits: this.#limits,
      onClosed: this.#onClosed,
      nowMs: Date.now(),
    })
    this.#connections.add(connection)
    this.counters.connectionsOpened++
    this.#rooms.join(asked.workspace, connection)
  }

  #sweep(nowMs: number): void {
    for (const connection of this.#connections) connection.beat(nowMs)
    this.#rooms.sweep(nowMs)
  }
}
