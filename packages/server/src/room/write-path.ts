import type { WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import { NOTHING } from '../content/applied.ts'
import { buildsOnItself, UpdateError } from '../content/apply-update.ts'
import type { Refusal } from '../content/document-rules.ts'
import { EMPTY_UPDATE } from '../content/empty-update.ts'
import { refusalOfSize } from '../content/known-already.ts'
import type { KnownComparison } from '../content/known-comparison.ts'
import { relaying } from '../content/relayed-record.ts'
import type { TriedUnits } from '../content/trials/tried-units.ts'
import { CLIENT_BYTES, type Clocks } from '../content/waiting-structs.ts'
import type { ServerError } from '../server-error.ts'
import { type BringRefusal, type BroughtUpdate, missingEdits } from './brought-update.ts'
import { KeyedWrites } from './keyed-writes.ts'
import type { Member } from './member.ts'
import { type HaveTried, MemberUpdates, type WritePathContext } from './member-updates.ts'
import { authorOf, RecordWriter, type Write } from './record-writer.ts'
import { noteRefusal, PendingError, READ_ONLY, refusalOfSpoiler } from './refused-update.ts'
import type { KeyedUpdate, Lacking, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'
import type { RoomFollower } from './room-follower.ts'

/**
 * The first half of an update's way through its room. Collects the updates of members until the tick ends, then
 * inspects and applies them. {@link RecordWriter} does the rest.
 */
export class WritePath {
  readonly #workspace: WorkspaceId
  readonly #context: WritePathContext
  readonly #records: RecordWriter
  readonly #keyed: KeyedWrites
  readonly #updates: MemberUpdates
  /** Members with updates in their inboxes, in order of arrival. */
  #writers: Member[] = []
  /** Members whose last updates wait for the next turn. They are not read meanwhile. */
  readonly #postponed = new Set<Member>()

  constructor(workspace: WorkspaceId, context: WritePathContext, haveTried: HaveTried) {
    this.#workspace = workspace
    this.#context = context
    this.#records = new RecordWriter(workspace, context)
    const postpone = (member: Member): void => void this.#postponed.add(member)
    this.#updates = new MemberUpdates(context, { haveTried, postpone }, (member) => this.#records.withheldBytes(member))
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
   * Puts one update into its member's inbox, where it waits for the tick's end. `isTaking` is false for an answer that comes while
   * storage fails.
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
    this.#readPostponed()
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

  /** Ends the connections of the tick's writers, who send their updates again when they connect. */
  refuseAll(refusal: ServerError): void {
    const writers = this.#writers
    this.drop()
    for (const member of writers) member.refuse(refusal)
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
   * @param untilMs time by `performance.now()` from which the updates of further members wait for a later turn
   * @returns the error that spoilt the document, if one did
   */
  flush(place: WritePlace, relaysUntilMs: number, untilMs: number): Error | undefined {
    let writers: readonly Member[] = this.#writers
    this.#writers = []
    const writes: Write[] = []
    let spoilt: Error | undefined
    let nowMs = performance.now()
    // The cost of each of several writers alone, ms.
    const ownMs: number[] = []
    this.#readPostponed()
    for (let index = 0; index < writers.length; index++) {
      spoilt = this.#updates.apply(writers[index] as Member, place, { relaysUntilMs, nowMs }, writes)
      if (writers.length > 1) {
        const sinceMs = nowMs
        nowMs = performance.now()
        ownMs.push(nowMs - sinceMs)
      }
      if (spoilt === undefined && nowMs < untilMs) continue
      this.#writers = writers.slice(index + 1)
      writers = writers.slice(0, index + 1)
      break
    }
    // A spoilt document can't be pruned.
    if (spoilt === undefined) this.#records.prune(place.document, writes, this.shown !== undefined)
    this.#records.write(writes, place, this.#keyed.held)
    this.#writers.push(...this.#postponed)
    const sinceMs = nowMs
    nowMs = performance.now()
    const sharedMs = (nowMs - sinceMs) / writers.length
    for (let index = 0; index < writers.length; index++) writers[index]?.pay((ownMs[index] ?? 0) + sharedMs, nowMs)
    return spoilt
  }

  /** Whether updates were left for a later turn. */
  get hasPostponed(): boolean {
    return this.#postponed.size > 0
  }

  /** Goes on reading the members whose updates have waited for this turn. */
  #readPostponed(): void {
    for (const member of this.#postponed) member.endTrial()
    this.#postponed.clear()
  }

  /**
   * Makes an edit of a program inside the server: one transaction and one record. The edit is forwarded at once, or, if
   * it has a key, when it is durable. Call this when no update waits to be flushed. While the log takes no record,
   * throws the log's error before anything is done. Any later error has spoilt the document.
   */
  edit<T>(edit: RoomEdit<T>, place: WritePlace): RoomEdited<T> {
    assertTakes(place.log)
    if (edit.idempotencyKey !== undefined) return this.#keyed.edit(edit, place)
    const { sync, beside, principal } = edit
    const { value, applied } = place.document.edit(edit.writer.actor, edit.run)
    return {
      value,
      ...this.#writeAtOnce({ applied, author: authorOf(edit.writer, edit.via), principal, sync, beside }, place),
    }
  }

  /**
   * Applies an update that a program brings in for a writer: one transaction and one record, under the rules of the
   * writer's own connections. It is forwarded as {@link edit} is. Call this when no update waits to be flushed. Returns
   * the refusal of a refused update, of which nothing is done: an update that would have to wait for others is one.
   * Throws as {@link edit}, and {@link UpdateError}.
   */
  bring(
    { writer, principal, via, idempotencyKey, sync, beside, update }: BroughtUpdate,
    place: WritePlace,
  ): Omit<RoomEdited<never>, 'value'> | BringRefusal {
    assertTakes(place.log)
    // Before all of its structs are looked at: one that was not tried and has too many would take seconds.
    const tooLarge = writer.isTried ? undefined : refusalOfSize(update)
    if (tooLarge !== undefined) return this.#noteRefused(tooLarge, writer, via)
    const missing = place.document.missingFor(update)
    if (missing !== undefined) return this.#noteRefused(missingEdits(missing), writer, via)
    // As an answer to SyncStep1, it may be a whole document with the edits of many.
    const applied = place.document.apply([update], { ...writer, isAnswer: true })
    if (applied.refused?.refusal.isEstimate) return applied.refused.refusal
    if (applied.refused !== undefined) return this.#noteRefused(applied.refused.refusal, writer, via)
    if (applied.waitsFor !== undefined) throw buildsOnItself()
    const author = authorOf(writer, applied.mayBeOthers ? relaying(via) : via)
    if (idempotencyKey === undefined) return this.#writeAtOnce({ applied, author, principal, sync, beside }, place)
    return this.#keyed.write({ applied, author: { ...author, idempotencyKey }, principal, sync, beside }, place)
  }

  /** Logs a record without edits, which tells the next load that the member owns its client id beside others: rule S117. */
  recordOwner({ identity, wire, writer }: Member, place: WritePlace): void {
    const author = authorOf(identity, relaying(wire.id, writer.ownId))
    this.#records.log([{ applied: { ...NOTHING, record: EMPTY_UPDATE }, author }], place)
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
    this.#records.prune(document, writes, this.shown !== undefined)
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
   * when no update waits to be flushed. Returns the refusal of a refused update, and what is lacking of one that can't show yet: nothing
   * of either is done. Throws as {@link edit}, and {@link UpdateError}.
   */
  writeKeyed(keyed: KeyedUpdate, place: WritePlace): Pick<RoomEdited<never>, 'lsn' | 'durable'> | Refusal | Lacking {
    assertTakes(place.log)
    const { member } = keyed
    const sinceMs = performance.now()
    const refused = member.identity.access === 'write' ? this.#refusalOfKeyed(keyed, place) : READ_ONLY
    const made = refused ?? this.#lackingOf(keyed, place) ?? this.#keyed.update(keyed, place)
    member.charge(sinceMs)
    return 'code' in made && !made.isEstimate ? noteRefusal(member, made, this.#context) : made
  }

  /** The edits that a keyed update lacks. If it were logged without them, its key would call something saved that nobody sees. */
  #lackingOf({ member, update }: KeyedUpdate, { document }: WritePlace): Lacking | Refusal | undefined {
    let missing: Clocks | undefined
    try {
      missing = document.missingFor(update)
    } catch (error) {
      const refusal = refusalOfSpoiler(error)
      if (refusal === undefined) throw error
      return refusal
    }
    if (missing === undefined) return undefined
    const { pendingBytesMax } = this.#context.limits
    const bytes = update.length + missing.size * CLIENT_BYTES
    const waiting = document.pendingBytes + this.#records.lackingBytes
    if (waiting + bytes > pendingBytesMax) return refusalOfSpoiler(new PendingError(pendingBytesMax))
    return { shown: this.#records.whenShown(member, missing, bytes) }
  }

  #refusalOfKeyed({ member, update, isTried }: KeyedUpdate, { log }: WritePlace): Refusal | undefined {
    // Before all of its structs are looked at: one that was not tried and has too many would take seconds.
    const tooLarge = isTried ? undefined : refusalOfSize(update)
    if (tooLarge !== undefined) return tooLarge
    const makesWorkspace = log.generation === undefined
    return this.#context.quotas.refusalOf(member.owner, { makesWorkspace, hasKey: true, bytes: update.length })
  }

  /** Puts a member back whose updates waited for a trial. */
  takeAgain(member: Member): void {
    if (member.inbox !== undefined) this.#writers.push(member)
  }

  /**
   * Has a turn with the comparison of the first update in a member's inbox. Returns whether the document has all of it, and then takes
   * and acknowledges it; undefined while that can't be told. Call this when no update waits to be flushed. Throws as {@link edit}.
   */
  compare(member: Member, comparison: KnownComparison, place: WritePlace): boolean | undefined {
    assertTakes(place.log)
    const sinceMs = performance.now()
    const isKnown = comparison.compare(place.document.doc, this.#updates.untilTurnEnds())
    if (isKnown) this.#records.write(this.#updates.takeKnown(member), place, this.#keyed.held)
    member.charge(sinceMs)
    return isKnown
  }

  /** See {@link MemberUpdates.beginUnits}. Call this when no update waits to be flushed. Throws as {@link edit}. */
  beginUnits(
    member: Member,
    parts: readonly Uint8Array[],
    place: WritePlace,
    relaysUntilMs: number,
  ): TriedUnits | undefined {
    assertTakes(place.log)
    return this.#updates.beginUnits(member, parts, place, relaysUntilMs)
  }

  /**
   * Has a turn with a tried update: inspects what comes next, or applies, forwards and logs it. Call this when no update waits to be
   * flushed. Returns false when the update is refused. Throws as {@link edit}.
   */
  takeUnits(member: Member, units: TriedUnits, place: WritePlace, relaysUntilMs: number): boolean {
    assertTakes(place.log)
    const sinceMs = performance.now()
    let isTaken = true
    if (units.isInspected) this.#writeUnits(member, units, place, relaysUntilMs)
    else isTaken = this.#updates.inspectUnits(member, units, place.document, relaysUntilMs)
    member.charge(sinceMs)
    return isTaken
  }

  #writeUnits(member: Member, units: TriedUnits, place: WritePlace, relaysUntilMs: number): void {
    const write = this.#updates.applyUnits(member, units, place.document, relaysUntilMs)
    const writes = write === undefined ? [] : [write]
    this.#records.prune(place.document, writes, this.shown !== undefined)
    this.#records.write(writes, place, this.#keyed.held)
  }
}

/** Throws the log's error when the log takes no record now. */
function assertTakes({ state }: WorkspaceLog): void {
  if (state.state === 'failed' || state.state === 'fenced') throw state.error
}
