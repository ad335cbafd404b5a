import type { Duplex } from 'node:stream'
import { CLOSE, isFinalCloseCode } from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Counters } from '../counters.ts'
import type { Identity } from '../identity.ts'
import type { ServerLimits } from '../limits.ts'
import type { Revocation } from '../revocations.ts'
import type { Rooms } from '../room/rooms.ts'
import { REFUSALS } from '../server-error.ts'
import type { RefusedClients } from './refused-clients.ts'
import { SocketWire, type WireEdge, type WireSocket } from './socket-wire.ts'
import { UnfinishedFrames } from './unfinished-frames.ts'
import { UnsentBytes } from './unsent-bytes.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

/** An upgrade that was granted. `from` is the remote address. */
interface Granted {
  readonly asked: UpgradeRequest
  readonly identity: Identity
  readonly from: string
}

/** All that tells one stock client from another. */
export function clientOf({ from, workspace, identity }: Pick<SocketWire, 'from' | 'workspace' | 'identity'>): string {
  return `${from} ${workspace} ${identity.actor}`
}

interface ConnectionsContext {
  readonly refused: RefusedClients
  readonly rooms: Rooms
  readonly limits: ServerLimits
  readonly counters: Counters
  readonly logger: Logger
}

/** The connections of a server, from the upgrade to the close. */
export class Connections {
  readonly #context: ConnectionsContext
  readonly #open = new Set<SocketWire>()
  /** Number of open connections of each principal. Empty while there is no limit to them. */
  readonly #byPrincipal = new Map<string, number>()
  readonly #edge: WireEdge
  /** Part of each connection's id that differs at each start of the server: ids in the log are then unique. */
  readonly #startId = Date.now().toString(36)
  #count = 0
  #isDraining = false

  constructor(context: ConnectionsContext) {
    this.#context = context
    const { limits } = context
    this.#edge = {
      limits,
      messageMs: 1_000 / limits.messagesPerSecond,
      readAtMs: 0,
      unfinished: new UnfinishedFrames(limits),
      unsent: new UnsentBytes(limits.unsentBytesMax),
      onClosed: (wire) => this.#onClosed(wire),
    }
  }

  /** Bytes of frames that have not arrived completely. */
  get unfinishedBytes(): number {
    return this.#edge.unfinished.bytes
  }

  /** Bytes that wait to be sent. A message that waits for many connections counts once. */
  get unsentBytes(): number {
    return this.#edge.unsent.bytes
  }

  /** Number of open connections of a principal, the actor of a token. Counted only if there is a limit. */
  countOf(actor: string): number {
    return this.#byPrincipal.get(actor) ?? 0
  }

  get size(): number {
    return this.#open.size
  }

  /** Takes a socket whose upgrade was granted, and joins its workspace's room. */
  take(ws: WireSocket, socket: Duplex, { asked, identity, from }: Granted): void {
    const { rooms, counters } = this.#context
    const wire = new SocketWire({
      workspace: asked.workspace,
      from,
      id: `${this.#startId}-${(this.#count++).toString(36)}`,
      ws,
      socket,
      identity,
      wantsJoinery: asked.wantsJoinery,
      clientId: asked.clientId,
      edge: this.#edge,
      nowMs: performance.now(),
    })
    this.#open.add(wire)
    this.#countPrincipal(identity.actor, 1)
    counters.connectionsOpened++
    wire.reader = rooms.join(asked.workspace, wire, asked.generation)
  }

  /** Does the heartbeat of every connection. Called about once a second. */
  beat(nowMs: number): void {
    for (const wire of this.#open) wire.beat(nowMs)
  }

  /** Ends the connections of an actor whose token was taken back; in development mode all of that actor. Returns their number. */
  revoke({ actor, sinceMs }: Revocation): number {
    let ended = 0
    for (const wire of this.#open) {
      const { isAuthenticated, issuedAtMs } = wire.identity
      if (wire.identity.actor !== actor || !wire.isOpen) continue
      if (isAuthenticated && issuedAtMs !== undefined && issuedAtMs >= sinceMs) continue
      wire.end(CLOSE.unauthorized, 'unauthorized: the token was revoked: get a new one')
      ended++
    }
    this.#context.counters.revoked += ended
    return ended
  }

  /** Begins to close every connection. Edits that are on their way still arrive, before the client's close frame. */
  drain(): void {
    this.#isDraining = true
    for (const wire of this.#open) wire.close(REFUSALS.restart.close, 'restart: the server restarts: connect again')
  }

  /** Destroys the connections that are still open after {@link drain}. */
  terminate(): void {
    for (const wire of this.#open) wire.terminate('the client did not answer the close')
  }

  #onClosed(closed: SocketWire): void {
    const { counters, logger, refused } = this.#context
    if (!this.#open.delete(closed)) return
    counters.connectionsClosed++
    this.#countPrincipal(closed.identity.actor, -1)
    const code = closed.endedWith ?? 0
    if (!closed.wantsJoinery && (isFinalCloseCode(code) || code === CLOSE.refusedForNow || code === CLOSE.tooCostly))
      refused.note(clientOf(closed), performance.now())
    // A restart ends every connection, which is no news for the log.
    if (closed.endedFor === undefined || this.#isDraining) return
    const about = { workspace: closed.workspace, connection: closed.id, actor: closed.identity.actor }
    logger.info({ ...about, reason: closed.endedFor }, 'connection ended')
  }

  #countPrincipal(actor: string, change: 1 | -1): void {
    if (this.#context.limits.connectionsPerPrincipalMax === Number.POSITIVE_INFINITY) return
    const count = this.countOf(actor) + change
    if (count === 0) this.#byPrincipal.delete(actor)
    else this.#byPrincipal.set(actor, count)
  }
}
