import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import {
  decodeFrame,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
  type JoineryMessage,
  type WorkspaceId,
} from '@joinery/protocol'
import type { WebSocket } from 'ws'
import * as Y from 'yjs'
import { SERVER_LIMITS } from '../limits.ts'
import { Connection } from '../room/connection.ts'
import type { Rooms } from '../room/rooms.ts'

const OPEN = 1
const CLOSED = 3

/**
 * A client and its connection without a network in between, for tests that go through thousands of histories: what is
 * sent arrives in a later turn, in order, and rests while the connection is paused. The {@link Connection} is the real one.
 */
export class MemoryClient {
  readonly doc: Y.Doc
  readonly connection: Connection
  readonly #ws = new MemorySocket()
  /** Update frames sent. */
  sent = 0
  /** How many of them are durable. */
  durable = 0
  isSynced = false
  closedWith: number | undefined
  isWritable = true

  constructor(rooms: Rooms, workspace: WorkspaceId, doc: Y.Doc, id: string) {
    this.doc = doc
    this.#ws.onClosed = (code) => {
      this.closedWith = code
      doc.off('update', this.#onUpdate)
    }
    const socket = { writableLength: 0, write: (bytes: Uint8Array) => this.#arrive(bytes), once: () => undefined }
    this.connection = new Connection({
      id,
      ws: this.#ws as unknown as WebSocket,
      socket: socket as unknown as Duplex,
      identity: {
        actor: id,
        source: 'user_action',
        access: 'write',
        sources: undefined,
        isAuthenticated: false,
      } as never,
      wantsJoinery: true,
      generation: undefined,
      limits: SERVER_LIMITS,
      onClosed: () => undefined,
      nowMs: 0,
    })
    doc.on('update', this.#onUpdate)
    rooms.join(workspace, this.connection)
    this.#send(encodeSyncStep1(Y.encodeStateVector(doc)))
  }

  /** Goes away as a client does whose network is gone: what it sent before arrives. */
  leave(): void {
    this.#ws.end(1006)
  }

  get isOpen(): boolean {
    return this.#ws.readyState === OPEN
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    // Like the SDK: before the answer to the server's SyncStep1 an edit is only kept, the answer brings it.
    if (origin !== this && this.sent > 0) this.#send(encodeUpdate(update))
  }

  #send(frame: Uint8Array): void {
    if (frame[1] !== 0) this.sent++
    this.#ws.deliver(frame)
  }

  #arrive(message: Uint8Array): boolean {
    const header = (message[1] as number) < 126 ? 2 : (message[1] as number) === 126 ? 4 : 10
    setImmediate(() => {
      if (this.isOpen) this.#take(decodeFrame(message.subarray(header)))
    })
    return true
  }

  #take(frame: Frame): void {
    if (frame.type === 'syncStep1') this.#send(encodeSyncStep2(Y.encodeStateAsUpdate(this.doc, frame.stateVector)))
    if (frame.type === 'update' || frame.type === 'syncStep2') Y.applyUpdate(this.doc, frame.update, this)
    if (frame.type === 'syncStep2') this.isSynced = true
    if (frame.type === 'joinery' && frame.message !== undefined) this.#hear(frame.message)
  }

  #hear(message: JoineryMessage): void {
    if (message.type === 'durable') this.durable = message.frames
    if (message.type === 'writable') this.isWritable = message.isWritable
  }
}

/** The part of a `ws` socket that a connection uses. */
class MemorySocket extends EventEmitter {
  readonly OPEN = OPEN
  readyState = OPEN
  binaryType = 'nodebuffer'
  onClosed: (code: number) => void = () => undefined
  #isPaused = false
  #isDraining = false
  readonly #queue: Uint8Array[] = []

  deliver(frame: Uint8Array): void {
    this.#queue.push(frame)
    this.#drain()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#drain()
  }

  close(code: number): void {
    this.end(code)
  }

  end(code: number): void {
    if (this.readyState === CLOSED) return
    this.readyState = CLOSED
    this.onClosed(code)
    setImmediate(() => this.emit('close'))
  }

  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    setImmediate(() => {
      this.#isDraining = false
      while (!this.#isPaused && this.readyState === OPEN) {
        const frame = this.#queue.shift()
        if (frame === undefined) return
        this.emit('message', Buffer.from(frame), true)
      }
    })
  }
}
