import { type Applied, NOTHING } from '../content/applied.ts'
import { UpdateError } from '../content/apply-update.ts'
import type { Refusal } from '../content/document-rules.ts'
import { mayInclude } from '../content/known-already.ts'
import { relaying } from '../content/relayed-record.ts'
import type { RoomDocument } from '../content/room-document.ts'
import { isHeavy } from '../content/trials/heavy-update.ts'
import { TriedUnits } from '../content/trials/tried-units.ts'
import type { ServerLimits } from '../limits.ts'
import { frameOf, type Inbox, limitOver, partsAround, splitInbox } from './inbox.ts'
import type { Member } from './member.ts'
import { withinQuotas } from './quota-check.ts'
import { authorOf, type RecordWriterContext, type Write } from './record-writer.ts'
import {
  giveUpOn,
  isAboutOthers,
  noteRefusal,
  PendingError,
  READ_ONLY,
  refusalOfSpoiler,
  refuseRelay,
  refuseUpdate,
} from './refused-update.ts'
import type { WritePlace } from './room-edit.ts'
import type { Withheld } from './unsettled.ts'

/** Parts that the write paths of all rooms share. */
export interface WritePathContext extends RecordWriterContext {
  readonly limits: ServerLimits
}

/** Called with a member whose next update has to be tried, or waits for a later turn. The updates are in its inbox. */
export type HaveTried = (member: Member) => void

/** Updates of one member that are applied together. */
interface TickPart {
  readonly updates: readonly Uint8Array[]
  /** Number of the first update among the member's update frames. */
  readonly first: number
  /** The one among the updates that answers SyncStep1. */
  readonly answer: Uint8Array | undefined
  /** The one among the updates that was tried. */
  readonly tried: Uint8Array | undefined
  /** The one among the updates that was compared, and brings something new. */
  readonly compared: Uint8Array | undefined
  readonly mayRelay: boolean
  /** Until when another may bring what is withheld, ms of `performance.now()`. */
  readonly withholdUntilMs: number
  /** Leaves the updates from a frame on to a trial. */
  awaitTrial(frame: number): void
  /** Leaves the updates from a frame on to a later turn. */
  postpone(frame: number): void
}

/** Inspects and applies what members have sent: the updates of one member in one tick, or units of an update that was tried. */
export class MemberUpdates {
  readonly #context: WritePathContext
  readonly #haveTried: HaveTried
  readonly #postpone: HaveTried
  /** Bytes of edits that are withheld from a member now. */
  readonly #withheldBytes: (member: Member) => number
  /** Stock clients that may only read and whose edits were dropped: the log names each once. */
  readonly #strayed = new WeakSet<Member>()

  constructor(
    context: WritePathContext,
    { haveTried, postpone }: { readonly haveTried: HaveTried; readonly postpone: HaveTried },
    withheldBytes: (member: Member) => number,
  ) {
    this.#context = context
    this.#haveTried = haveTried
    this.#postpone = postpone
    this.#withheldBytes = withheldBytes
  }

  /**
   * Inspects and applies one member's updates of the tick, at the time `nowMs` by `performance.now()`. Returns the error that spoilt
   * the document, if one did.
   */
  apply(
    member: Member,
    place: WritePlace,
    { relaysUntilMs, nowMs }: { readonly relaysUntilMs: number; readonly nowMs: number },
    writes: Write[],
  ): Error | undefined {
    const { document } = place
    const whole = member.takeInbox()
    if (whole === undefined || whole.updates.length === 0) return undefined
    const heavyAt = this.#nextTrial(member, whole, document)
    const { tried, compared } = member
    member.tried = undefined
    member.compared = undefined
    const [inbox, rest] = heavyAt < 0 ? [whole, undefined] : splitInbox(whole, heavyAt)
    const { answer } = inbox
    const isKnown = (update: Uint8Array): boolean => update !== compared && isRepeat(update, document)
    const fitting = this.#withinLimits(inbox, isKnown)
    const { updates, refused = fitting.refused } = withinQuotas(member, fitting.updates, place, {
      ...this.#context,
      isKnown,
    })
    const isRelayTime = answer !== undefined && nowMs < relaysUntilMs
    const withholdUntilMs = isRelayTime ? relaysUntilMs : nowMs + this.#context.limits.relayWaitMs
    // Only the answer may bring edits of others. The updates beside it are the sender's own: their client ids become
    // its own.
    const parts = isRelayTime ? partsAround(answer, updates) : [updates]
    const firstFrame = frameOf(whole)
    const restFrom = (frame: number): Inbox => splitInbox(whole, frame - firstFrame)[1]
    const awaitTrial = (frame: number): void => this.#awaitTrial(member, restFrom(frame))
    const postpone = (frame: number): void => {
      member.awaitTrial(restFrom(frame))
      this.#postpone(member)
    }
    let first = firstFrame
    for (const part of parts) {
      if (part.length === 0) continue
      const mayRelay = isRelayTime && part[0] === answer
      const tickPart = {
        updates: part,
        first,
        answer,
        tried,
        compared,
        mayRelay,
        withholdUntilMs,
        awaitTrial,
        postpone,
      }
      const error = this.#applyPart(member, tickPart, document, writes)
      if (error !== undefined || member.intake === 'refused' || member.isOnTrial) return error
      first += part.length
    }
    if (refused !== undefined) refuseUpdate(member, firstFrame + updates.length, refused, this.#context)
    else if (rest !== undefined) this.#awaitTrial(member, rest)
    return undefined
  }

  #awaitTrial(member: Member, rest: Inbox): void {
    member.awaitTrial(rest)
    this.#haveTried(member)
  }

  /** Index of the first update that has to be tried, or compared in turns, before it is looked at; -1 when none has. */
  #nextTrial(member: Member, inbox: Inbox, document: RoomDocument): number {
    const { tried, compared } = member
    return inbox.updates.findIndex(
      (update) =>
        update !== tried &&
        update !== compared &&
        isHeavy(update, this.#context.limits) &&
        (mayBeTried(member, inbox, update) || mayInclude(document.doc, update)),
    )
  }

  /** The end of a turn with an update that takes several: it begins now. */
  untilTurnEnds(): () => boolean {
    const sinceMs = performance.now()
    return () => performance.now() - sinceMs >= this.#context.limits.trialTurnMs
  }

  /** Takes the first update out of a member's inbox, which brings nothing new. Returns the write that acknowledges it. */
  takeKnown(member: Member): Write[] {
    const { inbox, identity, wire } = member
    if (inbox === undefined) return []
    member.inbox = splitInbox(inbox, 1)[1]
    return [{ applied: NOTHING, author: authorOf(identity, wire.id), from: { member, frames: frameOf(inbox) } }]
  }

  /**
   * Begins to take the first update in a member's inbox, which was tried, in units. Undefined when a quota refuses it, which the member
   * hears.
   *
   * @param parts the update as the trial has split it
   */
  beginUnits(
    member: Member,
    parts: readonly Uint8Array[],
    place: WritePlace,
    relaysUntilMs: number,
  ): TriedUnits | undefined {
    const update = member.inbox?.updates[0]
    if (update === undefined) return undefined
    const isAnswer = update === member.inbox?.answer
    const mayRelay = isAnswer && performance.now() < relaysUntilMs
    // It was compared before its trial.
    const { refused } = withinQuotas(member, [update], place, { ...this.#context, isKnown: () => false })
    if (refused === undefined) return new TriedUnits(update, { ...member.writer, isAnswer, mayRelay }, parts)
    this.#refuseTried(member, refused, relaysUntilMs)
    return undefined
  }

  /** Inspects what is to be applied next, until the turn is over. False when it is refused, which the member hears. */
  inspectUnits(member: Member, units: TriedUnits, document: RoomDocument, relaysUntilMs: number): boolean {
    const refusal = units.inspect(document, this.untilTurnEnds())
    if (refusal !== undefined) this.#refuseTried(member, refusal, relaysUntilMs)
    return refusal === undefined
  }

  #refuseTried(member: Member, refusal: Refusal, relaysUntilMs: number): void {
    const { inbox } = member
    if (inbox === undefined) return
    const mayRelay = inbox.updates[0] === inbox.answer && performance.now() < relaysUntilMs
    member.takeInbox()
    if (mayRelay && isAboutOthers(refusal)) refuseRelay(member)
    else refuseUpdate(member, frameOf(inbox), refusal, this.#context)
  }

  /** Applies units of such an update until its turn is over. With the last, the update counts as taken. Throws as {@link TriedUnits.apply}. */
  applyUnits(member: Member, units: TriedUnits, document: RoomDocument, relaysUntilMs: number): Write | undefined {
    const { inbox, identity, wire } = member
    const update = inbox?.updates[0]
    if (inbox === undefined || update === undefined) return undefined
    const sinceMs = performance.now()
    const applied = units.apply(document, this.#context.limits.trialTurnMs)
    this.checkPending(document)
    const first = frameOf(inbox)
    const mayRelay = update === inbox.answer && sinceMs < relaysUntilMs
    const isMixed = mayRelay || applied.mayBeOthers === true
    const author = authorOf(identity, isMixed ? relaying(wire.id, member.writer.ownId) : wire.id)
    if (!units.isDone) return { applied, author, from: { member, frames: first - 1 } }
    const withheld = this.#withheldOf(
      member,
      applied,
      first,
      mayRelay ? relaysUntilMs : sinceMs + this.#context.limits.relayWaitMs,
    )
    member.inbox = splitInbox(inbox, 1)[1]
    return { applied, author, from: { member, frames: first, withheld } }
  }

  /** The updates before the first that is over its limit and brings something new, and why that one is refused. */
  #withinLimits(
    inbox: Inbox,
    isKnown: (update: Uint8Array) => boolean,
  ): { readonly updates: readonly Uint8Array[]; readonly refused?: Refusal } {
    const { updates } = inbox
    const index = updates.findIndex((update) => limitOver(inbox, update) !== undefined && !isKnown(update))
    const update = updates[index]
    if (update === undefined) return { updates }
    const reason = `the update frame has ${update.length} bytes, at most ${limitOver(inbox, update)} are allowed: send it in parts`
    return { updates: updates.slice(0, index), refused: { code: 'too_large', reason } }
  }

  #applyPart(
    member: Member,
    { updates, first, answer, tried, compared, mayRelay, withholdUntilMs, awaitTrial, postpone }: TickPart,
    document: RoomDocument,
    writes: Write[],
  ): Error | undefined {
    const { identity, wire } = member
    if (identity.access !== 'write' && !wire.wantsJoinery)
      return this.#passReader(member, { updates, first, compared }, document)
    const through = first + updates.length - 1
    try {
      const applied =
        identity.access === 'write'
          ? document.apply(updates, mayRelay ? { ...member.writer, mayRelay } : member.writer, answer, tried)
          : document.read(updates, READ_ONLY, compared)
      this.checkPending(document)
      const { refused, leftFrom } = applied
      const endsAt = refused?.index ?? leftFrom
      const frames = endsAt === undefined ? through : first + endsAt - 1
      const isMixed = mayRelay || applied.mayBeOthers === true
      const author = authorOf(identity, isMixed ? relaying(wire.id, member.writer.ownId) : wire.id)
      const withheld = this.#withheldOf(member, applied, first, withholdUntilMs)
      writes.push({ applied, author, from: { member, frames, withheld } })
      if (leftFrom !== undefined) postpone(first + leftFrom)
      if (refused === undefined) return undefined
      if (refused.refusal.isEstimate) {
        awaitTrial(first + refused.index)
        return undefined
      }
      const isRelay = mayRelay && isAboutOthers(refused.refusal)
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
    const { counters, logger, limits } = this.#context
    const { wire, identity, room } = member
    const from = { workspace: room?.workspace, connection: wire.id, actor: identity.actor }
    const bytes = withheld.update.length
    logger.info({ ...from, bytes }, 'edits withheld that only another may bring')
    counters.withheldFrames++
    if (!wire.wantsJoinery) {
      counters.withheldFramesUntold++
      return undefined
    }
    const frame = first + withheld.index
    // They are kept to be compared with the edits that their writer sends.
    const isTooMuch = bytes + this.#withheldBytes(member) > limits.pendingBytesMax
    return { frame, update: withheld.update, untilMs: isTooMuch ? 0 : untilMs }
  }

  /**
   * Takes the updates of a stock client that may only read, and drops their edits. The connection stays: a plug-in that
   * makes a type must not cost a reader everything new.
   */
  #passReader(
    member: Member,
    { updates, first, compared }: Pick<TickPart, 'updates' | 'first' | 'compared'>,
    document: RoomDocument,
  ): undefined {
    for (const [index, update] of updates.entries()) {
      if (update !== compared && isRepeat(update, document)) continue
      this.#context.counters.readersEdits++
      if (this.#strayed.has(member)) continue
      this.#strayed.add(member)
      noteRefusal(member, READ_ONLY, this.#context, { frame: first + index })
    }
  }

  checkPending(document: RoomDocument): void {
    const { pendingBytesMax } = this.#context.limits
    if (document.pendingBytes > pendingBytesMax) throw new PendingError(pendingBytesMax)
  }
}

/** Whether an update of a member may be tried; one that may not passes only when it brings nothing new. */
export function mayBeTried({ identity }: Member, inbox: Inbox, update: Uint8Array): boolean {
  return identity.access === 'write' && limitOver(inbox, update) === undefined
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
