import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { clientAddressOf, type Hold, moved, type Placement, type Route, ServerError } from '@joinery/server'
import type { ClusterOwnership, Owner } from '../nodes/cluster-ownership.ts'
import type { Nodes } from '../nodes/nodes.ts'
import { askNode, type NodeAnswer, type NodeQuestion } from './ask-node.ts'
import { HOP_HEADER, hopHeader, readHop } from './hop.ts'
import { OwnerWatch } from './owner-watch.ts'
import { passRequest } from './pass-request.ts'
import { passedHeaders, upgradeHead } from './passed-head.ts'
import { Pipe } from './pipe.ts'

const LOOPBACK = '127.0.0.1'
const HEADER = HOP_HEADER.toLowerCase()
/** Time for a connection to another node, ms: it is near, or gone. */
const CONNECT_MS = 1_000
/** Time that a node which gives its workspaces away has for one of them, ms. */
const GIVEN_AWAY_MS = 5_000
/** Time for which a workspace is kept that was taken for a client: its room claims it itself before, ms. */
const TAKEN_MS = 5_000
/** Other nodes may be faster to take a workspace, and give it away again: the client hears `moved` after so many. */
const SETTLES_MAX = 3
/** Sockets and requests that one node passes on at once: as many as it takes itself. */
const PASSED_MAX = 50_000

export interface GatewayOptions {
  readonly nodes: Nodes
  readonly ownership: ClusterOwnership
  /** The cluster's secret. */
  readonly secret: string
  /** The workspace that an HTTP request is for; undefined if every node answers it. */
  readonly workspaceOf: (request: IncomingMessage) => WorkspaceId | undefined
  readonly clock?: SteadyClock
  /** Sockets and requests that are passed on at once, at most. */
  readonly passedMax?: number
}

/** Numbers of what was passed on to other nodes. */
export interface GatewayCounts {
  readonly openPipes: number
  readonly pipes: number
  readonly requests: number
  readonly bytes: number
  /** Pipes that this node has cut, since their workspace has another owner or theirs did not answer. */
  readonly cuts: number
}

/** Where a socket or request goes: to this node, or as it is to the node that owns its workspace. */
export class Gateway implements Placement {
  readonly workspaceOf: (request: IncomingMessage) => WorkspaceId | undefined
  readonly #nodes: Nodes
  readonly #ownership: ClusterOwnership
  readonly #secret: string
  readonly #clock: SteadyClock
  readonly #passedMax: number
  readonly #watch: OwnerWatch
  /** Pipes and passed requests by workspace. */
  readonly #passed = new Map<string, Set<Passed>>()
  /** Ends of the claims of workspaces that were taken for a client. */
  readonly #taken = new Map<string, () => Promise<void>>()
  readonly #counts = { pipes: 0, requests: 0, bytes: 0, cuts: 0 }
  readonly #stop: () => void
  #open = 0
  #isClosed = false

  constructor(options: GatewayOptions) {
    const { nodes, ownership, secret, workspaceOf, clock = systemSteadyClock, passedMax = PASSED_MAX } = options
    this.workspaceOf = workspaceOf
    this.#nodes = nodes
    this.#ownership = ownership
    this.#secret = secret
    this.#clock = clock
    this.#passedMax = passedMax
    this.#watch = new OwnerWatch(nodes, (session) => this.#leave(session), clock)
    this.#stop = ownership.onChange((workspace, owner) => this.#ownerChanged(workspace, owner))
  }

  get counts(): GatewayCounts {
    let { bytes } = this.#counts
    let openPipes = 0
    for (const all of this.#passed.values()) {
      for (const passed of all) {
        bytes += passed.bytes()
        openPipes++
      }
    }
    return { ...this.#counts, bytes, openPipes }
  }

  clientOf(request: IncomingMessage): string | undefined {
    const header = request.headers[HEADER]
    if (header === undefined) return undefined
    const { method = '', url: target = '' } = request
    const hop = readHop(this.#secret, String(header), { method, target })
    // An earlier run of this node was meant. The other node hears of this one soon.
    if (hop !== undefined && hop.session !== this.#nodes.self.session) throw moved()
    if (hop !== undefined) return hop.client
    throw new ServerError('forbidden', `only nodes of this cluster send ${HOP_HEADER}: leave the header out`)
  }

  /** Whether another node makes this request for its client. */
  isPassed(request: IncomingMessage): boolean {
    return request.headers[HEADER] !== undefined
  }

  /**
   * Asks another node in the name of a client: with the headers of `caller`, its request here, so that the other node knows and counts it by
   * itself. Without a caller the node asks for itself. Rejects with the error of the connection, and with the signal's reason.
   */
  ask({ address, session }: Owner, caller: IncomingMessage | undefined, question: NodeQuestion): Promise<NodeAnswer> {
    const { method, target } = question
    const client = caller === undefined ? LOOPBACK : clientAddressOf(caller)
    const hop = hopHeader(this.#secret, { client, session, method, target })
    const headers = caller === undefined ? ['Host', 'localhost', HOP_HEADER, hop] : passedHeaders(caller, client, hop)
    return askNode(address, headers, question)
  }

  async routeTo(workspace: WorkspaceId, request: IncomingMessage): Promise<Route | undefined> {
    const isPassed = this.isPassed(request)
    for (;;) {
      const owner = (await this.#ownerOf(workspace)) ?? this.#successor(workspace)
      if (owner === undefined || owner.session === this.#nodes.self.session) return undefined
      if (this.#nodes.isGone(owner.session)) return undefined
      if (!this.#isListed(owner) && !(await this.#watch.serves(owner))) {
        this.#nodes.noteGone(owner.session)
        return undefined
      }
      if (isPassed || this.#isClosed) throw moved()
      if (this.#open >= this.#passedMax) {
        const message = `this node passes ${this.#passedMax} connections on, which is the most: connect again later`
        throw new ServerError('too_many_connections', message)
      }
      const socket = await connectTo(owner.address)
      if (socket !== undefined) return this.#routeTo(workspace, owner, socket)
      // Nobody listens there. The claim of the workspace finds out whether its owner has died.
      if (!this.#isDraining(owner)) return undefined
      if (!(await this.#isGivenAway(workspace, owner))) return undefined
    }
  }

  async settle(workspace: WorkspaceId, request: IncomingMessage): Promise<Route | undefined> {
    const { self, trouble } = this.#nodes
    if (this.#ownership.ownerOf(workspace)?.session === self.session || this.#taken.has(workspace)) return undefined
    if (this.#isClosed || self.isDraining || trouble !== undefined) return undefined
    for (let tries = 0; tries < SETTLES_MAX; tries++) {
      const claim = await this.#ownership.claim(workspace).catch(() => undefined)
      // The room hears of it, too, and says why.
      if (claim === undefined) return undefined
      if ('held' in claim) return this.#keep(workspace, claim.held)
      const route = await this.routeTo(workspace, request)
      if (route !== undefined) return route
    }
    throw moved()
  }

  /** Lets workspaces go that were taken for clients, so that other nodes may have them. */
  async letGo(): Promise<void> {
    await Promise.all([...this.#taken.values()].map((end) => end()))
  }

  /** Ends all pipes and passed requests, passes nothing more on, and watches nothing more. Idempotent. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stop()
    this.#watch.close()
    void this.letGo()
    for (const all of [...this.#passed.values()]) for (const passed of [...all]) passed.cut()
  }

  /** Keeps a workspace until its room has claimed it. */
  #keep(workspace: WorkspaceId, hold: Hold): undefined {
    // Another client of it came at the same time: one claim is enough.
    if (this.#taken.has(workspace)) return void hold.release().catch(() => undefined)
    const end = async (): Promise<void> => {
      cancel()
      if (this.#taken.get(workspace) === end) this.#taken.delete(workspace)
      // A key that can't be deleted names this node, which then claims it again or gives it away.
      await hold.release().catch(() => undefined)
    }
    const cancel = this.#clock.after(TAKEN_MS, () => void end())
    this.#taken.set(workspace, end)
  }

  /** The engine is asked where this node has heard of no owner: the news may be on its way. */
  async #ownerOf(workspace: WorkspaceId): Promise<Owner | undefined> {
    const known = this.#ownership.ownerOf(workspace)
    // An engine that does not answer would only hold the client up.
    if (known !== undefined || this.#nodes.trouble !== undefined) return known
    return await this.#ownership.askForOwner(workspace)
  }

  /** The node that a workspace of nobody goes to while this one gives its own away; undefined for this one. */
  #successor(workspace: WorkspaceId): Owner | undefined {
    const { self } = this.#nodes
    if (!self.isDraining) return undefined
    const others = this.#nodes.list().filter(({ node, isDraining }) => node !== self.node && !isDraining)
    return others[workspace.length % others.length]
  }

  /** False if this run of the owner's node has ended, or is about to be heard of: nobody may serve its workspaces. */
  #isListed({ node, session }: Owner): boolean {
    return this.#nodes.list().some((each) => each.node === node && each.session === session)
  }

  #isDraining({ node, session }: Owner): boolean {
    return this.#nodes.list().some((each) => each.node === node && each.session === session && each.isDraining)
  }

  /** Resolves with true when the workspace has left this owner, and with false if that takes too long. */
  #isGivenAway(workspace: WorkspaceId, owner: Owner): Promise<boolean> {
    const hasLeft = (): boolean => this.#ownership.ownerOf(workspace)?.session !== owner.session
    if (hasLeft()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const settle = (isGiven: boolean): void => {
        stop()
        cancel()
        resolve(isGiven)
      }
      const stop = this.#ownership.onChange(() => hasLeft() && settle(true))
      const cancel = this.#clock.after(GIVEN_AWAY_MS, () => settle(false))
    })
  }

  #routeTo(workspace: string, owner: Owner, socket: Socket): Route {
    return {
      upgrade: (request, client, head) => this.#passUpgrade(workspace, owner, socket, { request, client, head }),
      request: (request, response) => this.#passRequest(workspace, owner, socket, { request, response }),
      close: () => socket.destroy(),
    }
  }

  #passUpgrade(
    workspace: string,
    owner: Owner,
    socket: Socket,
    { request, client, head }: { request: IncomingMessage; client: Duplex; head: Buffer },
  ): void {
    const begin = upgradeHead(request, this.#headersFor(request, owner))
    const onClosed = (): void => {
      forget()
      this.#doubt(owner, socket)
    }
    const pipe = new Pipe(client, socket, Buffer.concat([Buffer.from(begin), head]), onClosed)
    const forget = this.#remember(workspace, owner, {
      session: owner.session,
      bytes: () => pipe.bytes,
      cut: () => pipe.cut(),
    })
    this.#counts.pipes++
  }

  #passRequest(
    workspace: string,
    owner: Owner,
    socket: Socket,
    { request, response }: { request: IncomingMessage; response: ServerResponse },
  ): void {
    const bytes = (): number => socket.bytesRead + socket.bytesWritten
    const cut = (): void => void socket.destroy()
    const forget = this.#remember(workspace, owner, { session: owner.session, bytes, cut })
    socket.once('close', () => {
      forget()
      this.#doubt(owner, socket)
    })
    this.#counts.requests++
    passRequest(request, response, { owner: socket, headers: this.#headersFor(request, owner) })
  }

  #doubt(owner: Owner, { bytesRead }: Socket): void {
    if (bytesRead === 0 && !this.#isClosed) void this.#watch.doubt(owner)
  }

  #headersFor(request: IncomingMessage, { session }: Owner): string[] {
    const client = clientAddressOf(request)
    const { method = '', url: target = '' } = request
    return passedHeaders(request, client, hopHeader(this.#secret, { client, session, method, target }))
  }

  /** Keeps what is passed on until the returned function is called. */
  #remember(workspace: string, owner: Owner, passed: Passed): () => void {
    const all = this.#passed.get(workspace) ?? new Set()
    this.#passed.set(workspace, all.add(passed))
    this.#open++
    const unwatch = this.#watch.watch(owner)
    return () => {
      if (!all.delete(passed)) return
      this.#open--
      this.#counts.bytes += passed.bytes()
      unwatch()
      if (all.size === 0 && this.#passed.get(workspace) === all) this.#passed.delete(workspace)
    }
  }

  /** Cuts what goes to an owner that was one. Without an owner the old one still answers: it closes its sockets itself. */
  #ownerChanged(workspace: string, owner: Owner | undefined): void {
    if (owner === undefined) return
    this.#cut(this.#passed.get(workspace) ?? [], ({ session }) => session !== owner.session)
  }

  #leave(session: string): void {
    this.#nodes.noteGone(session)
    for (const all of [...this.#passed.values()]) this.#cut(all, (passed) => passed.session === session)
  }

  #cut(all: Iterable<Passed>, isMeant: (passed: Passed) => boolean): void {
    for (const passed of [...all].filter(isMeant)) {
      this.#counts.cuts++
      passed.cut()
    }
  }
}

interface Passed {
  /** Run of the node that it is passed to. */
  readonly session: string
  readonly bytes: () => number
  readonly cut: () => void
}

/** Resolves with a connection to `host:port`, or with undefined if nobody takes it. */
function connectTo(address: string): Promise<Socket | undefined> {
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  const socket = connect({ host, port: Number(address.slice(colon + 1)), noDelay: true, allowHalfOpen: true })
  return new Promise((resolve) => {
    const timer = setTimeout(() => fail(), CONNECT_MS)
    const fail = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(undefined)
    }
    socket.on('error', fail)
    socket.once('connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      // Its user adds a listener in the turn in which it gets it.
      socket.once('error', () => socket.destroy())
      resolve(socket)
    })
  })
}
