import type { Frame } from '@joinery/protocol'
import type { Identity } from '../identity.ts'

/**
 * One connection as the room needs it: it sends bytes, names the identity behind it, and can be paused. A socket of
 * this process is one kind of wire; a connection that another process pipes in, or that a test makes, is another.
 */
export interface Wire {
  /** Id of the connection; the log records it with each update. */
  readonly id: string
  readonly identity: Identity
  /** Address of the client, or of the proxy in front of it; undefined where there is none. */
  readonly from?: string | undefined
  /** The Yjs client id that the client named when it connected. */
  readonly clientId?: number | undefined
  /** True when the client asked for Joinery's own messages. */
  readonly wantsJoinery: boolean
  /** False once either side has begun to close it. */
  readonly isOpen: boolean
  /** True when so many bytes wait to be sent that the room adds none. */
  readonly isFull: boolean
  /**
   * Sends WebSocket messages that are already framed. Does nothing unless {@link isOpen}. Keeps no reference to the
   * bytes.
   */
  write(message: Uint8Array): void
  /**
   * Stops reading: the client's bytes wait in its socket. The silence of a paused wire does not count as a dead
   * connection.
   */
  pause(): void
  resume(): void
  /** Calls `then` once, when all waiting bytes have been sent. */
  onceDrained(then: () => void): void
  /** Begins to close, with a code and a reason of any length. Only the first reason is logged. */
  close(code: number, reason: string): void
}

/** Takes the frames that a wire reads. */
export interface WireReader {
  /** Called as bytes come, before they are read: a long message comes in many turns. `unfinished` of them are of a message that has not ended. */
  arrived(bytes: number, unfinished: number): void
  /**
   * Takes one frame. `bytes` is the size of the message that held it; its reading began at `sinceMs` by `performance.now()`, or, for a
   * frame of the sync protocol, not long before that.
   */
  receive(frame: Frame, bytes: number, sinceMs: number): void
  /** Pays for a control frame, whose reading began at `sinceMs`. */
  pinged(sinceMs: number): void
  /** Called when the wire is closed: no frame comes any more. `nowMs` is the time by `performance.now()`, ms. */
  left(nowMs: number): void
}
