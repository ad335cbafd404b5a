import type { Duplex } from 'node:stream'
import {
  CLOSE,
  type CloseCode,
  decodeFrame,
  type Frame,
  FrameError,
  KEEP_ALIVE_FRAME,
  MESSAGE,
} from '@joinery/protocol'
import { WebSocket } from 'ws'
import { closeReason } from '../close-reason.ts'
import type { Identity } from '../identity.ts'
import type { ServerLimits } from '../limits.ts'
import type { Wire, WireReader } from '../room/wire.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import type { FrameSource, UnfinishedFrames } from './unfinished-frames.ts'
import { Unmasking } from './unmasking.ts'
import type { UnsentBytes, UnsentHolder } from './unsent-bytes.ts'
import { PIECE_BYTES, UnsentMessages } from './unsent-messages.ts'

/** An empty ping frame, and the first byte of a pong: opcodes 9 and 10 (RFC 6455, 5.5). */
const PING = Uint8Array.of(0x89, 0)
const PONG = 0x8a
const PING_AND_KEEP_ALIVE = Buffer.concat([PING, encodeBinaryMessage(KEEP_ALIVE_FRAME)])
/** Heartbeats without a sign of life after which a connection is dead. */
const MISSED_BEATS_MAX = 2

/** The part of the edge that all wires of a server share. */
export interface WireEdge {
  readonly limits: ServerLimits
  /** Time that one message uses up at the rate of `messagesPerSecond`, ms. */
  readonly messageMs: number
  /** Time at which the bytes came that are being read, ms of `performance.now()`: read once for all messages in them. */
  readAtMs: number
  readonly unfinished: UnfinishedFrames
  readonly unsent: UnsentBytes
  /** Called once, when the wire is closed. */
  onClosed(wire: SocketWire): void
}

/** Ignores an error of `ws`: it closes the socket by itself (1002, 1007, 1009), and its `close` event follows. */
const ignore = (): void => undefined

/**
 * A WebSocket that knows its wire, so that all of them share one listener for each event: closures for each would take
 * memory while connections idle.
 */
export class WireSocket extends WebSocket {
  wire: SocketWire | undefined
}

const WIRE = Symbol('wire')

/** The TCP socket of a {@link WireSocket}. */
type Carrier = Duplex & { [WIRE]?: SocketWire }

function onBytes(this: Carrier, chunk: Buffer): void {
  this[WIRE]?.onBytes(chunk)
}

function onMessage(this: WebSocket, data: Buffer, isBinary: boolean): void {
  wireOf(this)?.onMessage(data, isBinary)
}

function onPing(this: WebSocket, body: Buffer): void {
  wireOf(this)?.onPing(body)
}

function onPong(this: WebSocket): void {
  wireOf(this)?.onPong()
}

function onClose(this: WebSocket): void {
  wireOf(this)?.onClose()
}

function wireOf(ws: WebSocket): SocketWire | undefined {
  return (ws as WireSocket).wire
}

/** A WebSocket of this process as a room's wire. It pings, and ends when the client is silent or its token expires. */
export class SocketWire implements Wire, FrameSource, UnsentHolder {
  readonly id: string
  readonly workspace: string
  readonly identity: Identity
  readonly wantsJoinery: boolean
  /** The reader of the frames. Set once, in the turn that made the wire. */
  reader: WireReader | undefined
  /** Bytes that came since the last complete message. */
  unfinishedBytes = 0
  /** The reason for which the server ended the connection, as the client was told; undefined when the client left. */
  endedFor: string | undefined

  /** The code that it was told, if the server closed it. */
  endedWith: number | undefined
  /** Address of the client, or of the proxy in front of it. */
  readonly from: string
  readonly clientId: number | undefined

  readonly #ws: WireSocket
  readonly #socket: Duplex
  readonly #unmasking = new Unmasking()
  readonly #edge: WireEdge
  /** True when the edge has ended the connection: what still comes from the client counts no more. */
  #isDeaf = false
  #isPaused = false
  #isHeard = true
  #isSpokenTo = false
  #missedBeats = 0
  #bytesRead = 0
  #beatAtMs: number
  /** The messages that wait to be sent; undefined when none do. */
  #unsent: UnsentMessages | undefined
  /**
   * Time when the token expires, ms of `performance.now()`: a clock that is set back does not prolong it. Undefined if it
   * never does.
   */
  readonly #expiresAtMs: number | undefined
  #endTimer: NodeJS.Timeout | undefined
  /** Time at which the messages so far are due at the rate, ms: ahead of now by at most a burst. */
  #messagesDueMs = 0

  constructor(options: {
    id: string
    workspace: string
    from: string
    ws: WireSocket
    socket: Duplex
    identity: Identity
    wantsJoinery: boolean
    clientId: number | undefined
    edge: WireEdge
    nowMs: number
  }) {
    this.id = options.id
    this.workspace = options.workspace
    this.from = options.from
    this.identity = options.identity
    this.wantsJoinery = options.wantsJoinery
    this.clientId = options.clientId
    this.#ws = options.ws
    this.#socket = options.socket
    this.#edge = options.edge
    this.#beatAtMs = options.nowMs + options.edge.limits.heartbeatMs
    const { expiresAtMs } = options.identity
    this.#expiresAtMs = expiresAtMs === undefined ? undefined : options.nowMs + (expiresAtMs - Date.now())
    const { ws, socket } = options
    ws.binaryType = 'nodebuffer'
    ws.wire = this
    ws.on('message', onMessage)
    ws.on('ping', onPing)
    ws.on('pong', onPong)
    ws.on('error', ignore)
    ws.on('close', onClose)
    ;(socket as Carrier)[WIRE] = this
    // Before the listener of `ws`, which makes messages of the bytes: it gets them unmasked.
    socket.prependListener('data', onBytes)
  }

  get principal(): string {
    return this.identity.isAuthenticated ? this.identity.actor : this.from
  }

  get isOpen(): boolean {
    return this.#ws.readyState === this.#ws.OPEN
  }

  /** Bytes that wait to be sent, with those that each waiting message costs beside its content. */
  get unsentBytes(): number {
    return this.#unsent?.bytes ?? 0
  }

  get unsentSinceMs(): number {
    return this.#unsent?.movedAtMs ?? performance.now()
  }

  get isFull(): boolean {
    return this.unsentBytes > this.#edge.limits.sendBufferBytesMax
  }

  /**
   * Writes straight to the socket, so that the same bytes can go to every receiver. Messages that the socket does not take at once
   * wait in {@link UnsentMessages}. Without compression `ws` keeps no queue that this could overtake.
   */
  write(message: Uint8Array): void {
    if (!this.isOpen) return
    this.#isSpokenTo = true
    if (this.#unsent !== undefined) return this.#unsent.add(message)
    if (message.length > PIECE_BYTES) return this.#queue().add(message)
    this.#socket.write(message)
    if (this.#socket.writableLength > 0) this.#queue().addHanded(message)
  }

  onceDrained(then: () => void): void {
    if (this.#unsent === undefined) setImmediate(then)
    else this.#unsent.onceEmpty(then)
  }

  pause(): void {
    // A closing socket must be read: the client's close frame is still to come.
    if (!this.isOpen) return
    this.#isPaused = true
    this.#ws.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#ws.resume()
  }

  close(code: number, reason: string): void {
    this.endedFor ??= reason
    this.endedWith ??= code
    // Unless the client's close frame is read, the connection stays half open.
    this.resume()
    if (this.isOpen) this.#unsent?.flush()
    this.#ws.close(code, closeReason(reason))
  }

  /**
   * Ends the connection as {@link close} does, takes nothing more that comes from it, and destroys it after `drainMs`. The messages
   * that wait are dropped: the client is told at once, and asks for them when it connects again.
   */
  end(code: CloseCode, reason: string): void {
    this.#isDeaf = true
    this.#unsent?.drop()
    this.close(code, reason)
    this.#endTimer ??= setTimeout(() => this.#ws.terminate(), this.#edge.limits.drainMs)
    this.#endTimer.unref()
  }

  /** Ends the connection at once: the bytes of its unfinished frame are freed only with its socket. */
  endUnfinished(reason: string): void {
    this.end(CLOSE.tryLater, `too_slow: ${reason}`)
    this.#socket.write('', () => this.#ws.terminate())
  }

  /** Frees what waits and destroys the socket: a close frame would have to wait behind it. */
  endUnsent(reason: string): void {
    this.#unsent?.free()
    this.terminate(`too_slow: ${reason}`)
  }

  /** Destroys the socket without a close frame. */
  terminate(reason: string): void {
    this.endedFor ??= reason
    this.#ws.terminate()
  }

  /** Pings, keeps a silent client alive, and ends a dead or expired connection. Call it about once a second. */
  beat(nowMs: number): void {
    if (this.#hasExpired(nowMs)) return this.#expire()
    if (nowMs < this.#beatAtMs) return
    const { heartbeatMs, unreadMs } = this.#edge.limits
    this.#beatAtMs = nowMs + heartbeatMs
    const hasMoved = this.#unsent?.beat() === true
    if (this.#unsent?.isStuck(MISSED_BEATS_MAX, nowMs - unreadMs) === true) {
      return this.endUnsent(`the client has read nothing of what waits for it for ${unreadMs} ms`)
    }
    if (!this.#isAlive(hasMoved)) return this.terminate('the client gave no sign of life')
    this.#isHeard = false
    if (this.isOpen) this.#control(this.#isSpokenTo ? PING : PING_AND_KEEP_ALIVE)
    this.#isSpokenTo = false
  }

  #isAlive(hasMoved: boolean): boolean {
    // A slow reader answers the ping only after all that lies before it: moving bytes count as life.
    // A slow writer answers it only after the whole of a long message.
    const bytesRead = (this.#socket as { bytesRead?: number }).bytesRead ?? 0
    const isBringing = bytesRead > this.#bytesRead
    this.#bytesRead = bytesRead
    this.#missedBeats = this.#isHeard || hasMoved || isBringing || this.#isPaused ? 0 : this.#missedBeats + 1
    return this.#missedBeats < MISSED_BEATS_MAX
  }

  /** Answers a ping, unless the client does not read: pings cost their sender nothing. */
  onPing(body: Buffer): void {
    const nowMs = performance.now()
    if (!this.#countMessage(nowMs) || !this.isOpen) return
    this.reader?.pinged(nowMs)
    if (this.isFull) return
    this.#control(Buffer.concat([Uint8Array.of(PONG, body.length), body]))
  }

  onPong(): void {
    this.#isHeard = true
    this.#countMessage(performance.now())
  }

  onClose(): void {
    clearTimeout(this.#endTimer)
    this.#edge.unfinished.forget(this)
    this.#unsent?.free()
    this.reader?.left(performance.now())
    this.#edge.onClosed(this)
  }

  /** Sends a frame that must not wait behind what waits already. It never goes into the middle of a message. */
  #control(frame: Uint8Array): void {
    if (this.#unsent !== undefined) return this.#unsent.addControl(frame)
    this.#socket.write(frame)
    if (this.#socket.writableLength > 0) this.#queue().addHanded(frame)
  }

  #queue(): UnsentMessages {
    this.#unsent ??= new UnsentMessages(this.#socket, this.#edge.unsent, this, () => {
      this.#unsent = undefined
    })
    return this.#unsent
  }

  #hasExpired(nowMs: number): boolean {
    return this.#expiresAtMs !== undefined && nowMs >= this.#expiresAtMs
  }

  #expire(): void {
    if (!this.#isDeaf) {
      this.end(CLOSE.tokenExpired, 'unauthorized: the token has expired: connect again with a fresh one')
    }
  }

  /** Counts a message or a ping. Returns false, and ends the connection, when there were too many for too long. */
  #countMessage(nowMs: number): boolean {
    const { limits, messageMs } = this.#edge
    const dueMs = Math.max(this.#messagesDueMs, nowMs) + messageMs
    this.#messagesDueMs = dueMs
    if (dueMs - nowMs <= limits.messagesBurst * messageMs) return true
    if (!this.#isDeaf) {
      const { messagesPerSecond, messagesBurst } = limits
      const reason = `more than ${messagesPerSecond} messages a second for longer than a burst of ${messagesBurst}: send changes together`
      this.end(CLOSE.tooFast, `too_fast: ${reason}`)
    }
    return false
  }

  onBytes(chunk: Buffer): void {
    this.#unmasking.unmask(chunk)
    if (this.#isDeaf) return
    if (this.#unmasking.isTooFine) return this.end(CLOSE.tooFast, 'too_fast: messages came in too many small parts')
    const bytes = chunk.length
    this.#edge.readAtMs = performance.now()
    this.unfinishedBytes += bytes
    this.#edge.unfinished.note(this)
    this.reader?.arrived(bytes, this.unfinishedBytes)
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    if (this.#isDeaf) return
    // Checked here, too: what comes between two beats must not count any more.
    // The room pays for the edits of a whole tick by its own clock. Only other messages need the time at which theirs began.
    const nowMs = data[0] === MESSAGE.sync ? this.#edge.readAtMs : performance.now()
    if (this.#hasExpired(nowMs)) return this.#expire()
    if (!this.#countMessage(nowMs)) return
    this.#isHeard = true
    this.unfinishedBytes = 0
    this.#edge.unfinished.note(this)
    if (!isBinary) return this.end(CLOSE.badFrame, 'bad_frame: frames are binary; this one is text')
    let frame: Frame
    try {
      frame = decodeFrame(data)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      return this.end(CLOSE.badFrame, `bad_frame: ${error.message}`)
    }
    this.reader?.receive(frame, data.length, nowMs)
  }
}
