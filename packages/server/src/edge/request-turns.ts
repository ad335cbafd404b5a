import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ServerLimits } from '../limits.ts'

/** Requests beyond the limit of a connection that are ignored, before it is destroyed. */
const IGNORED_MAX = 100

interface Waiting {
  readonly response: ServerResponse
  /** Begins to answer the request, or refuses it. */
  readonly begin: () => void
}

/** The requests of one connection that have no answer. */
interface Unanswered {
  readonly socket: Socket
  readonly waiting: Waiting[]
  isAnswering: boolean
  ignored: number
}

/** Begins a request, and refuses one that finds too many of its connection waiting. */
export interface RequestHandlers {
  readonly answer: (request: IncomingMessage, response: ServerResponse) => void
  readonly refuse: (request: IncomingMessage, response: ServerResponse) => void
}

/**
 * Has requests answered one at a time of each connection, and so many in one turn of the event loop that sockets are read between
 * them. Node parses all requests that a packet holds, thousands of them, and begins them in one turn.
 */
export class RequestTurns {
  readonly #limits: Pick<ServerLimits, 'requestsWaitingMax' | 'requestTurnMs'>
  readonly #handlers: RequestHandlers
  readonly #connections = new WeakMap<Socket, Unanswered>()
  /** Connections whose next request may begin, in the order in which they came. */
  #ready: Unanswered[] = []
  /** When the first request of this turn began, ms; undefined when none has. */
  #turnSinceMs: number | undefined
  #isBeginning = false

  constructor(limits: Pick<ServerLimits, 'requestsWaitingMax' | 'requestTurnMs'>, handlers: RequestHandlers) {
    this.#limits = limits
    this.#handlers = handlers
  }

  take(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const connection = this.#connections.get(socket) ?? { socket, waiting: [], isAnswering: false, ignored: 0 }
    this.#connections.set(socket, connection)
    const { waiting } = connection
    const { requestsWaitingMax } = this.#limits
    if (waiting.length > requestsWaitingMax) {
      if (++connection.ignored > IGNORED_MAX) socket.destroy()
      return
    }
    const { answer, refuse } = this.#handlers
    const handle = waiting.length === requestsWaitingMax ? refuse : answer
    waiting.push({ response, begin: () => handle(request, response) })
    if (!connection.isAnswering) this.#makeReady(connection)
  }

  #makeReady(connection: Unanswered): void {
    connection.isAnswering = true
    this.#ready.push(connection)
    if (!this.#isBeginning) this.#beginNext()
  }

  /** Begins the next request if there is time in this turn. */
  #beginNext(): void {
    this.#isBeginning = false
    if (this.#turnSinceMs === undefined) {
      this.#turnSinceMs = performance.now()
      setImmediate(() => this.#nextTurn())
    }
    if (this.#ready.length === 0 || performance.now() - this.#turnSinceMs > this.#limits.requestTurnMs) return
    const connection = this.#ready.shift() as Unanswered
    // A tick that a microtask asks for comes after everything that the request has begun and that waits for nothing.
    this.#isBeginning = true
    queueMicrotask(() => process.nextTick(() => this.#beginNext()))
    this.#begin(connection)
  }

  #nextTurn(): void {
    this.#turnSinceMs = undefined
    if (this.#ready.length > 0 && !this.#isBeginning) this.#beginNext()
  }

  #begin(connection: Unanswered): void {
    const { socket, waiting } = connection
    // A connection that is gone gets no answers.
    if (socket.destroyed) waiting.length = 0
    const [next] = waiting
    if (next === undefined) {
      connection.isAnswering = false
      return
    }
    next.response.once('close', () => {
      waiting.shift()
      if (waiting.length === 0) connection.isAnswering = false
      else this.#makeReady(connection)
    })
    next.begin()
  }
}
