import type { Duplex } from 'node:stream'
import {
  CLOSE,
  decodeFrame,
  encodeJoinery,
  type Frame,
  FrameError,
  type JoineryMessage,
  KEEP_ALIVE_FRAME,
} from '@joinery/protocol'
import type { WebSocket } from 'ws'
import { closeReason } from '../close-reason.ts'
import type { Identity } from '../identity.ts'
import type { ServerLimits } from '../limits.ts'
import type { ServerError } from '../server-error.ts'
import { REFUSALS } from '../server-error.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'

/** Opcode 9, empty (RFC 6455, 5.5.2). */
const PING = Uint8Array.of(0x89, 0)
const PING_AND_KEEP_ALIVE = Buffer.concat([PING, encodeBinaryMessage(KEEP_ALIVE_FRAME)])
/** Heartbeats without a sign of life after which a connection is dead. */
const MISSED_BEATS_MAX = 2

/** Who does not want a connection to be read from, as bits: it is read from again when nobody is left. */
const RESTS = { byRoom: 1, byTick: 2, byBacklog: 4 } as const

/** `ws` closes by itself after an error (1002, 1007, 1009); `close` follows and is what counts. */
const ignore = (): void => undefined

/** Where a connection's frames go. */
export interface ConnectionRoom {
  readonly workspace: string
  receive(connection: Connection, frame: Frame): void
  leave(connection: Connection, nowMs: number): void
}

/** One socket in one room: bytes in, frames out, and what the room has to remember of it. It knows no document. */
export class Connection {
  readonly id: string
  readonly identity: Identity
  /** It asked for Joinery's own message. */
  readonly wantsJoinery: boolean
  /** Generation of the client's local copy; undefined when it has none or did not say. */
  readonly generation: string | undefined

  /** The room it has joined; undefined until then. */
  room: ConnectionRoom | undefined
  /** Updates that came in this tick, in order. */
  inbox: Uint8Array[] = []
  /** Number of the last update frame in {@link inbox}. */
  inboxThrough = 0
  /** Update frames (SyncStep2 and Update) received so far. */
  framesReceived = 0
  /** A SyncStep1 is out and not yet answered: the answer may be large. */
  awaitsSyncStep2 = false
  /** The SyncStep2 among {@link inbox}: all that the client has and the server lacks, whoever wrote it. */
  answer: Uint8Array | undefined
  /** Updates were dropped while storage failed: nothing is acknowledged until a SyncStep2 has brought them again. */
  hasDropped = false
  /** An update was refused. What follows builds on it, so nothing more is taken in from this connection. */
  isRefused = false
  /** The answer to a SyncStep1 is on its way. */
  isBeingAnswered = false
  /** State vector of the last SyncStep1 that has come meanwhile. */
  asksAgain: Uint8Array | undefined
  /** Why the server ended it, as the client was told; undefined when the client went by itself. */
  endedFor: string | undefined
  /** State vector of what it has been sent, while it reads too slowly to be sent more. */
  laggingFrom: Uint8Array | undefined

  readonly #ws: WebSocket
  readonly #socket: Duplex
  readonly #limits: ServerLimits
  readonly #onClosed: (connection: Connection) => void
  #tickBytes = 0
  #isHeard = true
  #isSpokenTo = false
  #missedBeats = 0
  #bytesFlushed = 0
  #beatAtMs: number
  #rests = 0

  constructor(options: {
    id: string
    ws: WebSocket
    socket: Duplex
    identity: Identity
    wantsJoinery: boolean
    generation: string | undefined
    limits: ServerLimits
    onClosed: (connection: Connection) => void
    nowMs: number
  }) {
    this.id = options.id
    this.identity = options.identity
    this.wantsJoinery = options.wantsJoinery
    this.generation = options.generation
    this.#ws = options.ws
    this.#socket = options.socket
    this.#limits = options.limits
    this.#onClosed = options.onClosed
    this.#beatAtMs = options.nowMs + options.limits.heartbeatMs
    const ws = options.ws
    ws.binaryType = 'nodebuffer'
    ws.on('message', (data: Buffer, isBinary: boolean) => this.#onMessage(data, isBinary))
    ws.on('pong', () => {
      this.#isHeard = true
    })
    ws.on('error', ignore)
    ws.on('close', () => {
      this.room?.leave(this, Date.now())
      this.#onClosed(this)
    })
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  /** Sends one y-websocket frame. */
  send(frame: Uint8Array): void {
    this.write(encodeBinaryMessage(frame))
  }

  /** Sends Joinery's own message, if it was asked for. */
  tell(message: JoineryMessage): void {
    if (this.wantsJoinery) this.send(encodeJoinery(message))
  }

  /**
   * Writes WebSocket messages that are framed already. Straight to the socket: without compression `ws` keeps no queue of
   * its own, and the same bytes can go to every receiver.
   */
  write(message: Uint8Array): void {
    if (!this.isOpen) return
    this.#isSpokenTo = true
    this.#socket.write(message)
  }

  /** Calls `listener` once, when all that was buffered has gone out. */
  onceDrained(listener: () => void): void {
    this.#socket.once('drain', listener)
  }

  /** Calls `listener` once in a later turn, when no more is buffered than a connection is owed. */
  onceReady(listener: () => void): void {
    if (this.isFull) this.onceDrained(listener)
    else setImmediate(listener)
  }

  /** The kernel has yet to take so much that nothing is added to it. */
  get isFull(): boolean {
    return this.#socket.writableLength > this.#limits.sendBufferBytesMax
  }

  /** Stops reading: what the client sends waits in its socket. */
  pause(): void {
    this.#rest(RESTS.byRoom)
  }

  resume(): void {
    this.#tickBytes = 0
    this.#goOn(RESTS.byRoom)
  }

  /** Like {@link pause}, for as long as storage is behind; its silence is no sign of death. */
  hold(): void {
    this.#rest(RESTS.byBacklog)
  }

  letGo(): void {
    this.#goOn(RESTS.byBacklog)
  }

  /** Ends a tick: the updates it brought. */
  takeInbox(): Uint8Array[] {
    const updates = this.inbox
    this.inbox = []
    this.answer = undefined
    this.#tickBytes = 0
    return updates
  }

  /** Ends the connection with the reason's close code. */
  refuse(error: ServerError): void {
    this.close(REFUSALS[error.code].close, `${error.code}: ${error.message}`)
  }

  close(code: number, reason: string): void {
    this.endedFor ??= reason
    this.#goOn(this.#rests)
    this.#ws.close(code, closeReason(reason))
  }

  terminate(reason: string): void {
    this.endedFor ??= reason
    this.#ws.terminate()
  }

  /** Called about once a second: pings, keeps silent clients alive, ends dead and expired ones. */
  beat(nowMs: number): void {
    if (nowMs < this.#beatAtMs) return
    this.#beatAtMs = nowMs + this.#limits.heartbeatMs
    if (this.identity.expiresAtMs !== undefined && nowMs >= this.identity.expiresAtMs) {
      this.close(CLOSE.unauthorized, 'unauthorized: the token has expired; connect with a fresh one')
      return
    }
    if (!this.#isAlive()) return this.terminate('it gave no sign of life')
    this.#isHeard = false
    if (this.isOpen) this.#socket.write(this.#isSpokenTo ? PING : PING_AND_KEEP_ALIVE)
    this.#isSpokenTo = false
  }

  #isAlive(): boolean {
    const bytesFlushed = (this.#socket as { bytesWritten?: number }).bytesWritten ?? 0
    const flushed = bytesFlushed - this.#socket.writableLength
    const isDraining = this.#socket.writableLength > 0 && flushed > this.#bytesFlushed
    this.#bytesFlushed = flushed
    // A slow reader answers the ping only after all that lies before it: moving bytes count as life.
    const isHeld = (this.#rests & RESTS.byBacklog) !== 0
    this.#missedBeats = this.#isHeard || isDraining || isHeld ? 0 : this.#missedBeats + 1
    return this.#missedBeats < MISSED_BEATS_MAX
  }

  /** One connection that sends without end must not keep the tick, and so everybody else, waiting. */
  #countBytes(bytes: number): void {
    const before = this.#tickBytes
    this.#tickBytes += bytes
    if (before > this.#limits.tickBytesMax || this.#tickBytes <= this.#limits.tickBytesMax) return
    this.#rest(RESTS.byTick)
    setImmediate(() => {
      this.#tickBytes = 0
      this.#goOn(RESTS.byTick)
    })
  }

  #rest(by: number): void {
    this.#rests |= by
    this.#ws.pause()
  }

  #goOn(by: number): void {
    this.#rests &= ~by
    if (this.#rests === 0) this.#ws.resume()
  }

  #onMessage(data: Buffer, isBinary: boolean): void {
    this.#isHeard = true
    if (!isBinary) return this.close(CLOSE.badFrame, 'bad_frame: frames are binary; this one is text')
    this.#countBytes(data.length)
    let frame: Frame
    try {
      frame = decodeFrame(data)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return this.close(CLOSE.badFrame, `bad_frame: ${error.message}`)
    }
    this.room?.receive(this, frame)
  }
}
