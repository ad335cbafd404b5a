import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import {
  type EventStore,
  type KeepHistory,
  openMemoryStore,
  SNAPSHOT_POLICY_DEFAULT,
  type SnapshotPolicy,
} from '@joinery/log'
import pino, { type Logger } from 'pino'
import { AnnouncedIds } from '../content/announced-ids.ts'
import { ClientIdMemory } from '../content/client-id-memory.ts'
import { ColdCache } from '../content/cold-cache.ts'
import { DocumentMemory } from '../content/document-memory.ts'
import { type DocumentRules, openRules } from '../content/document-rules.ts'
import { LoadTurns } from '../content/load-turns.ts'
import { alwaysMine, type Ownership } from '../content/ownership.ts'
import { rehearse } from '../content/rehearsal.ts'
import { LoadTrials } from '../content/trials/load-trials.ts'
import { Trials } from '../content/trials/trials.ts'
import { Upkeep } from '../content/upkeep.ts'
import { Counters } from '../counters.ts'
import { type Authenticator, developmentAuthenticator } from '../identity.ts'
import { SystemLogs } from '../inside/system-logs.ts'
import { Workspaces } from '../inside/workspaces.ts'
import { Leases } from '../leases/leases.ts'
import { type Costs, Ledger } from '../ledger.ts'
import { SERVER_LIMITS, type ServerLimits } from '../limits.ts'
import { Quotas } from '../quotas.ts'
import type { Revocations } from '../revocations.ts'
import { Acknowledgements } from '../room/acknowledgements.ts'
import { Backlog } from '../room/backlog.ts'
import { KeyedTurns } from '../room/keyed-turns.ts'
import { KeyedUpdates } from '../room/keyed-updates.ts'
import { RecordListeners } from '../room/record-listeners.ts'
import { Rooms } from '../room/rooms.ts'
import { ServerError } from '../server-error.ts'
import { Turns } from '../turns.ts'
import { AddressCount } from './address-count.ts'
import { takeBelow } from './below-base.ts'
import { countedBodies } from './body-parts.ts'
import { Connections } from './connections.ts'
import { DrainedConnections } from './drained-connections.ts'
import { FairTurns } from './fair-turns.ts'
import { healthOf, type ServerLoad } from './health.ts'
import { Placed } from './placed.ts'
import type { Placement } from './placement.ts'
import { RefusedClients } from './refused-clients.ts'
import { broken, cutSmallParts } from './refused-request.ts'
import { assertOrigins, isLoopbackHost } from './request-origin.ts'
import { ownerOf } from './request-owner.ts'
import { Requests } from './requests.ts'
import { isWebSocketUpgrade } from './upgrade-request.ts'
import { Upgrades } from './upgrades.ts'

/** Time between two checks of heartbeats and idle rooms, ms: short enough for the smallest sensible heartbeat. */
const SWEEP_MS = 1_000
/**
 * Time for which an idle HTTP connection is kept, ms. Proxies and pools keep theirs for 60 s. The server keeps them
 * longer, so that it never closes one while a request is on its way.
 */
const KEEP_ALIVE_MS = 65_000
export interface ServerOptions {
  /**
   * Address to listen on; `127.0.0.1` by default. Addresses of other machines need an `authenticator`, or `insecure`.
   */
  readonly host?: string
  /** TCP port. The default, 0, takes a free port (see {@link Server.url}). */
  readonly port?: number
  /** The store of the workspaces; in memory by default. The caller closes it. */
  readonly store?: EventStore
  /** Decides which process writes a workspace; by default this process writes all. */
  readonly ownership?: Ownership
  /** Says which process serves a workspace's clients; by default this process serves all. */
  readonly placement?: Placement
  /** The meaning of documents; by default any Yjs document is allowed. */
  readonly rules?: DocumentRules
  /** Finds out the identity of a connection. By default the server is in development mode and accepts everyone. */
  readonly authenticator?: Authenticator
  /** Tokens that were taken back, the same as the authenticator's. A revocation ends connections at once. */
  readonly revocations?: Revocations
  /** Counts and bounds what each principal uses; by default nothing is counted. */
  readonly quotas?: Quotas
  /** The client ids that connections announce. One that keeps them lets a tab sign in as somebody else over a restart. */
  readonly announced?: AnnouncedIds
  /**
   * Allows other addresses than loopback in development mode. Everyone who reaches the port may then read and write
   * all.
   */
  readonly insecure?: boolean
  /**
   * Pages that may connect, as exact origins. By default any page with an authenticator, pages of this machine without
   * one.
   */
  readonly origins?: readonly string[]
  /** Path below which a proxy has the server, such as `/joinery`: requests and sockets below it are taken as without it. */
  readonly base?: string
  /** Answers the HTTP requests to other paths than `/healthz`. */
  readonly request?: (request: IncomingMessage, response: ServerResponse) => void
  /** Logger of the server; by default it logs nothing. */
  readonly logger?: Logger
  readonly limits?: Partial<ServerLimits>
  /** Policy that says when open rooms take snapshots. Rooms that close or cool take one by a rule of their own. */
  readonly snapshots?: Partial<SnapshotPolicy>
  /**
   * Amount of history that stays readable; all of it by default. Dropped records are covered by a snapshot that was
   * loaded.
   */
  readonly keepHistory?: KeepHistory
}

export interface Server {
  /**
   * Listens. Resolves when sockets are accepted. Rejects with `insecure_host`, or with Node's error (`EADDRINUSE`,
   * `EACCES`).
   */
  listen(): Promise<void>
  /** Accepts no more connections, lets clients finish, and makes everything received durable. Idempotent. */
  close(): Promise<void>
  /**
   * Passes an HTTP request on whose workspace another process of the cluster has taken since the request came. Resolves with false
   * if this process answers it, as a single machine always does. Call it when the caller is let in, before the body is read. Rejects
   * with a `ServerError`.
   */
  passOn(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  /** Reads and writes for programs in this process, through the same rooms as the sockets. */
  readonly workspaces: Workspaces
  /** Books what programs in this process do for their callers, and says which callers are over budget. */
  readonly costs: Costs
  /** Counts since the start. */
  readonly counters: Counters
  /** Workspaces that were found to take too much to load, and are not served, with the reason. */
  readonly costlyWorkspaces: ReadonlyMap<string, string>
  /** Present numbers of connections, rooms and waiting bytes. */
  load(): ServerLoad
  /** URL of the server while it listens, as `http://host:port` without a trailing slash. */
  readonly url: string
}

/** Makes a sync server for any Yjs documents, which speaks y-websocket's protocol. */
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
  readonly #systemLogs: SystemLogs
  readonly #ownership: Ownership
  readonly #base: string
  readonly #requests: Requests
  readonly #http: HttpServer
  readonly #drained: DrainedConnections
  readonly #addresses: AddressCount
  readonly #placed: Placed
  readonly #upgrades: Upgrades
  readonly #connections: Connections
  readonly #rooms: Rooms
  readonly #leases: Leases
  readonly #backlog: Backlog
  readonly #ledger: Ledger
  readonly #trials: Trials
  readonly #loadTrials: LoadTrials
  readonly #unsubscribe: () => void
  #sweeper: NodeJS.Timeout | undefined
  #closed: Promise<void> | undefined
  #hurriesFromMs: number | undefined

  constructor(options: ServerOptions) {
    this.#options = options
    this.#host = options.host ?? '127.0.0.1'
    assertOrigins(options.origins ?? [])
    const { counters } = this
    const limits = { ...SERVER_LIMITS, ...options.limits }
    const logger = options.logger ?? pino({ level: 'silent' })
    this.#limits = limits
    this.#logger = logger
    this.#store = options.store ?? openMemoryStore()
    this.#ownership = options.ownership ?? alwaysMine()
    this.#backlog = new Backlog(limits.backlogBytesMax, counters)
    this.#ledger = new Ledger({ limits, counters, logger })
    this.#trials = new Trials(limits)
    this.#loadTrials = new LoadTrials({ limits, counters, logger })
    const keyedTurns = new KeyedTurns()
    this.#leases = new Leases({ store: this.#store, limits, logger, counters })
    const rooms = this.#openRooms(keyedTurns)
    this.#rooms = rooms
    this.#systemLogs = new SystemLogs(this.#store)
    this.workspaces = new Workspaces(rooms, this.#store, keyedTurns, this.#systemLogs, this.#leases)
    const refused = new RefusedClients({ ...limits, delayMaxMs: limits.refusedDelayMaxMs })
    this.#base = options.base ?? ''
    this.#connections = new Connections({ rooms, limits, counters, logger, refused })
    this.#addresses = new AddressCount(limits.connectionsPerAddressMax)
    this.#placed = new Placed(options.placement, this.#addresses)
    const authenticate = options.authenticator ?? developmentAuthenticator()
    const turns = new FairTurns(limits.requestTurnMs, (request) => ownerOf(request, authenticate))
    this.#upgrades = new Upgrades({
      refused,
      placed: this.#placed,
      turns,
      addresses: this.#addresses,
      connections: this.#connections,
      ledger: this.#ledger,
      authenticate,
      origins: options.origins ?? (options.authenticator === undefined ? 'loopback' : 'any'),
      limits,
      counters,
      logger,
    })
    this.#requests = this.#answering(turns)
    this.#http = this.#listenTo(
      createHttpServer({
        keepAliveTimeout: KEEP_ALIVE_MS,
        headersTimeout: limits.headersMs,
        requestTimeout: limits.requestMs,
        connectionsCheckingInterval: Math.min(SWEEP_MS, limits.headersMs),
        // A request without it is refused like others, by an answer with a code.
        requireHostHeader: false,
        shouldUpgradeCallback: isWebSocketUpgrade,
        IncomingMessage: countedBodies(limits, cutSmallParts),
      }),
    )
    this.#drained = new DrainedConnections(this.#http)
    const unrevoked = options.revocations?.onRevoked((revocation) => this.#connections.revoke(revocation))
    const unsubscribe = this.#store.onStateChange((state) => {
      logger[state.state === 'failed' ? 'error' : 'info']({ store: state }, `storage is ${state.state}`)
      if (state.state !== 'closed') rooms.storageChanged()
    })
    this.#unsubscribe = () => {
      unsubscribe()
      unrevoked?.()
    }
  }

  get url(): string {
    const address = this.#http.address() as AddressInfo | null
    if (address === null) throw new Error('the server has no URL, since it is not listening: call listen() first')
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
    return `http://${host}:${address.port}`
  }

  get costlyWorkspaces(): ReadonlyMap<string, string> {
    return this.#loadTrials.costly
  }

  async listen(): Promise<void> {
    if (this.#options.authenticator === undefined && !this.#options.insecure && !isLoopbackHost(this.#host)) {
      throw new ServerError(
        'insecure_host',
        `without keys everyone who reaches ${this.#host} could read and write everything: configure keys, or set "insecure"`,
      )
    }
    await rehearse(this.#store, this.#ownership, this.#logger)
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject)
      this.#http.listen(this.#options.port ?? 0, this.#host, () => {
        this.#http.off('error', reject)
        resolve()
      })
    })
    this.#sweeper = setInterval(() => this.#sweep(performance.now()), Math.min(SWEEP_MS, this.#limits.heartbeatMs))
    this.#sweeper.unref()
  }

  get costs(): Costs {
    return this.#ledger
  }

  passOn(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    return this.#requests.passOn(request, response)
  }

  load(): ServerLoad {
    const { bytes: backlogBytes, heldCount: held } = this.#backlog
    const { size: connections, unfinishedBytes, unsentBytes } = this.#connections
    const { unadmittedCount: unadmitted } = this.#upgrades
    // A WebSocket is counted once, as a connection.
    const tcpConnections = this.#addresses.count + connections
    const { restingCount: resting } = this.#ledger
    const sockets = { connections, tcpConnections, unadmitted, unfinishedBytes, unsentBytes, held, resting }
    return { ...this.#rooms.count(), ...sockets, ...this.#leases.counts, backlogBytes }
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain()
    return this.#closed
  }

  #openRooms(turns: KeyedTurns): Rooms {
    const { snapshots, keepHistory = 'forever', rules = openRules } = this.#options
    const loadTurns = new LoadTurns(this.#limits, () => this.#ledger.isShared)
    return new Rooms({
      store: this.#store,
      ownership: this.#ownership,
      rules,
      limits: this.#limits,
      logger: this.#logger,
      acknowledgements: new Acknowledgements(),
      backlog: this.#backlog,
      keyed: new KeyedUpdates(turns, this.#limits, this.#leases),
      ledger: this.#ledger,
      quotas: this.#options.quotas ?? new Quotas(),
      listeners: new RecordListeners(this.#logger),
      counters: this.counters,
      clientIds: new ClientIdMemory(),
      announced: this.#options.announced ?? new AnnouncedIds(),
      cache: new ColdCache(this.#limits.coldBytesMax, loadTurns),
      loads: new Turns(this.#limits.loadsMax),
      trials: this.#trials,
      loadTrials: this.#loadTrials,
      memory: new DocumentMemory(this.#limits.documentBytesMax),
      loadTurns,
      upkeep: new Upkeep(),
      snapshots: { ...SNAPSHOT_POLICY_DEFAULT, ...snapshots },
      keepHistory,
      isInHurry: () => this.#hurriesFromMs !== undefined && performance.now() > this.#hurriesFromMs,
    })
  }

  async #drain(): Promise<void> {
    this.#hurriesFromMs = performance.now() + this.#limits.drainMs
    this.#upgrades.close()
    const stopped = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#drained.drain()
    this.#connections.drain()
    const deadline = setTimeout(() => {
      this.#connections.terminate()
      this.#upgrades.terminate()
      this.#http.closeAllConnections()
    }, this.#limits.drainMs)
    await stopped
    clearTimeout(deadline)
    clearInterval(this.#sweeper)
    await this.#rooms.close()
    await this.#leases.close()
    await Promise.all([this.#trials.close(), this.#loadTrials.close()])
    await this.#systemLogs.close()
    this.#unsubscribe()
  }

  #answering(turns: FairTurns): Requests {
    const { authenticator, origins = [], request: answer } = this.#options
    return new Requests({
      limits: this.#limits,
      counters: this.counters,
      logger: this.#logger,
      addresses: this.#addresses,
      placed: this.#placed,
      turns,
      ownOrigins: authenticator === undefined ? origins : undefined,
      health: () => healthOf(this.#store.state, this.load()),
      answer,
    })
  }

  #listenTo(http: HttpServer): HttpServer {
    http.on('connection', (socket) => this.#onConnection(socket))
    http.on('clientError', (error, socket) => broken(error, socket, this.#limits.drainMs))
    takeBelow(http, this.#base)
    this.#requests.listenTo(http)
    http.on('upgrade', (request, socket, head) => this.#upgrades.take(request, socket, head))
    return http
  }

  /** Counts a TCP connection. One beyond the limit of its address has a moment to be told so. */
  #onConnection(socket: Socket): void {
    const excess = this.#addresses.add(socket)
    if (excess === 0) return
    // Another process of the cluster may pass on clients of many addresses, and is counted by theirs once it says so.
    if (excess > this.#limits.connectionsPerAddressMax && !this.#placed.isUsed) {
      this.counters.refuseConnection('too_many_connections')
      socket.destroy()
      return
    }
    const timer = setTimeout(() => {
      if (this.#addresses.isExcess(socket)) socket.destroy()
    }, this.#limits.drainMs)
    timer.unref()
    socket.once('close', () => clearTimeout(timer))
  }

  #sweep(nowMs: number): void {
    this.#connections.beat(nowMs)
    this.#rooms.sweep(nowMs)
    this.#leases.sweep()
  }
}
