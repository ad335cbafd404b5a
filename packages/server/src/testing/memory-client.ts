import {
  decodeFrame,
  encodeSyncStep1,
  encodeSyncStep2,
  encodeUpdate,
  type Frame,
  type JoineryMessage,
  type WorkspaceId,
} from '@joinery/protocol'
import * as Y from 'yjs'
import type { Identity } from '../identity.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Wire, WireReader } from '../room/wire.ts'

/**
 * A client and its wire without a network in between, for tests that run thousands of histories. Frames arrive in
 * order, in a later turn, and wait while the wire is paused.
 */
export class MemoryClient {
  readonly doc: Y.Doc
  readonly #wire: MemoryWire
  /** Number of update frames sent. */
  sent = 0
  /** Number of the sent update frames that are durable. */
  durable = 0
  isSynced = false
  closedWith: number | undefined
  closedFor = ''
  isWritable = true

  constructor(rooms: Rooms, workspace: WorkspaceId, doc: Y.Doc, id: string) {
    this.doc = doc
    this.#wire = new MemoryWire(id, (message) => this.#arrive(message))
    this.#wire.onClosed = (code, reason) => {
      this.closedWith = code
      this.closedFor = reason
      doc.off('update', this.#onUpdate)
    }
    doc.on('update', this.#onUpdate)
    this.#wire.reader = rooms.join(workspace, this.#wire, undefined)
    this.#send(encodeSyncStep1(Y.encodeStateVector(doc)))
  }

  /** Leaves as a client that loses its network: the frames that it sent before still arrive. */
  leave(): void {
    this.#wire.end(1006)
  }

  get isOpen(): boolean {
    return this.#wire.isOpen
  }

  /** Has the wire count as full, as that of a client that reads too slowly, until {@link readAgain}. */
  stopReading(): void {
    this.#wire.isFull = true
  }

  readAgain(): void {
    if (this.#wire.isFull) this.#wire.drained()
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    // As the SDK does: an edit before the answer to the server's SyncStep1 is not sent by itself, the answer brings it.
    if (origin !== this && this.sent > 0) this.#send(encodeUpdate(update))
  }

  #send(frame: Uint8Array): void {
    if (frame[1] !== 0) this.sent++
    this.#wire.deliver(frame)
  }

  #arrive(message: Uint8Array): void {
    const header = (message[1] as number) < 126 ? 2 : (message[1] as number) === 126 ? 4 : 10
    setImmediate(() => {
      if (this.isOpen) this.#take(decodeFrame(message.subarray(header)))
    })
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

/** A wire in memory. It is full when its test says so, and is read in later turns. */
class MemoryWire implements Wire {
  readonly id: string
  readonly identity: Identity
  readonly wantsJoinery = true
  isFull = false
  isOpen = true
  reader: WireReader | undefined
  onClosed: (code: number, reason: string) => void = () => undefined
  readonly #onMessage: (message: Uint8Array) => void
  #isPaused = false
  #isDraining = false
  readonly #queue: Uint8Array[] = []
  readonly #onDrained: (() => void)[] = []

  constructor(id: string, onMessage: (message: Uint8Array) => void) {
    this.id = id
    this.identity = {
      actor: id,
      source: 'user_action',
      access: 'write',
      sources: undefined,
      isAuthenticated: false,
    } as never
    this.#onMessage = onMessage
  }

  deliver(frame: Uint8Array): void {
    this.#queue.push(frame)
    this.#drain()
  }

  write(message: Uint8Array): void {
    if (this.isOpen) this.#onMessage(message)
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#drain()
  }

  onceDrained(then: () => void): void {
    if (this.isFull) this.#onDrained.push(then)
    else setImmediate(then)
  }

  drained(): void {
    this.isFull = false
    for (const then of this.#onDrained.splice(0)) setImmediate(then)
  }

  close(code: number, reason: string): void {
    this.end(code, reason)
  }

  end(code: number, reason = ''): void {
    if (!this.isOpen) return
    this.isOpen = false
    this.onClosed(code, reason)
    setImmediate(() => this.reader?.left(Date.now()))
  }

  #drain(): void {
    if (this.#isDraining) return
    this.#isDraining = true
    setImmediate(() => {
      this.#isDraining = false
      while (!this.#isPaused && this.isOpen) {
        const frame = this.#queue.shift()
        if (frame === undefined) return
        this.reader?.arrived(frame.length, 0)
        this.reader?.receive(decodeFrame(frame), frame.length, performance.now())
      }
    })
  }
}
