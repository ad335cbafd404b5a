import {
  decodeFrame,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Hello,
  type JoineryMessage,
  QUERY,
  type Rejected,
} from '@joinery/protocol'
import { WebSocket } from 'ws'
import * as Y from 'yjs'

/** How a connection ended: refused at the HTTP upgrade, closed with a code, or never reached the server. */
export type Ending =
  | { readonly kind: 'http'; readonly status: number; readonly body: string }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  | { readonly kind: 'error'; readonly message: string }

export interface RawClientOptions {
  readonly url: string
  /** Everything after the host, not encoded further: a test may want it malformed. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Ask for Joinery's own message. */
  readonly wantsJoinery?: boolean
  readonly doc?: Y.Doc
}

const FROM_SERVER = Symbol('from the server')

/** One socket that speaks the protocol frame by frame, and keeps a real document in sync with the server's. */
export class RawClient {
  readonly doc: Y.Doc
  readonly socket: WebSocket
  /** Resolves when the first SyncStep2 has been applied; never if the connection ends before. */
  readonly synced: Promise<void>
  readonly ended: Promise<Ending>
  /** Update frames (SyncStep2 and Update) sent so far, and how many of them the server called durable. */
  framesSent = 0
  framesDurable = 0
  hello: Hello | undefined
  readonly rejections: Rejected[] = []
  /** Called at every one of Joinery's own messages, after the fields above are set. */
  onMessage: ((message: JoineryMessage) => void) | undefined
  /** Called with what the document holds before a SyncStep2 goes out. */
  onSyncStep2: (() => void) | undefined

  constructor({ url, path, query = {}, wantsJoinery = false, doc = new Y.Doc() }: RawClientOptions) {
    this.doc = doc
    const parameters = new URLSearchParams({ ...query, ...(wantsJoinery && { [QUERY.joinery]: '1' }) }).toString()
    this.socket = new WebSocket(`${url}/${path}${parameters === '' ? '' : `?${parameters}`}`, {
      perMessageDeflate: false,
    })
    const synced = Promise.withResolvers<void>()
    const ended = Promise.withResolvers<Ending>()
    this.synced = synced.promise
    this.ended = ended.promise
    this.socket.on('open', () => this.socket.send(encodeSyncStep1(Y.encodeStateVector(doc))))
    this.socket.on('message', (data: Buffer) => this.#receive(new Uint8Array(data), synced.resolve))
    this.socket.on('error', (error) => ended.resolve({ kind: 'error', message: error.message }))
    this.socket.on('close', (code, reason) => ended.resolve({ kind: 'close', code, reason: reason.toString() }))
    this.socket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () => ended.resolve({ kind: 'http', status: response.statusCode ?? 0, body }))
    })
    doc.on('update', this.#forward)
    void this.ended.then(() => doc.off('update', this.#forward))
  }

  /** Resolves when synced; rejects with how it ended if it does before. */
  static async open(options: RawClientOptions): Promise<RawClient> {
    const client = new RawClient(options)
    const ending = await Promise.race([client.synced, client.ended])
    if (ending !== undefined) throw new Error(`${options.path} ended: ${JSON.stringify(ending)}`)
    return client
  }

  readonly #forward = (update: Uint8Array, origin: unknown) => {
    if (origin !== FROM_SERVER) this.sendUpdateFrame(encodeUpdate(update))
  }

  /** Sends a frame that the server counts as an update frame. Dropped while the socket is not open, as a real client's is. */
  sendUpdateFrame(frame: Uint8Array): void {
    if (this.socket.readyState !== WebSocket.OPEN) return
    this.framesSent++
    this.socket.send(frame)
  }

  #receive(bytes: Uint8Array, resolveSynced: () => void): void {
    const frame = decodeFrame(bytes)
    switch (frame.type) {
      case 'syncStep1':
        this.onSyncStep2?.()
        this.sendUpdateFrame(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)))
        break
      case 'syncStep2':
        Y.applyUpdate(this.doc, frame.update, FROM_SERVER)
        resolveSynced()
        break
      case 'update':
        Y.applyUpdate(this.doc, frame.update, FROM_SERVER)
        break
      case 'joinery':
        this.#hear(frame.message)
    }
  }

  #hear(message: JoineryMessage | undefined): void {
    if (message === undefined) return
    if (message.type === 'durable') this.framesDurable = message.frames
    else if (message.type === 'hello') this.hello = message
    else if (message.type === 'rejected') this.rejections.push(message)
    this.onMessage?.(message)
  }

  /** Closes the connection and waits for its end. */
  async close(): Promise<void> {
    this.socket.close()
    await this.ended
  }

  /** Cuts the socket without a close frame. */
  cut(): void {
    this.socket.terminate()
  }
}
