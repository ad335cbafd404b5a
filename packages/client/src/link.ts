import { CLOSE, decodeFrame, type Frame, isFinalCloseCode, QUERY } from '@joinery/protocol'
import { WebSocketImplementation } from '#websocket'
import { backOffDelayMs } from './back-off.ts'
import { refusalOf } from './client-error.ts'
import type { ConnectionState } from './save-status.ts'
import { closeSockets } from './socket-closing.ts'

/** How long a connection may take to its hello. TCP alone would wait for minutes on a host that swallows packets. */
const OPEN_TIMEOUT_MS = 15_000
/** Without a frame for so long the server is gone, whatever TCP says: it sends one each 25 s at the latest. y-websocket's. */
const SILENCE_TIMEOUT_MS = 30_000

/** What a {@link Link} tells its replica. */
export interface LinkEvents {
  stateChanged(state: ConnectionState): void
  /** A socket is open: frames are counted from 1. The server may still refuse. */
  opened(): void
  closed(): void
  /** What throws ends the connection, as a frame does that can't be read. */
  received(frame: Frame): void
  /** The server closed with 4409. */
  generationRefused(): void
}

export interface LinkOptions {
  /** Of the workspace's room, without query. */
  readonly url: string
  /** Makes the query string of the next connection: a token may have to be fetched. */
  query(): Promise<Record<string, string>>
  /** The server has refused this already: nothing is tried before `reconnect()`. */
  readonly refusal: ConnectionRefusal | undefined
  readonly events: LinkEvents
}

/** The state of a connection that the server refused for good. */
export type ConnectionRefusal = Extract<ConnectionState, { state: 'refused' }>

/** One attempt that has got as far as a socket. */
interface Connection {
  readonly socket: WebSocket
  /** The query named a generation: a mismatch (4409) is about this copy. */
  readonly hasSentGeneration: boolean
  /** When the last frame came, ms since epoch. */
  heardAtMs: number
}

/** Keeps one connection to one room, as long as the server allows it. What is said on it is others' business. */
export class Link {
  readonly #options: LinkOptions
  /** All sockets that have not closed yet, those given up included. */
  readonly #sockets = new Set<WebSocket>()
  /** The connection in use. */
  #connection: Connection | undefined
  #state: ConnectionState
  /** Counts attempts, so that a token that comes too late starts nothing. */
  #attempt = 0
  /** Connections lost since the last that synced. */
  #losses = 0
  #lastError: string | undefined
  /** Ends the wait for a hello, for the next attempt, or for a sign of life. */
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#state = options.refusal ?? { state: 'connecting', reason: undefined }
    globalThis.window?.addEventListener('online', this.#onOnline)
    globalThis.window?.addEventListener('offline', this.#onOffline)
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Whether {@link send} would send. */
  get isOpen(): boolean {
    const socket = this.#connection?.socket
    return socket !== undefined && socket.readyState === socket.OPEN
  }

  /** Connects, unless connected or closed. Ends a wait or a refusal. */
  connect(): void {
    if (this.#state.state === 'closed' || this.#state.state === 'connected') return
    void this.#tryConnect()
  }

  /** Hangs up and connects anew, with a fresh query. */
  reconnect(): void {
    if (this.#state.state === 'closed') return
    void this.#tryConnect()
  }

  /** Sends one frame, if a socket is open. */
  send(frame: Uint8Array): void {
    if (this.isOpen) this.#connection?.socket.send(frame as Uint8Array<ArrayBuffer>)
  }

  /** Nothing is sent or received from here on. Resolves when every socket has closed; never rejects. */
  close(): Promise<void> {
    if (this.#state.state !== 'closed') {
      globalThis.window?.removeEventListener('online', this.#onOnline)
      globalThis.window?.removeEventListener('offline', this.#onOffline)
      this.#attempt += 1
      this.#state = { state: 'closed' }
      this.#hangUp()
      this.#options.events.stateChanged(this.#state)
    }
    return closeSockets(this.#sockets)
  }

  async #tryConnect(): Promise<void> {
    this.#hangUp()
    if (this.#state.state === 'closed') return
    const attempt = ++this.#attempt
    this.#become({ state: 'connecting', reason: this.#lastError })
    try {
      const query = await this.#options.query()
      if (attempt === this.#attempt) this.#open(query)
    } catch (error) {
      // The token's source failed, or the browser forbids the URL (ws: on an https page).
      if (attempt === this.#attempt) this.#lose(`could not connect: ${error}`)
    }
  }

  #open(query: Record<string, string>): void {
    const socket = new WebSocketImplementation(`${this.#options.url}?${new URLSearchParams(query)}`)
    socket.binaryType = 'arraybuffer'
    const hasSentGeneration = query[QUERY.generation] !== undefined
    const connection: Connection = { socket, hasSentGeneration, heardAtMs: 0 }
    this.#connection = connection
    this.#sockets.add(socket)
    this.#timer = setTimeout(() => this.#lose('the server did not answer in time'), OPEN_TIMEOUT_MS)
    socket.onopen = () => {
      if (connection === this.#connection) this.#options.events.opened()
    }
    socket.onmessage = ({ data }) => {
      if (connection === this.#connection) this.#onMessage(data, connection)
    }
    // `ws` throws in the process where nobody listens; of one given up, it tells that it was closed while connecting.
    socket.onerror = (event) => {
      if (connection !== this.#connection) return
      this.#lastError = 'message' in event && typeof event.message === 'string' ? event.message : undefined
    }
    socket.onclose = (event) => {
      this.#sockets.delete(socket)
      if (connection === this.#connection) this.#onClose(event, connection)
    }
  }

  /** A frame that can't be read must end this connection, not the process: `ws` throws what a handler throws. */
  #onMessage(data: ArrayBuffer | string, connection: Connection): void {
    connection.heardAtMs = Date.now()
    try {
      if (typeof data === 'string') throw new TypeError('a frame of text')
      const frame = decodeFrame(new Uint8Array(data))
      // A server that refuses opens the socket too, to say why: only its hello means that it lets this client in.
      if (frame.type === 'joinery' && frame.message?.type === 'hello') this.#onHello(connection)
      if (frame.type === 'syncStep2') this.#losses = 0
      this.#options.events.received(frame)
    } catch (error) {
      if (connection === this.#connection) this.#lose(`the server sent what can't be read: ${error}`)
    }
  }

  #onHello(connection: Connection): void {
    this.#lastError = undefined
    clearTimeout(this.#timer)
    this.#watchSilence(connection)
    this.#become({ state: 'connected' })
  }

  #watchSilence(connection: Connection): void {
    const silentMs = Date.now() - connection.heardAtMs
    if (silentMs >= SILENCE_TIMEOUT_MS) return this.#lose('the server fell silent')
    // A clock that was set back must not make the wait longer.
    const restMs = Math.min(SILENCE_TIMEOUT_MS - silentMs, SILENCE_TIMEOUT_MS)
    this.#timer = setTimeout(() => this.#watchSilence(connection), restMs)
  }

  #onClose({ code, reason }: CloseEvent, { hasSentGeneration }: Connection): void {
    // A token that was good has expired: there may be a fresh one. Else the next connection is refused before its hello.
    const isExpiry = code === CLOSE.unauthorized && this.#state.state === 'connected'
    if (!isFinalCloseCode(code) || isExpiry) return this.#lose(reason || this.#lastError || 'the connection was lost')
    this.#hangUp()
    if (code === CLOSE.generationMismatch && hasSentGeneration) return this.#options.events.generationRefused()
    this.#become({ state: 'refused', ...refusalOf(code, reason) })
  }

  /** Gives up this connection, and tries anew after a while. */
  #lose(reason: string): void {
    this.#hangUp()
    if (this.#state.state === 'closed') return
    this.#losses += 1
    this.#lastError = reason
    this.#timer = setTimeout(() => this.connect(), backOffDelayMs(this.#losses, Math.random()))
    this.#become({ state: 'waiting', reason })
  }

  /** Nothing more is heard of this connection, if there is one. Who is told may close or reconnect this very link. */
  #hangUp(): void {
    clearTimeout(this.#timer)
    const connection = this.#connection
    if (connection === undefined) return
    this.#connection = undefined
    connection.socket.close()
    this.#options.events.closed()
  }

  #become(state: ConnectionState): void {
    if (this.#state.state === 'closed') return
    this.#state = state
    this.#options.events.stateChanged(state)
  }

  readonly #onOnline = (): void => {
    if (this.#state.state === 'waiting') this.connect()
  }

  /** A socket notices only by its silence. Attempts go on all the same: a server on this device needs no network. */
  readonly #onOffline = (): void => {
    if (this.#state.state === 'connected') this.#lose('this device has no network')
  }
}
