import { WebSocket } from 'ws'
import { WIRES, type Wire, type WireName } from './wire.ts'

/** Yjs's encoding of "I have nothing" and "nothing changed". */
const EMPTY_STATE_VECTOR = Uint8Array.of(0)
const EMPTY_UPDATE = Uint8Array.of(0, 0)
/** Hocuspocus hangs up after 60 s without a frame from the client; a real client renews its awareness more often. */
const KEEP_ALIVE_MS = 20_000
const OPEN_TIMEOUT_MS = 60_000

export interface LoadClientOptions {
  readonly url: string
  readonly wire: WireName
  readonly room: string
  /** Every update that comes, the answer to SyncStep1 included. */
  readonly onUpdate?: (update: Uint8Array) => void
  /** Asks the server what is saved. Called with the number of this client's update frames that are. */
  readonly onSaved?: (frames: number) => void
  /** A socket that goes before {@link LoadClient.close} spoils the measurement. */
  readonly onLost: (error: Error) => void
}

/** One raw socket in one room: as little client as can be, since its work shares the machine with the server's. */
export class LoadClient {
  readonly #socket: WebSocket
  readonly #options: LoadClientOptions
  readonly #wire: Wire
  readonly #keepAlive: NodeJS.Timeout
  #isClosing = false
  #framesSent = 0
  #framesSaved = 0

  private constructor(socket: WebSocket, options: LoadClientOptions) {
    this.#socket = socket
    this.#options = options
    this.#wire = WIRES[options.wire]
    this.#keepAlive = setInterval(() => socket.send(this.#wire.keepAlive(options.room)), KEEP_ALIVE_MS)
  }

  /** Resolves when the server has answered SyncStep1. */
  static open(options: LoadClientOptions): Promise<LoadClient> {
    const { room } = options
    const wire = WIRES[options.wire]
    const socket = new WebSocket(options.url + wire.path(room, options.onSaved !== undefined), {
      perMessageDeflate: false,
      handshakeTimeout: OPEN_TIMEOUT_MS,
    })
    const client = new LoadClient(socket, options)
    return new Promise((resolve, reject) => {
      let isOpen = false
      const fail = (error: Error) => {
        clearInterval(client.#keepAlive)
        if (isOpen) client.#lost(error)
        else reject(error)
      }
      socket.once('open', () => {
        socket.send(wire.greeting(room) ?? wire.syncStep1(room, EMPTY_STATE_VECTOR))
      })
      socket.on('message', (data: Buffer) => {
        if (client.#take(data) !== 'state' || isOpen) return
        isOpen = true
        resolve(client)
      })
      socket.once('error', fail)
      socket.once('close', (code, reason) => fail(new Error(`${room} closed with ${code} ${reason}`)))
    })
  }

  #take(data: Uint8Array): string {
    const { room, onUpdate, onSaved } = this.#options
    const incoming = this.#wire.read(data)
    if (incoming.type === 'state' || incoming.type === 'update') onUpdate?.(incoming.payload)
    else if (incoming.type === 'stateVector') this.send(this.#wire.syncStep2(room, EMPTY_UPDATE))
    else if (incoming.type === 'saved') {
      this.#framesSaved = incoming.isTotal ? incoming.frames : this.#framesSaved + incoming.frames
      onSaved?.(this.#framesSaved)
    } else if (incoming.type === 'authenticated') this.#socket.send(this.#wire.syncStep1(room, EMPTY_STATE_VECTOR))
    return incoming.type
  }

  #lost(error: Error): void {
    if (!this.#isClosing) this.#options.onLost(error)
  }

  /** Frames an update for this client's room, to be sent later at no cost. */
  frame(update: Uint8Array): Uint8Array {
    return this.#wire.update(this.#options.room, update)
  }

  /** Sends an update frame. */
  send(frame: Uint8Array): void {
    this.#framesSent++
    this.#socket.send(frame)
  }

  /** Update frames sent so far, as servers count them. */
  get framesSent(): number {
    return this.#framesSent
  }

  /** Bytes that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount
  }

  /** Resolves when the kernel has taken everything sent. */
  async drained(): Promise<void> {
    while (this.#socket.bufferedAmount > 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  /** Says goodbye, so that nothing sent before is lost. */
  closeAfterSending(): void {
    this.#isClosing = true
    clearInterval(this.#keepAlive)
    this.#socket.close()
  }

  close(): void {
    this.#isClosing = true
    clearInterval(this.#keepAlive)
    this.#socket.terminate()
  }
}
