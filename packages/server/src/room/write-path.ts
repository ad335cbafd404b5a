import type { WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Applied } from '../content/applied.ts'
import { UpdateError } from '../content/apply-update.ts'
import type { Refusal } from '../content/document-rules.ts'
import { relaying } from '../content/relayed-record.ts'
import type { RoomDocument } from '../content/room-document.ts'
import type { ServerLimits } from '../limits.ts'
import type { ServerError } from '../server-error.ts'
import { type BringRefusal, type BroughtUpdate, missingEdits } from './brought-update.ts'
import { KeyedWrites } from './keyed-writes.ts'
import type { Inbox, Member } from './member.ts'
import { authorOf, RecordWriter, type RecordWriterContext, type Write } from './record-writer.ts'
import {
  giveUpOn,
  noteRefusal,
  PendingError,
  READ_ONLY,
  RELAY_CODES,
  refusalOfSpoiler,
  refuseRelay,
  refuseUpdate,
} from './refused-update.ts'
import type { KeyedUpdate, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'
import type { RoomFollower } from './room-follower.ts'
import type { Withheld } from './unsettled.ts'

/** Parts that the write paths of all rooms share. */
export interface WritePathContext extends RecordWriterContext {
  readonly limits: ServerLimits
}

/** Updates of one member that are applied together. */
interface TickPart {
  readonly updates: readonly Uint8Array[]
  /** Number of the first update among the member's update frames. */
  readonly first: number
  /** The one among the updates that answers SyncStep1. */
  readonly answer: Uint8Array | undefined
  readonly mayRelay: boolean
  /** Until when another may bring what is withheld, ms of `performance.now()`. */
  readonly withholdUntilMs: number
}

/**
 * The first half of an update's way through its room. Collects the updates of members until the tick ends, then
 * inspects and applies them. {@link RecordWriter} does the rest.
 */
export class WritePath {
  readonly #workspace: WorkspaceId
  readonly #context: WritePathContext
  readonly #records: RecordWriter
  readonly #keyed: KeyedWrites
  /** Members with updates in their inboxes, in order of arrival. */
  #writers: Member[] = []
  /** Stock clients that may only read and whose edits were dropped: the log names each once. */
  readonly #strayed = new WeakSet<Member>()

  constructor(workspace: WorkspaceId, context: WritePathContext) {
    this.#workspace = workspace
    this.#context = context
    this.#records = new RecordWriter(workspace, context)
    this.#keyed = new KeyedWrites(this.#records)
  }

  /** Calls `listener` with each record as it is appended. Returns unsubscribe. */
  listen(listener: RoomFollower['appended']): () => boolean {
    return this.#records.listen(listener)
  }

  /** Called about once a second. */
  sweep(nowMs: number): void {
    this.#records.sweep(nowMs)
  }

  /** Resolves when everything that the room has appended so far is durable. */
  get durable(): Promise<void> {
    return this.#records.lastDurable
  }

  get hasWork(): boolean {
    return this.#writers.length > 0
  }

  /** Members whose updates wait for the tick's end. */
  get writers(): readonly Member[] {
    return this.#writers
  }

  /** Settles when the keyed writes in the document may be shown; undefined when none wait for that. */
  get shown(): Promise<void> | undefined {
    return this.#keyed.held?.shown
  }

  /** Updates in the document that nobody may see yet. */
  get unshown(): readonly Uint8Array[] {
    return this.#records.unshown
  }

  /**
   * Puts one update into its member's inbox, where it waits for the tick's end. `isTaking` is false while storage
   * fails.
   */
  receive(member: Member, type: 'syncStep2' | 'update', update: Uint8Array, isTaking: boolean): void {
    member.framesReceived++
    const isAnswer = type === 'syncStep2'
    const isAsked = isAnswer && member.answered(isTaking)
    if (member.intake === 'refused') return
    const bytesMax = isAsked ? this.#context.limits.syncBytesMax : this.#context.limits.updateBytesMax
    if (member.put(update, isAnswer, bytesMax)) this.#writers.push(member)
  }

  /** Discards the tick's updates while storage fails. The room asks for them again when storage works. */
  drop(): void {
    for (const member of this.#writers) member.drop()
    this.#writers = []
  }

  /**
   * Discards the tick's updates of a read-only workspace. Clients that were told so keep them; stock clients are
   * closed.
   */
  rejectAll(refusal: ServerError): void {
    const writers = this.#writers
    this.drop()
    for (const member of writers) if (!member.wire.wantsJoinery) member.refuse(refusal)
  }

  /**
   * Acknowledges the writers whose updates of the tick bring nothing new, as `isKnown` says. This needs no document.
   *
   * @returns true when other writers are left
   */
  settleRepeats(log: WorkspaceLog, isKnown: (update: Uint8Array) => boolean): boolean {
    this.#writers = this.#writers.filter((member) => {
      const { inbox } = member
      if (inbox === undefined || this.#records.isUnsettled(member)) return true
      const sinceMs = performance.now()
      const isRepeat = inbox.updates.every(isKnown)
      member.charge(sinceMs)
      if (!isRepeat) return true
      member.takeInbox()
      this.#records.acknowledge(member, inbox.through, log.head)
      return false
    })
    return this.hasWork
  }

  /**
   * Applies the tick's updates, then forwards and logs them. If an update spoils the document, it is neither logged nor
   * forwarded, the rest of the tick waits, and the document has to be rebuilt from the log.
   *
   * @returns the error that spoilt the document, if one did
   */
  flush(place: WritePlace, relaysUntilMs: number): Error | undefined {
    const writers = this.#writers
    this.#writers = []
    const writes: Write[] = []
    let spoilt: Error | undefined
    let sinceMs = performance.now()
    for (const [index, member] of writers.entries()) {
      spoilt = this.#apply(member, place.document, relaysUntilMs, writes)
      // A sole writer pays once, for everything.
      if (writers.length > 1) sinceMs = member.charge(sinceMs)
      if (spoilt === undefined) continue
      this.#writers = writers.slice(index + 1)
      break
    }
    // A spoilt document can't be pruned. While a keyed write is not shown, others still see the values that it beat.
    if (spoilt === undefined && this.shown === undefined) this.#records.prune(place.document, writes)
    this.#records.write(writes, place, this.#keyed.held)
    for (const member of writers) member.charge(sinceMs, writers.length)
    return spoilt
  }

  /**
   * Makes an edit of a program inside the server: one transaction and one record. The edit is forwarded at once, or, if
   * it has a key, when it is durable. Call this when no update waits to be flushed. While the log takes no record,
   * throws the log's error before anything is done. Any later error has spoilt the document.
   */
  edit<T>(edit: RoomEdit<T>, place: WritePlace): RoomEdited<T> {
    assertTakes(place.log)
    if (edit.idempotencyKey !== undefined) return this.#keyed.edit(edit, place)
    const { sync, beside } = edit
    const { value, applied } = place.document.edit(edit.writer.actor, edit.run)
    return { value, ...this.#writeAtOnce({ applied, author: authorOf(edit.writer, edit.via), sync, beside }, place) }
  }

  /**
   * Applies an update that a program brings in for a writer: one transaction and one record, under the rules of the
   * writer's own connections. It is forwarded as {@link edit} is. Call this when no update waits to be flushed. Returns
   * the refusal of a refused update, of which nothing is done: an update that would have to wait for others is one.
   * Throws as {@link edit}, and {@link UpdateError}.
   */
  bring(
    { writer, via, idempotencyKey, sync, update }: BroughtUpdate,
    place: WritePlace,
  ): Omit<RoomEdited<never>, 'value'> | BringRefusal {
    assertTakes(place.log)
    const missing = place.document.missingFor(update)
    if (missing !== undefined) return this.#noteRefused(missingEdits(missing), writer, via)
    // As an answer to SyncStep1, it may be a whole document with the edits of many.
    const applied = place.document.apply([update], { ...writer, isAnswer: true })
    if (applied.refused !== undefined) return this.#noteRefused(applied.refused.refusal, writer, via)
    if (applied.waitsFor !== undefined) throw new UpdateError('the update builds on itself, so that it can never show')
    const author = authorOf(writer, applied.mayBeOthers ? relaying(via) : via)
    if (idempotencyKey === undefined) return this.#writeAtOnce({ applied, author, sync }, place)
    return this.#keyed.write({ applied, author: { ...author, idempotencyKey }, sync }, place)
  }

  #noteRefused<R extends BringRefusal>(refusal: R, { actor }: BroughtUpdate['writer'], via: string): R {
    const { code, reason } = refusal
    this.#context.counters.refuse(code)
    this.#context.logger.info({ workspace: this.#workspace, connection: via, actor, code, reason }, 'update refused')
    return refusal
  }

  /** Logs and forwards a write of a program. */
  #writeAtOnce(write: Write, place: WritePlace): Omit<RoomEdited<never>, 'value'> {
    const { log, document } = place
    const writes = [write]
    if (this.shown === undefined) this.#records.prune(document, writes)
    const before = this.#records.lastDurable
    const [appended] = this.#records.write(writes, place, this.#keyed.held)
    // Not the head's LSN and durability: a pruning has a record of its own, and `sync` fsyncs only the edit's record.
    return {
      record: appended?.record,
      lsn: appended?.record?.lsn ?? log.head,
      durable: appended?.durable ?? before,
    }
  }

  /**
   * Makes one keyed update a record of its own. Everybody, its sender included, sees it when it is durable. Call this
   * when no update waits to be flushed. Returns the refusal of a refused update, of which nothing is done. Throws as
   * {@link edit}.
   */
  writeKeyed(keyed: KeyedUpdate, place: WritePlace): Pick<RoomEdited<never>, 'lsn' | 'durable'> | Refusal {
    assertTakes(place.log)
    const { member } = keyed
    const sinceMs = performance.now()
    const made =
      member.identity.access === 'write'
        ? this.#keyed.update(keyed, place, (document) => this.#checkPending(document))
        : READ_ONLY
    member.charge(sinceMs)
    return 'code' in made ? noteRefusal(member, made, this.#context) : made
  }

  /** Inspects and applies one member's updates of the tick. Returns the error that spoilt the document, if one did. */
  #apply(member: Member, document: RoomDocument, relaysUntilMs: number, writes: Write[]): Error | undefined {
    const inbox = member.takeInbox()
    if (inbox === undefined) return undefined
    const { answer, through } = inbox
    const { updates, refused } = this.#withinLimits(inbox, document)
    const nowMs = performance.now()
    const isRelayTime = answer !== undefined && nowMs < relaysUntilMs
    const withholdUntilMs = isRelayTime ? relaysUntilMs : nowMs + this.#context.limits.relayWaitMs
    // Only the answer may bring edits of others. The updates beside it are the sender's own: their client ids become
    // its own.
    const parts = isRelayTime ? partsAround(answer, updates) : [updates]
    const firstFrame = through - inbox.updates.length + 1
    let first = firstFrame
    for (const part of parts) {
      const mayRelay = isRelayTime && part[0] === answer
      const tickPart = { updates: part, first, answer, mayRelay, withholdUntilMs }
      const error = this.#applyPart(member, tickPart, document, writes)
      if (error !== undefined || member.intake === 'refused') return error
      first += part.length
    }
    if (refused !== undefined) refuseUpdate(member, firstFrame + updates.length, refused, this.#context)
    return undefined
  }

  /** The updates before the first that is over its limit and brings something new, and why that one is refused. */
  #withinLimits(
    { updates, tooLarge }: Inbox,
    document: RoomDocument,
  ): { readonly updates: readonly Uint8Array[]; readonly refused?: Refusal } {
    if (tooLarge === undefined) return { updates }
    const { bytesMax } = tooLarge
    const index = updates.findIndex((update) => update.length > bytesMax && !isRepeat(update, document))
    if (index < 0) return { updates }
    const bytes = updates[index]?.length
    const reason = `the update frame has ${bytes} bytes, at most ${bytesMax} are allowed: send it in parts`
    return { updates: updates.slice(0, index), refused: { code: 'too_large', reason } }
  }

  #applyPart(
    member: Member,
    { updates, first, answer, mayRelay, withholdUntilMs }: TickPart,
    document: RoomDocument,
    writes: Write[],
  ): Error | undefined {
    const { identity, wire } = member
    if (identity.access !== 'write' && !wire.wantsJoinery) return this.#passReader(member, updates, document, first)
    const through = first + updates.length - 1
    try {
      const applied =
        identity.access === 'write'
          ? document.apply(updates, mayRelay ? { ...member.writer, mayRelay } : member.writer, answer)
          : document.read(updates, READ_ONLY)
      this.#checkPending(document)
      const { refused } = applied
      const frames = refused === undefined ? through : first + refused.index - 1
      const isMixed = mayRelay || applied.mayBeOthers === true
      const author = authorOf(identity, isMixed ? relaying(wire.id, member.writer.ownId) : wire.id)
      const withheld = this.#withheldOf(member, applied, first, withholdUntilMs)
      writes.push({ applied, author, from: { member, frames, withheld } })
      if (refused === undefined) return undefined
      const isRelay = mayRelay && RELAY_CODES.has(refused.refusal.code)
      if (isRelay) refuseRelay(member)
      else refuseUpdate(member, first + refused.index, refused.refusal, this.#context)
      return undefined
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      const refusal = refusalOfSpoiler(error)
      if (refusal === undefined) giveUpOn(member)
      else if (mayRelay && error instanceof PendingError) refuseRelay(member)
      else refuseUpdate(member, first, refusal, this.#context)
      return error
    }
  }

  /**
   * The withheld edits, as they are kept until their writer sends them. Nothing is kept for a stock client: it can be told of a
   * refusal by a close only, and edits of others are no reason for one.
   */
  #withheldOf(member: Member, { withheld }: Applied, first: number, untilMs: number): Withheld | undefined {
    if (withheld === undefined) return undefined
    const { logger, limits } = this.#context
    const { wire, identity, room } = member
    const from = { workspace: room?.workspace, connection: wire.id, actor: identity.actor }
    const bytes = withheld.update.length
    logger.info({ ...from, bytes }, 'edits withheld that only another may bring')
    if (!wire.wantsJoinery) return undefined
    const frame = first + withheld.index
    // They are kept to be compared with the edits that their writer sends.
    const isTooMuch = bytes + this.#records.withheldBytes(member) > limits.pendingBytesMax
    return { frame, update: withheld.update, untilMs: isTooMuch ? 0 : untilMs }
  }

  /**
   * Takes the updates of a stock client that may only read, and drops their edits. The connection stays: a plug-in that
   * makes a type must not cost a reader everything new.
   */
  #passReader(member: Member, updates: readonly Uint8Array[], document: RoomDocument, first: number): undefined {
    for (const [index, update] of updates.entries()) {
      if (isRepeat(update, document)) continue
      this.#context.counters.readersEdits++
      if (this.#strayed.has(member)) continue
      this.#strayed.add(member)
      noteRefusal(member, READ_ONLY, this.#context, { frame: first + index })
    }
  }

  #checkPending(document: RoomDocument): void {
    const { pendingBytesMax } = this.#context.limits
    if (document.pendingBytes > pendingBytesMax) throw new PendingError(pendingBytesMax)
  }
}

/** True when the update brings nothing new; false, too, for bytes that are no update. */
function isRepeat(update: Uint8Array, document: RoomDocument): boolean {
  try {
    return document.includes(update)
  } catch (error) {
    if (error instanceof UpdateError) return false
    throw error
  }
}

/** Throws the log's error when the log takes no record now. */
function assertTakes({ state }: WorkspaceLog): void {
  if (state.state === 'failed' || state.state === 'fenced') throw state.error
}

/** The updates in order, split so that the answer stands alone. */
function partsAround(answer: Uint8Array, updates: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  const at = updates.indexOf(answer)
  return [updates.slice(0, at), [answer], updates.slice(at + 1)].filter((part) => part.length > 0)
}
