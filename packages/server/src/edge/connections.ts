import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import type { Counters } from '../counters.ts'
import type { Identity } from '../identity.ts'
import type { ServerLimits } from '../limits.ts'
import type { Rooms } from '../room/rooms.ts'
import { REFUSALS } from '../server-error.ts'
import { SocketWire } from './socket-wire.ts'
import type { UpgradeRequest } from './upgrade-request.ts'

interface ConnectionsContext {
  readonly rooms: Rooms
  readonly limits: ServerLimits
  readonly counters: Counters
  readonly logger: Logger
}

/** The sockets of a server, from their upgrade to their close. */
export class Connections {
  readonly #context: ConnectionsContext
  readonly #open = new Set<SocketWire>()
  /** Tells the ids of this start from those of an earlier start of the same server in the log. */
  readonly #startId = Date.now().toString(36)
  #count = 0
  #isDraining = false

  constructor(context: ConnectionsContext) {
    this.#context = context
  }

  get size(): number {
    return this.#open.size
  }

  /** Takes a socket whose upgrade was granted, and lets it join its room. */
  take(ws: WebSocket, socket: Duplex, asked: UpgradeRequest, identity: Identity): void {
    const { rooms, limits, counters } = this.#context
    const wire = new SocketWire({
      workspace: asked.workspace,
      id: `${this.#startId}-${(this.#count++).toString(36)}`,
      ws,
      socket,
      identity,
      wantsJoinery: asked.wantsJoinery,
      limits,
      onClosed: this.#onClosed,
      nowMs: Date.now(),
    })
    this.#open.add(wire)
    counters.connectionsOpened++
    wire.reader = rooms.join(asked.workspace, wire, asked.generation)
  }

  /** Called about once a second. */
  beat(nowMs: number): void {
    for (const wire of this.#open) wire.beat(nowMs)
  }

  /** Begins to close every connection. A client's edits that are on their way come in before its close frame does. */
  drain(): void {
    this.#isDraining = true
    for (const wire of this.#open) wire.close(REFUSALS.restart.close, 'restart: the server goes down for a restart')
  }

  /** Destroys the connections that {@link drain} did not bring to an end. */
  terminate(): void {
    for (const wire of this.#open) wire.terminate('the client did not answer the close')
  }

  /** One function for all: a closure each is memory that ten thousand idle connections have no use for. */
  readonly #onClosed = (closed: SocketWire): void => {
    const { counters, logger } = this.#context
    if (!this.#open.delete(closed)) return
    counters.connectionsClosed++
    // A restart ends everybody.
    if (closed.endedFor === undefined || this.#isDraining) return
    const about = { workspace: closed.workspace, connection: closed.id, actor: closed.identity.actor }
    logger.info({ ...about, reason: closed.endedFor }, 'connection ended')
  }
}
