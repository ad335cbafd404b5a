import type { Socket } from 'node:net'
import {
  decodeFrame,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
  type JoineryMessage,
} from '@joinery/protocol'
import { WebSocket } from 'ws'
import * as Y from 'yjs'

/** A client that a test drives by hand. It keeps the frames that it gets, and answers as a y-websocket client does. */
export class RawClient {
  readonly doc = new Y.Doc()
  readonly frames: Frame[] = []
  readonly messages: JoineryMessage[] = []
  /** Number of update frames (SyncStep2 and Update) sent so far. */
  sentUpdates = 0
  closed: { code: number; reason: string } | undefined
  readonly ws: WebSocket
  readonly #answersStep1: boolean
  #waiters: { done: () => boolean; resolve: () => void }[] = []

  constructor(url: string, options: { origin?: string; answersStep1?: boolean } = {}) {
    this.ws = new WebSocket(url, {
      perMessageDeflate: false,
      ...(options.origin === undefined ? {} : { origin: options.origin }),
    })
    this.#answersStep1 = options.answersStep1 ?? true
    this.ws.binaryType = 'nodebuffer'
    this.ws.on('open', () => this.send(encodeSyncStep1(Y.encodeStateVector(this.doc))))
    this.ws.on('message', (data: Buffer) => this.#onFrame(decodeFrame(data)))
    this.ws.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
      this.#check()
    })
    this.ws.on('error', () => this.#check())
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== this && this.ws.readyState === WebSocket.OPEN) this.send(encodeUpdate(update))
    })
  }

  send(frame: Uint8Array): void {
    if (frame[0] === 0 && frame[1] !== 0) this.sentUpdates++
    this.ws.send(frame)
  }

  /** Sends frames so that the server reads them at once. */
  inOneGo(...frames: readonly Uint8Array[]): void {
    const { _socket: socket } = this.ws as unknown as { _socket: Socket }
    socket.cork()
    for (const frame of frames) this.send(frame)
    socket.uncork()
  }

  /** Resolves when `done` returns true. Calls it after every frame and at the close. */
  until(done: () => boolean): Promise<void> {
    if (done()) return Promise.resolve()
    return new Promise((resolve) => this.#waiters.push({ done, resolve }))
  }

  async synced(): Promise<this> {
    await this.until(() => this.frames.some((frame) => frame.type === 'syncStep2'))
    return this
  }

  /** Resolves when the server has read, in earlier turns, everything that this client sent. */
  async roundTrip(): Promise<void> {
    this.ws.ping()
    await new Promise((resolve) => this.ws.once('pong', resolve))
  }

  message<T extends JoineryMessage['type']>(type: T): Extract<JoineryMessage, { type: T }> | undefined {
    return this.messages.findLast((message) => message.type === type) as
      | Extract<JoineryMessage, { type: T }>
      | undefined
  }

  async close(): Promise<void> {
    this.ws.close()
    await this.until(() => this.closed !== undefined)
  }

  get text(): Y.Text {
    return this.doc.getText('t')
  }

  #onFrame(frame: Frame): void {
    this.frames.push(frame)
    if (frame.type === 'joinery' && frame.message !== undefined) this.messages.push(frame.message)
    if (frame.type === 'syncStep2' || frame.type === 'update') Y.applyUpdate(this.doc, frame.update, this)
    if (frame.type === 'syncStep1' && this.#answersStep1) {
      this.send(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)))
    }
    this.#check()
  }

  #check(): void {
    this.#waiters = this.#waiters.filter(({ done, resolve }) => {
      if (!done()) return true
      resolve()
      return false
    })
  }
}
