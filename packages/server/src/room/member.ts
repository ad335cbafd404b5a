import { encodeJoinery, type Frame, type JoineryMessage } from '@joinery/protocol'
import type { Identity } from '../identity.ts'
import type { ServerLimits } from '../limits.ts'
import { REFUSALS, type ServerError } from '../server-error.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import type { Wire, WireReader } from './wire.ts'

/** What keeps a member's wire from being read, as bits: the wire is read again when none is left. */
const RESTS = { room: 1, tick: 2, backlog: 4 } as const

/**
 * What the room does with a member's updates.
 *
 * - `taking`: it takes and acknowledges them.
 * - `asking`: so it does, and a SyncStep1 is out; its answer may be as large as a first sync.
 * - `dropped`: it dropped some while storage failed, and acknowledges nothing until an answer has brought them again.
 * - `askingAgain`: it dropped some, and a SyncStep1 is out.
 * - `refused`: one was refused. What follows builds on it, so it takes nothing more. Final.
 */
export type Intake = 'taking' | 'asking' | 'dropped' | 'askingAgain' | 'refused'

/** Whether a SyncStep1 of the member is being answered; `next` is the state vector of the last one that came meanwhile. */
export type Answering = { readonly state: 'idle' } | { readonly state: 'busy'; readonly next: Uint8Array | undefined }

/** Whether the member gets each update; `from` is the state vector of what a member that reads too slowly has been sent. */
export type Reach = { readonly state: 'current' } | { readonly state: 'lagging'; readonly from: Uint8Array }

/** Updates of one member that wait for the tick's end. */
export interface Inbox {
  /** In order of arrival. */
  readonly updates: Uint8Array[]
  /** Number of the last one among the member's update frames. */
  through: number
  /** The one that answers a SyncStep1: all that the client has and the server lacks, whoever wrote it. */
  answer: Uint8Array | undefined
}

export const IDLE: Answering = { state: 'idle' }
export const CURRENT: Reach = { state: 'current' }

/** The room of a member, as the member needs it. */
export interface MemberRoom {
  readonly workspace: string
  receive(member: Member, frame: Frame): void
  leave(member: Member, nowMs: number): void
}

/** What a room remembers of one of its connections. It knows no socket: bytes go out by its {@link Wire}. */
export class Member implements WireReader {
  readonly wire: Wire
  /** Generation of the client's local copy; undefined when it has none or did not say. */
  readonly generation: string | undefined
  /** Undefined until the member has joined one. */
  room: MemberRoom | undefined
  intake: Intake = 'taking'
  answering: Answering = IDLE
  reach: Reach = CURRENT
  /** Update frames (SyncStep2 and Update) received so far. */
  framesReceived = 0
  /** Undefined between ticks. */
  inbox: Inbox | undefined
  readonly #limits: ServerLimits
  #tickBytes = 0
  #rests = 0

  constructor(wire: Wire, generation: string | undefined, limits: ServerLimits) {
    this.wire = wire
    this.generation = generation
    this.#limits = limits
  }

  get identity(): Identity {
    return this.wire.identity
  }

  receive(frame: Frame, bytes: number): void {
    this.#countBytes(bytes)
    this.room?.receive(this, frame)
  }

  left(nowMs: number): void {
    this.room?.leave(this, nowMs)
  }

  /** Sends one y-websocket frame. */
  send(frame: Uint8Array): void {
    this.wire.write(encodeBinaryMessage(frame))
  }

  /** Sends Joinery's own message, if the client asked for it. */
  tell(message: JoineryMessage): void {
    if (this.wire.wantsJoinery) this.send(encodeJoinery(message))
  }

  /** Ends the connection with the error's close code. */
  refuse(error: ServerError): void {
    this.wire.close(REFUSALS[error.code].close, `${error.code}: ${error.message}`)
  }

  /** Calls `listener` once in a later turn, when no more bytes wait than a connection is owed. */
  onceReady(listener: () => void): void {
    if (this.wire.isFull) this.wire.onceDrained(listener)
    else setImmediate(listener)
  }

  /** Stops reading from it until {@link resume}. */
  pause(): void {
    this.#rest(RESTS.room)
  }

  resume(): void {
    this.#tickBytes = 0
    this.#goOn(RESTS.room)
  }

  /** Stops reading from it until {@link release}, while storage is behind. */
  hold(): void {
    this.#rest(RESTS.backlog)
  }

  release(): void {
    this.#goOn(RESTS.backlog)
  }

  /** Sends a SyncStep1: the client answers with all that the server lacks. */
  ask(syncStep1: Uint8Array): void {
    if (this.intake === 'refused') return
    this.intake = this.hasDropped ? 'askingAgain' : 'asking'
    this.send(syncStep1)
  }

  /** Notes a SyncStep2. True if it answers a SyncStep1 of the server's; `isTaken` tells that it will not be dropped. */
  answered(isTaken: boolean): boolean {
    if (this.intake !== 'asking' && this.intake !== 'askingAgain') return false
    this.intake = this.intake === 'askingAgain' && !isTaken ? 'dropped' : 'taking'
    return true
  }

  /** Updates were dropped while storage failed. */
  get hasDropped(): boolean {
    return this.intake === 'dropped' || this.intake === 'askingAgain'
  }

  /** Forgets the updates of this tick, while storage fails. */
  drop(): void {
    this.inbox = undefined
    this.noteDropped()
  }

  noteDropped(): void {
    if (this.intake === 'taking') this.intake = 'dropped'
    else if (this.intake === 'asking') this.intake = 'askingAgain'
  }

  /** Puts one update into the inbox. True if it is the first since the last tick. */
  put(update: Uint8Array, isAnswer: boolean): boolean {
    const isFirst = this.inbox === undefined
    this.inbox ??= { updates: [], through: 0, answer: undefined }
    this.inbox.updates.push(update)
    this.inbox.through = this.framesReceived
    if (isAnswer) this.inbox.answer = update
    return isFirst
  }

  /** Ends a tick: the updates it brought. */
  takeInbox(): Inbox | undefined {
    const { inbox } = this
    this.inbox = undefined
    this.#tickBytes = 0
    return inbox
  }

  /** A member that sends without end must not keep the tick, and so everybody else, waiting. */
  #countBytes(bytes: number): void {
    const before = this.#tickBytes
    this.#tickBytes += bytes
    if (before > this.#limits.tickBytesMax || this.#tickBytes <= this.#limits.tickBytesMax) return
    this.#rest(RESTS.tick)
    setImmediate(() => {
      this.#tickBytes = 0
      this.#goOn(RESTS.tick)
    })
  }

  #rest(by: number): void {
    this.#rests |= by
    this.wire.pause()
  }

  #goOn(by: number): void {
    if (this.#rests === 0) return
    this.#rests &= ~by
    if (this.#rests === 0) this.wire.resume()
  }
}
