import { CLOSE, decodeFrame, isFinalCloseCode, type JoineryMessage, MESSAGE, QUERY } from '@joinery/protocol'
import type { Awareness } from 'y-protocols/awareness'
import { WebsocketProvider } from 'y-websocket'
import type * as Y from 'yjs'
import { WebSocketImplementation } from '#websocket'
import { backoffDelayMs } from './backoff.ts'
import { refusalOf } from './client-error.ts'
import { observedSocket } from './observed-socket.ts'
import type { ConnectionState } from './save-status.ts'
import { closeSockets } from './socket-closing.ts'
import { readSyncFrame } from './sync-frames.ts'

/** How long a connection may take to open. TCP alone would wait for minutes on a host that swallows packets. */
const OPEN_TIMEOUT_MS = 15_000

/** What a {@link Link} tells its replica. */
export interface LinkEvents {
  stateChanged(state: ConnectionState): void
  /** A socket is open: frames are counted from 1. The server may still refuse. */
  opened(): void
  closed(): void
  /** An update frame is about to go out; false keeps it back. */
  sending(kind: 'syncStep2' | 'update', update: Uint8Array): boolean
  received(message: JoineryMessage): void
  /** The server's state has been applied. */
  synced(): void
  /** The server closed with 4409. */
  generationRefused(): void
}

export interface LinkOptions {
  readonly url: string
  readonly workspace: string
  readonly doc: Y.Doc
  readonly awareness: Awareness
  /** Makes the query string of the next connection: a token may have to be fetched. */
  query(): Promise<Record<string, string>>
  /** The server has refused this already: nothing is tried before `reconnect()`. */
  readonly refusal: ConnectionRefusal | undefined
  readonly events: LinkEvents
}

/** The state of a connection that the server refused for good. */
export type ConnectionRefusal = Extract<ConnectionState, { state: 'refused' }>

/**
 * Keeps one stock `WebsocketProvider` connected. The provider speaks the protocol; when to connect is decided here, since its
 * own reconnecting has no jitter, can't wait for a fresh token, and leaves a timer that holds a Node process open.
 */
export class Link {
  readonly provider: WebsocketProvider
  readonly #options: LinkOptions
  readonly #sockets = new Set<WebSocket>()
  #state: ConnectionState
  /** Counts attempts, so that a token that comes too late starts nothing. */
  #attempt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #lastError: string | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#state = options.refusal ?? { state: 'connecting', reason: undefined }
    this.provider = new WebsocketProvider(options.url, options.workspace, options.doc, {
      connect: false,
      awareness: options.awareness,
      // Tabs may hold different tokens, and what comes over a BroadcastChannel escapes counting: they meet on the server.
      disableBc: true,
      maxBackoffTime: 0,
      WebSocketPolyfill: observedSocket(WebSocketImplementation, {
        created: (socket) => this.#socketOnCreate(socket),
        willSend: (kind, update) => options.events.sending(kind, update),
      }),
    })
    // One listener per provider for an exit that can't send any more; Node warns about the eleventh.
    if (typeof process !== 'undefined' && process.off) process.off('exit', this.provider._exitHandler)
    this.#installHandlers()
    this.provider.on('status', ({ status }) => {
      if (status === 'connected') options.events.opened()
    })
    this.provider.on('sync', (isSynced) => {
      if (isSynced) options.events.synced()
    })
    this.provider.on('connection-error', (event) => {
      this.#lastError = 'message' in event && typeof event.message === 'string' ? event.message : undefined
    })
    this.provider.on('connection-close', (event) => {
      // The provider is in the middle of cleaning up; it would connect by itself if it were left to.
      this.provider.shouldConnect = false
      const attempt = this.#attempt
      queueMicrotask(() => this.#onClose(event, attempt))
    })
    if (typeof window !== 'undefined') window.addEventListener('online', this.#onOnline)
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** Connects, unless connected or closed. Ends a wait or a refusal. */
  connect(): void {
    if (this.#state.state === 'closed' || this.#state.state === 'connected') return
    void this.#tryConnect(++this.#attempt)
  }

  /** Hangs up and connects anew, with a fresh query. */
  reconnect(): void {
    if (this.#state.state === 'closed') return
    this.#attempt++
    this.provider.disconnect()
    void this.#tryConnect(++this.#attempt)
  }

  /** Sends one frame, if a socket is open. */
  send(frame: Uint8Array): void {
    const { ws } = this.provider
    if (ws !== null && ws.readyState === ws.OPEN) ws.send(frame as Uint8Array<ArrayBuffer>)
  }

  /** Nothing is sent or received from here on. Resolves when every socket has closed; never rejects. */
  close(): Promise<void> {
    if (this.#state.state !== 'closed') {
      clearTimeout(this.#timer)
      if (typeof window !== 'undefined') window.removeEventListener('online', this.#onOnline)
      this.provider.destroy()
      this.#become({ state: 'closed' })
    }
    return closeSockets(this.#sockets)
  }

  async #tryConnect(attempt: number): Promise<void> {
    clearTimeout(this.#timer)
    this.#become({ state: 'connecting', reason: this.#lastError })
    try {
      const query = await this.#options.query()
      if (attempt !== this.#attempt || this.#isClosed()) return
      this.provider.params = query
      this.#timer = setTimeout(() => this.#drop('the server did not answer in time'), OPEN_TIMEOUT_MS)
      this.provider.connect()
    } catch (error) {
      // The token's source failed, or the browser forbids the URL (ws: on an https page).
      if (attempt === this.#attempt && !this.#isClosed()) this.#wait(`could not connect: ${error}`)
    }
  }

  #isClosed(): boolean {
    return this.#state.state === 'closed'
  }

  /** A server that refuses opens the socket too, to say why: only its hello means that it lets this client in. */
  #onHello(): void {
    clearTimeout(this.#timer)
    this.#lastError = undefined
    this.#become({ state: 'connected' })
  }

  #onClose(event: CloseEvent | null, attempt: number): void {
    if (this.#isClosed()) return
    this.#options.events.closed()
    // reconnect() hung up, and a newer attempt is on its way.
    if (attempt !== this.#attempt) return
    clearTimeout(this.#timer)
    if (event?.code === CLOSE.generationMismatch && this.provider.params[QUERY.generation] !== undefined) {
      return this.#options.events.generationRefused()
    }
    // A token that was good has expired: there may be a fresh one. Else the next connection is refused before its hello.
    const isExpiry = event?.code === CLOSE.unauthorized && this.#state.state === 'connected'
    if (event !== null && isFinalCloseCode(event.code) && !isExpiry) {
      this.#become({ state: 'refused', ...refusalOf(event.code, event.reason) })
    } else {
      this.#wait(event?.reason || this.#lastError || 'the connection was lost')
    }
  }

  #wait(reason: string): void {
    this.#lastError = reason
    this.#become({ state: 'waiting', reason })
    const delayMs = backoffDelayMs(Math.max(1, this.provider.wsUnsuccessfulReconnects), Math.random())
    this.#timer = setTimeout(() => this.connect(), delayMs)
  }

  /** Ends the socket from this side; a new attempt follows as after any other loss. */
  #drop(reason: string): void {
    this.#lastError = reason
    this.provider.disconnect()
  }

  #become(state: ConnectionState): void {
    this.#state = state
    this.#options.events.stateChanged(state)
  }

  readonly #onOnline = (): void => {
    if (this.#state.state === 'waiting') this.connect()
  }

  #socketOnCreate(socket: WebSocket): void {
    this.#sockets.add(socket)
    socket.addEventListener('close', () => this.#sockets.delete(socket))
  }

  /** A frame that can't be read must end this connection, not the process: `ws` throws what a handler throws. */
  #installHandlers(): void {
    const { messageHandlers } = this.provider
    messageHandlers[MESSAGE.sync] = readSyncFrame
    messageHandlers[MESSAGE.joinery] = (_encoder, decoder) => {
      const frame = decodeFrame(decoder.arr)
      if (frame.type !== 'joinery' || frame.message === undefined) return
      if (frame.message.type === 'hello') this.#onHello()
      this.#options.events.received(frame.message)
    }
    // The stock one prints to the console. A Joinery server refuses by close code.
    messageHandlers[MESSAGE.auth] = () => undefined
    for (const [type, handler] of messageHandlers.entries()) {
      if (handler === undefined) continue
      messageHandlers[type] = (...args) => {
        try {
          handler(...args)
        } catch (error) {
          this.#drop(`the server sent what can't be read: ${error}`)
        }
      }
    }
  }
}
