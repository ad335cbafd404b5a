import type { Frame } from '@joinery/protocol'
import type { Identity } from '../identity.ts'

/**
 * One connection as the room needs it: bytes out, the identity behind it, and control over when it is read. A socket of
 * this process is one kind; a connection that another process pipes in, and a test's, are others.
 */
export interface Wire {
  /** Id of the connection; the log records it with each update. */
  readonly id: string
  readonly identity: Identity
  /** The client asked for Joinery's own message. */
  readonly wantsJoinery: boolean
  /** False once either side has begun to close it. */
  readonly isOpen: boolean
  /** So many bytes wait to be sent that the room adds none. */
  readonly isFull: boolean
  /** Sends WebSocket messages that are framed already; ignored unless {@link isOpen}. The wire keeps no reference. */
  write(message: Uint8Array): void
  /** Stops reading: the client's bytes wait in its socket. A paused wire's silence is no sign of death. */
  pause(): void
  resume(): void
  /** Calls `then` once, when all bytes that wait have been sent. */
  onceDrained(then: () => void): void
  /** Begins to close with a code and a reason of any length. The first reason is the one that is logged. */
  close(code: number, reason: string): void
}

/** Where a wire hands over what it reads. */
export interface WireReader {
  /** Takes one frame. `bytes` is the size of the message that held it. */
  receive(frame: Frame, bytes: number): void
  /** The wire is closed: nothing comes any more. `nowMs` is the time, ms since epoch. */
  left(nowMs: number): void
}
