import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ServerLimits } from '../limits.ts'
import type { FairTurns } from './fair-turns.ts'
import { skipRest } from './skipped-input.ts'

interface Waiting {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Begins to answer the request, or refuses it. */
  readonly begin: () => void
}

/** The requests of one connection that have no answer: the first is next, or is being answered. */
interface Unanswered {
  readonly socket: Socket
  readonly address: string
  readonly waiting: Waiting[]
  isAnswering: boolean
  /** True once it has sent too many: the last that waits is refused, and ends the connection. */
  isOver: boolean
}

/** Begins a request, or refuses one that finds too many before it. */
export interface RequestHandlers {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void
  readonly refuse: (request: IncomingMessage, response: ServerResponse) => void
}

type Limits = Pick<ServerLimits, 'requestsWaitingMax' | 'requestsAheadMax'>

/**
 * Has requests answered one at a time of each connection, each in a turn of its owner. Node parses all requests that a packet holds,
 * hundreds of them, and begins them in one turn.
 */
export class RequestTurns {
  readonly #limits: Limits
  readonly #turns: FairTurns
  readonly #handlers: RequestHandlers
  readonly #connections = new WeakMap<Socket, Unanswered>()
  /** Number of requests that wait behind others of their connections, by address. */
  readonly #ahead = new Map<string, number>()

  constructor(limits: Limits, turns: FairTurns, handlers: RequestHandlers) {
    this.#limits = limits
    this.#turns = turns
    this.#handlers = handlers
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#connectionOf(request.socket)
    if (connection.isOver) return
    const { waiting, address } = connection
    const { requestsWaitingMax, requestsAheadMax } = this.#limits
    const isAhead = waiting.length > 0
    connection.isOver =
      waiting.length >= requestsWaitingMax || (isAhead && (this.#ahead.get(address) ?? 0) >= requestsAheadMax)
    if (connection.isOver) skipRest(request.socket)
    const { answer, refuse } = this.#handlers
    const handle = connection.isOver ? refuse : answer
    waiting.push({ request, response, begin: () => handle(request, response) })
    if (isAhead) this.#countAhead(address, 1)
    if (!connection.isAnswering) this.#takeTurn(connection, request)
  }

  #connectionOf(socket: Socket): Unanswered {
    const known = this.#connections.get(socket)
    if (known !== undefined) return known
    const address = socket.remoteAddress ?? ''
    const connection: Unanswered = { socket, address, waiting: [], isAnswering: false, isOver: false }
    this.#connections.set(socket, connection)
    return connection
  }

  #countAhead(address: string, more: number): void {
    const count = (this.#ahead.get(address) ?? 0) + more
    if (count === 0) this.#ahead.delete(address)
    else this.#ahead.set(address, count)
  }

  #takeTurn(connection: Unanswered, request: IncomingMessage): void {
    connection.isAnswering = true
    this.#turns.take(request, () => this.#begin(connection))
  }

  #begin(connection: Unanswered): void {
    const { socket, address, waiting } = connection
    // A connection that is gone gets no answers.
    if (socket.destroyed) this.#countAhead(address, 1 - waiting.splice(0).length)
    const [next] = waiting
    if (next === undefined) {
      connection.isAnswering = false
      return
    }
    next.response.once('close', () => {
      waiting.shift()
      const [after] = waiting
      if (after === undefined) {
        connection.isAnswering = false
        return
      }
      this.#countAhead(address, -1)
      this.#takeTurn(connection, after.request)
    })
    next.begin()
  }
}
