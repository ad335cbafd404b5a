import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Durable, encodeJoinery, type Frame, type JoineryMessage } from '@joinery/protocol'
import type { Others } from '../content/announced-ids.ts'
import type { Writer } from '../content/document-rules.ts'
import type { Identity } from '../identity.ts'
import type { Ledger, RestingPayer } from '../ledger.ts'
import type { ServerLimits } from '../limits.ts'
import { REFUSALS, type ServerError } from '../server-error.ts'
import type { Turns } from '../turns.ts'
import { encodeBinaryMessage } from '../ws-frame.ts'
import type { Inbox } from './inbox.ts'
import type { Wire, WireReader } from './wire.ts'

/** Time that `ws` takes to read a ping and that the answer takes, ms, about: more than can be measured around one. */
const PING_COST_MS = 0.005
/** Bytes from which on a message is long: to gather and unmask it takes some milliseconds, in the turn in which it ends. */
const LONG_BYTES_MIN = 1024 * 1024
/** The same for each byte of a long message. */
const READ_MS_PER_BYTE = 5 / (1024 * 1024)

/** Reasons for which a member's wire is paused, as bits. The wire is read again when no reason is left. */
const RESTS = { room: 1, tick: 2, backlog: 4, budget: 8, answers: 16, trial: 32 } as const

/**
 * The room's handling of a member's updates.
 *
 * - `taking`: the room takes and acknowledges updates.
 * - `asking`: the same, and the room has sent a SyncStep1. The answer may be as large as a first sync.
 * - `dropped`: the room dropped updates while storage failed. It acknowledges nothing until an answer has brought them
 *   again.
 * - `askingAgain`: the same, and the room has sent a SyncStep1.
 * - `refused`: the room refused an update. Later updates may build on it, so the room takes no more. Final.
 */
export type Intake = 'taking' | 'asking' | 'dropped' | 'askingAgain' | 'refused'

/**
 * Whether a SyncStep1 of the member is being answered. `next` is the state vector of the last SyncStep1 that came
 * meanwhile.
 */
export type Answering = { readonly state: 'idle' } | { readonly state: 'busy'; readonly next: Uint8Array | undefined }

/** All that a member has been sent, as a place in each of the room's streams of news. */
export interface Reached {
  readonly stateVector: Uint8Array
  /** Number of the last change of presence. */
  readonly presence: number
  /** Number of the last conflict. */
  readonly conflicts: number
  /** The last record whose stamps have been told. */
  readonly lsn: number
}

/**
 * A member that lacks edits: its first SyncStep1, or what it has missed, is not answered yet. It gets no updates, since they may
 * build on those edits. `held` has the update messages that go out after the answer; undefined before the SyncStep1 has come.
 */
export interface Lacking {
  readonly state: 'lacking'
  readonly held: Uint8Array[] | undefined
}

/** Which news the member gets. A member that reads too slowly gets none, and has been sent everything up to `from`. */
export type Reach =
  | { readonly state: 'current' }
  | Lacking
  | { readonly state: 'lagging'; readonly from: Reached; readonly lacking: Lacking | undefined }

export const IDLE: Answering = { state: 'idle' }
export const CURRENT: Reach = { state: 'current' }
const UNASKED: Lacking = { state: 'lacking', held: undefined }

/** The room of a member, as the member needs it. */
export interface MemberRoom {
  readonly workspace: string
  receive(member: Member, frame: Frame): void
  leave(member: Member, nowMs: number): void
}

/** Parts that all members of a server share. */
export interface MemberContext {
  readonly limits: ServerLimits
  readonly ledger: Ledger
  /** The turns in which long messages are read. */
  readonly longReads: Turns
}

/** One connection as its room remembers it. A member knows no socket: it sends bytes through its {@link Wire}. */
export class Member implements WireReader, RestingPayer {
  readonly wire: Wire
  /** Generation of the client's local copy; undefined when the client has no copy or did not say. */
  readonly generation: string | undefined
  /** The room that the member has joined; undefined before that. */
  room: MemberRoom | undefined
  intake: Intake = 'taking'
  answering: Answering = IDLE
  reach: Reach = UNASKED
  /** Update frames (SyncStep2 and Update) received so far. */
  framesReceived = 0
  /** The identity, with the client id that the connection announced. */
  writer: Writer
  /** True once the connection has said, or has failed to say, which client id is its own. */
  hasAnnounced = false
  /** The other actors that had announced the same client id. */
  others: Others | undefined
  /** The updates of this tick; undefined when there are none. */
  inbox: Inbox | undefined
  /** The update that was tried in a worker thread, and fits. */
  tried: Uint8Array | undefined
  /** The update that was compared with the document in turns, and brings something new: see `KnownComparison`. */
  compared: Uint8Array | undefined
  readonly limits: ServerLimits
  readonly #ledger: Ledger
  readonly #longReads: Turns
  /** The acknowledgement that waits until the wire is drained. A later one replaces it. */
  #durable: Durable | undefined
  #tickBytes = 0
  #rests = 0

  constructor(wire: Wire, generation: string | undefined, { limits, ledger, longReads }: MemberContext) {
    this.wire = wire
    this.generation = generation
    this.limits = limits
    this.writer = wire.identity
    this.#ledger = ledger
    this.#longReads = longReads
  }

  get identity(): Identity {
    return this.wire.identity
  }

  get id(): string {
    return this.wire.id
  }

  get isOpen(): boolean {
    return this.wire.isOpen
  }

  /** The payer of the connection's costs: the actor of its token, and without a token the connection itself. */
  get principal(): string {
    return this.identity.isAuthenticated ? this.identity.actor : this.wire.id
  }

  /** The principal whose quotas count: the actor of the token, and without a token the address. */
  get owner(): string {
    return this.identity.isAuthenticated ? this.identity.actor : (this.wire.from ?? '')
  }

  get workspace(): string {
    return this.room?.workspace ?? ''
  }

  arrived(bytes: number, unfinished: number): void {
    this.#countBytes(bytes, unfinished)
    if (unfinished > LONG_BYTES_MIN) this.#ledger.haveRestIfOwing(this)
  }

  receive(frame: Frame, bytes: number, sinceMs: number): void {
    if (bytes > LONG_BYTES_MIN) this.#ledger.chargeAtOnce(this, bytes * READ_MS_PER_BYTE)
    this.room?.receive(this, frame)
    // Updates and SyncStep1 are paid for where the room works on them.
    if (frame.type !== 'update' && frame.type !== 'syncStep2' && frame.type !== 'syncStep1') this.charge(sinceMs)
  }

  pinged(sinceMs: number): void {
    this.charge(sinceMs - PING_COST_MS)
  }

  left(nowMs: number): void {
    this.room?.leave(this, nowMs)
  }

  /** Sends one y-websocket frame. */
  send(frame: Uint8Array): void {
    this.wire.write(encodeBinaryMessage(frame))
  }

  /**
   * Sends a message of Joinery's own to this member alone, if its client asked for those. A member that does not read is not
   * read, either, until it does: so nobody can ask for more and more.
   */
  tell(message: JoineryMessage): void {
    if (!this.wire.wantsJoinery) return
    this.send(encodeJoinery(message))
    if (!this.wire.isFull || (this.#rests & RESTS.answers) !== 0) return
    this.#rest(RESTS.answers)
    this.wire.onceDrained(() => this.#goOn(RESTS.answers))
  }

  /** Acknowledges update frames. Of the acknowledgements that wait, only the last is sent: it covers the others. */
  acknowledge(durable: Durable): void {
    const isFirst = this.#durable === undefined
    // A later one must not overtake one that waits.
    if (isFirst && !this.wire.isFull) return this.tell(durable)
    // A record that needed an fsync is durable later than one that came after it.
    if (this.#durable === undefined || durable.frames > this.#durable.frames) this.#durable = durable
    if (!isFirst) return
    this.wire.onceDrained(() => {
      const last = this.#durable
      this.#durable = undefined
      if (last !== undefined) this.tell(last)
    })
  }

  /** Ends the connection with the error's close code. */
  refuse(error: ServerError): void {
    this.wire.close(REFUSALS[error.code].close, `${error.code}: ${error.message}`)
  }

  /** Calls `listener` once, in a later turn, when the wire is no longer full. */
  onceReady(listener: () => void): void {
    if (this.wire.isFull) this.wire.onceDrained(listener)
    else setImmediate(listener)
  }

  /** Stops reading from the wire until {@link resume}. */
  pause(): void {
    this.#rest(RESTS.room)
  }

  resume(): void {
    this.#tickBytes = 0
    this.#goOn(RESTS.room)
  }

  /** Stops reading from the wire until {@link release}, while storage is behind. */
  hold(): void {
    this.#rest(RESTS.backlog)
  }

  release(): void {
    this.#goOn(RESTS.backlog)
  }

  /**
   * Pays for work that began at `sinceMs` by `performance.now()` and ends now, shared with so many others. Returns now.
   */
  charge(sinceMs: number, payers?: number): number {
    return this.#ledger.charge(this, sinceMs, payers)
  }

  /** Pays a cost that was measured, ms, at the time `nowMs` by `performance.now()`: of one turn, or of many short ones. */
  pay(costMs: number, nowMs: number, isOneTurn = true): void {
    this.#ledger.chargeCost(this, costMs, nowMs, isOneTurn)
  }

  /** Stops reading from the wire until {@link goOn}, while others have their turns. */
  rest(): void {
    this.#rest(RESTS.budget)
  }

  goOn(): void {
    this.#goOn(RESTS.budget)
  }

  /** Sends a SyncStep1: the client answers with all that the server lacks. */
  ask(syncStep1: Uint8Array): void {
    if (this.intake === 'refused') return
    this.intake = this.hasDropped ? 'askingAgain' : 'asking'
    this.send(syncStep1)
  }

  /**
   * Notes a SyncStep2. Returns whether it answers a SyncStep1 of the server.
   *
   * @param isTaken false when the SyncStep2 will be dropped
   */
  answered(isTaken: boolean): boolean {
    if (this.intake !== 'asking' && this.intake !== 'askingAgain') return false
    this.intake = this.intake === 'askingAgain' && !isTaken ? 'dropped' : 'taking'
    return true
  }

  /** Whether updates were dropped while storage failed, and are not here again yet. */
  get hasDropped(): boolean {
    return this.intake === 'dropped' || this.intake === 'askingAgain'
  }

  /** Discards the updates of this tick, while storage fails. */
  drop(): void {
    this.inbox = undefined
    this.noteDropped()
  }

  noteDropped(): void {
    if (this.intake === 'taking') this.intake = 'dropped'
    else if (this.intake === 'asking') this.intake = 'askingAgain'
  }

  /** Puts one update into the inbox. Returns whether it is the first of this tick. */
  put(update: Uint8Array, isAnswer: boolean, bytesMax: number): boolean {
    const isFirst = this.inbox === undefined
    this.inbox ??= { updates: [], through: 0, answer: undefined, tooLarge: undefined }
    if (update.length > bytesMax) this.inbox.tooLarge ??= { update, bytesMax }
    this.inbox.updates.push(update)
    this.inbox.through = this.framesReceived
    if (isAnswer) this.inbox.answer = update
    return isFirst
  }

  /** Ends a tick. Returns the updates that the member sent in it. */
  takeInbox(): Inbox | undefined {
    const { inbox } = this
    this.inbox = undefined
    this.#tickBytes = 0
    return inbox
  }

  /** Puts updates back whose first has to be tried. The wire is not read meanwhile: nothing overtakes them. */
  awaitTrial(rest: Inbox): void {
    this.inbox = rest
    this.#rest(RESTS.trial)
  }

  /** Whether updates of the member wait for a trial. */
  get isOnTrial(): boolean {
    return (this.#rests & RESTS.trial) !== 0
  }

  endTrial(): void {
    this.#goOn(RESTS.trial)
  }

  /** Time until what the member owes is paid, ms. */
  get restMs(): number {
    return this.#ledger.restOf(this)
  }

  /** Pauses a member that sends without end until the next tick. Of all with long messages one goes on in each turn. */
  #countBytes(bytes: number, unfinished: number): void {
    const before = this.#tickBytes
    this.#tickBytes += bytes
    if (before > this.limits.tickBytesMax || this.#tickBytes <= this.limits.tickBytesMax) return
    this.#rest(RESTS.tick)
    const goOn = (): void => {
      this.#tickBytes = 0
      this.#goOn(RESTS.tick)
    }
    if (unfinished > LONG_BYTES_MIN) void this.#longReads.take(() => nextTurn()).then(goOn)
    else setImmediate(goOn)
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

/** The member's state as one that lacks edits; undefined when it lacks none. */
export function lackingOf({ reach }: Member): Lacking | undefined {
  if (reach.state === 'lagging') return reach.lacking
  return reach.state === 'lacking' ? reach : undefined
}

/** Holds all further updates for a member that lacks edits, until {@link releaseUpdates}: the answer is being made. */
export function holdUpdates(member: Member): void {
  if (lackingOf(member)?.held !== undefined) return
  const lacking: Lacking = { state: 'lacking', held: [] }
  member.reach = member.reach.state === 'lagging' ? { ...member.reach, lacking } : lacking
}

/** Sends a member the updates that were held for it, after the edits that it lacked. Now it gets updates as they come. */
export function releaseUpdates(member: Member): void {
  const { reach } = member
  const held = lackingOf(member)?.held
  if (held === undefined) return
  member.reach = reach.state === 'lagging' ? { ...reach, lacking: undefined } : CURRENT
  for (const message of held) member.wire.write(message)
}

/** Whether a member reads too slowly and has missed updates. */
export function isLagging({ reach }: Member): boolean {
  return reach.state === 'lagging'
}
