import { CLOSE, decodeFrame, type Frame, isFinalCloseCode, QUERY } from '@joinery/protocol'
import { WebSocketImplementation } from '#websocket'
import { backOffDelayMs } from './back-off.ts'
import { refusalOf } from './client-error.ts'
import type { ConnectionState } from './save-status.ts'
import { closeSockets } from './socket-closing.ts'
import { steadyNow } from './steady-clock.ts'
import { mayBecomeValid } from './token-claims.ts'

/** Time from the attempt to the server's hello. TCP alone would wait for minutes on a host that drops packets. */
const OPEN_TIMEOUT_MS = 15_000
/** After so long without a frame the server counts as gone, whatever TCP says: it sends a frame every 25 s. y-websocket's value. */
const SILENCE_TIMEOUT_MS = 30_000
/** How long a tab that was frozen may take to hear what came meanwhile. Guessed. */
const THAW_MS = 5_000

/** Events that a {@link Link} reports to its replica. */
export interface LinkEvents {
  stateChanged(state: ConnectionState): void
  /** A socket has opened: frames are counted from 1. The server may still refuse the client. */
  opened(): void
  closed(): void
  /** If the handler throws, the connection ends, as after an unreadable frame. */
  received(frame: Frame): void
  /** The server closed with 4409. */
  generationRefused(): void
}

export interface LinkOptions {
  /** URL of the workspace's room, without the query string. */
  readonly url: string
  /** Returns the query of the next connection. It may have to fetch a token. */
  query(): Promise<Record<string, string>>
  /** Whether `query` may give another token when it is asked again. */
  canAskAgain(): boolean
  /** A refusal to start with: the link then connects only after `reconnect()`. */
  readonly refusal: ConnectionRefusal | undefined
  readonly events: LinkEvents
}

/** The state of a connection that the server refused with a final code. */
export type ConnectionRefusal = Extract<ConnectionState, { state: 'refused' }>

/** One attempt that has got as far as a socket. */
interface Connection {
  readonly socket: WebSocket
  /** The query named a generation: a mismatch (4409) is about this copy. */
  readonly hasSentGeneration: boolean
  readonly token: string | undefined
  /** When the last frame came, ms of `steadyNow()`. */
  heardAtMs: number
  /** When the next look is due, ms of `steadyNow()`. */
  lookAtMs: number
  /** `heardAtMs` of the silence that a late look has excused; undefined before. */
  excusedMs: number | undefined
}

/** Keeps one connection to one room open, as long as the server allows it. It does not look into the frames' content. */
export class Link {
  readonly #options: LinkOptions
  /** All sockets that have not closed yet, those given up included. */
  readonly #sockets = new Set<WebSocket>()
  /** The connection in use. */
  #connection: Connection | undefined
  #state: ConnectionState
  /** Number of the current attempt. A token that arrives for an older attempt is ignored. */
  #attempt = 0
  /** Number of lost connections since the last one that synced. */
  #losses = 0
  #lastError: string | undefined
  /** The token of the last attempt that the server refused with `unauthorized`. */
  #refusedToken: string | undefined
  /** The timer of the present wait: for a hello, for the next attempt, or for a sign of life. */
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#state = options.refusal ?? { state: 'connecting', reason: undefined }
    // React Native has a window that tells of nothing.
    globalThis.window?.addEventListener?.('online', this.#onOnline)
    globalThis.window?.addEventListener?.('offline', this.#onOffline)
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Whether a socket is open, so that {@link send} sends. */
  get isOpen(): boolean {
    const socket = this.#connection?.socket
    return socket !== undefined && socket.readyState === socket.OPEN
  }

  /** Connects, unless connected or closed. Ends a wait or a refusal. */
  connect(): void {
    if (this.#state.state === 'closed' || this.#state.state === 'connected') return
    void this.#tryConnect()
  }

  /** Closes the connection and opens a new one, with a fresh query. */
  reconnect(): void {
    if (this.#state.state === 'closed') return
    void this.#tryConnect()
  }

  /** Sends one frame, if a socket is open. */
  send(frame: Uint8Array): void {
    if (this.isOpen) this.#connection?.socket.send(frame as Uint8Array<ArrayBuffer>)
  }

  /** Ends the link: it sends and receives nothing more. Resolves when every socket has closed; never rejects. */
  close(): Promise<void> {
    if (this.#state.state !== 'closed') {
      globalThis.window?.removeEventListener?.('online', this.#onOnline)
      globalThis.window?.removeEventListener?.('offline', this.#onOffline)
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
      // The token function failed, or the browser forbids the URL (ws: on an https page).
      if (attempt === this.#attempt) this.#lose(`could not connect: ${error}`)
    }
  }

  #open(query: Record<string, string>): void {
    const socket = new WebSocketImplementation(`${this.#options.url}?${new URLSearchParams(query)}`)
    socket.binaryType = 'arraybuffer'
    const hasSentGeneration = query[QUERY.generation] !== undefined
    const connection: Connection = {
      socket,
      hasSentGeneration,
      token: query[QUERY.token],
      heardAtMs: 0,
      lookAtMs: 0,
      excusedMs: undefined,
    }
    this.#connection = connection
    this.#sockets.add(socket)
    this.#timer = setTimeout(() => this.#lose('the server did not answer in time'), OPEN_TIMEOUT_MS)
    socket.onopen = () => {
      if (connection === this.#connection) this.#options.events.opened()
    }
    socket.onmessage = ({ data }) => {
      if (connection === this.#connection) this.#onMessage(data, connection)
    }
    // Without a listener `ws` throws in the process, also for a socket that was given up while connecting.
    socket.onerror = (event) => {
      if (connection !== this.#connection) return
      this.#lastError = 'message' in event && typeof event.message === 'string' ? event.message : undefined
    }
    socket.onclose = (event) => {
      this.#sockets.delete(socket)
      if (connection === this.#connection) this.#onClose(event, connection)
    }
  }

  /** Takes a frame. An unreadable frame ends this connection, not the process: `ws` rethrows a handler's error. */
  #onMessage(data: ArrayBuffer | string, connection: Connection): void {
    connection.heardAtMs = steadyNow()
    try {
      if (typeof data === 'string') throw new TypeError('a frame of text')
      const frame = decodeFrame(new Uint8Array(data))
      // A server that refuses opens the socket, too, to say why. Only its hello lets this client in.
      if (frame.type === 'joinery' && frame.message?.type === 'hello') this.#onHello(connection)
      if (frame.type === 'syncStep2') this.#losses = 0
      this.#options.events.received(frame)
    } catch (error) {
      if (connection === this.#connection) this.#lose(`the server sent an unreadable frame: ${error}`)
    }
  }

  #onHello(connection: Connection): void {
    this.#lastError = undefined
    this.#refusedToken = undefined
    clearTimeout(this.#timer)
    connection.lookAtMs = steadyNow()
    this.#watchSilence(connection)
    this.#become({ state: 'connected' })
  }

  #watchSilence(connection: Connection): void {
    const nowMs = steadyNow()
    const silentMs = nowMs - connection.heardAtMs
    const isSilent = silentMs >= SILENCE_TIMEOUT_MS
    // A tab that was frozen runs its timers before it hears what came meanwhile: one more look, once for each silence.
    const isThawing = nowMs - connection.lookAtMs > THAW_MS && connection.excusedMs !== connection.heardAtMs
    if (isSilent && !isThawing) return this.#lose('the server fell silent')
    if (isSilent) connection.excusedMs = connection.heardAtMs
    // A clock that was set back must not prolong the wait.
    const restMs = isSilent ? THAW_MS : Math.min(SILENCE_TIMEOUT_MS - silentMs, SILENCE_TIMEOUT_MS)
    connection.lookAtMs = nowMs + restMs
    this.#timer = setTimeout(() => this.#watchSilence(connection), restMs)
  }

  #onClose({ code, reason }: CloseEvent, { hasSentGeneration, token }: Connection): void {
    const hasTokenHope = code === CLOSE.unauthorized && this.#mayTokenHelp(token)
    // 1009: one message was larger than any that the server takes. It would be as large again.
    if ((!isFinalCloseCode(code) && code !== 1009) || hasTokenHope)
      return this.#lose(reason || this.#lastError || 'the connection was lost')
    this.#hangUp()
    if (code === CLOSE.generationMismatch && hasSentGeneration) return this.#options.events.generationRefused()
    this.#become({ state: 'refused', ...refusalOf(code, reason) })
  }

  /** Whether a later attempt may pass, though the server says `unauthorized`. */
  #mayTokenHelp(token: string | undefined): boolean {
    // The token expired on an open connection: there may be a fresh one. If not, the next connection is refused.
    if (this.#state.state === 'connected') return true
    if (!this.#options.canAskAgain()) return false
    const isAnother = token !== this.#refusedToken
    this.#refusedToken = token
    return isAnother || mayBecomeValid(token ?? '', Date.now())
  }

  /** Gives up this connection, and connects again after a delay. */
  #lose(reason: string): void {
    this.#hangUp()
    if (this.#state.state === 'closed') return
    this.#losses += 1
    this.#lastError = reason
    this.#timer = setTimeout(() => this.connect(), backOffDelayMs(this.#losses, Math.random()))
    this.#become({ state: 'waiting', reason })
  }

  /** Drops the connection, if there is one. The listener of `closed` may close or reconnect this link. */
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

  /** Gives up at once: a socket would notice only by its silence. Attempts continue: a server on this device needs no network. */
  readonly #onOffline = (): void => {
    if (this.#state.state === 'connected') this.#lose('this device has no network')
  }
}
