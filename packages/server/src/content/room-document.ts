import type { LogRecord } from '@joinery/log'
import { encodeSyncStep1 } from '@joinery/protocol'
import * as random from 'lib0/random'
import * as Y from 'yjs'
import { encodeAnnex } from './annex.ts'
import { type Applied, NOTHING } from './applied.ts'
import { UpdateError } from './apply-update.ts'
import type { DocumentRules, HoldersOf, Observed, Refusal, RuledDocument, Writer } from './document-rules.ts'
import { EMPTY_STATE_VECTOR, EMPTY_STEP1, isEmptyStateVector, isEmptyUpdate } from './empty-update.ts'
import { includesUpdate } from './known-already.ts'
import type { LoadTurns } from './load-turns.ts'
import { lackingOf, missingFor } from './missing-edits.ts'
import { originOf } from './relayed-record.ts'
import { makeServerDoc } from './server-doc.ts'
import { Stamps } from './stamps.ts'
import { stateVectorWithout } from './state-vector.ts'
import type { Pace, Steps } from './steps.ts'
import type { Start, StoredState } from './stored-state.ts'
import { encodingSyncAnswer, LiveAnswer } from './sync-answer.ts'
import { takeUpdates } from './taken-updates.ts'
import { encodeTransaction } from './transaction-update.ts'
import { unitBytesOf } from './trials/trial-protocol.ts'
import { encodingShown, encodingWhole } from './update-encoding.ts'
import { splitUpdate } from './update-parts.ts'
import { type Clocks, WaitingStructs, withWaiting } from './waiting-structs.ts'

/** Yjs client ids of the server's own edits, by actor: see `ClientIdMemory`. */
export type ClientIds = Map<string, number>

export interface Live {
  readonly doc: Y.Doc
  readonly ruled: RuledDocument
}

/**
 * The Yjs side of a room: a document that can be built again from the log at any time. The Y.Doc is made at the first
 * record or write, so that a workspace that nobody has written to costs none.
 */
export class RoomDocument {
  #stamps = new Stamps()
  readonly #rules: DocumentRules
  #doc: Y.Doc | undefined
  /** The rules over `#doc`, while there is one. */
  #ruled: RuledDocument | undefined
  #emitted: Uint8Array | undefined
  #touched: string[] = []
  #observed: Observed[] = []
  #unobserve: (() => void) | undefined
  #isReplaying = false
  #stateBytes = 0
  #builtMs = 0
  readonly #liveAnswer = new LiveAnswer()
  readonly #waiting = new WaitingStructs()
  /** The Yjs client ids of edits that the server makes itself. Each belongs to one actor, as on any client. */
  readonly #clientIds: ClientIds
  readonly #holdersOf: HoldersOf

  /**
   * @param clientIds the client ids of the room's earlier document, if there was one
   * @param holdersOf the actors that announced a client id
   */
  constructor(rules: DocumentRules, clientIds: ClientIds = new Map(), holdersOf: HoldersOf = () => []) {
    this.#rules = rules
    this.#clientIds = clientIds
    this.#holdersOf = holdersOf
  }

  /**
   * Builds the document from the stored state. Throws Yjs's error on a damaged update: the document is then unusable.
   */
  restore({ start, tail }: StoredState): void {
    const sinceMs = performance.now()
    this.#isReplaying = true
    const { doc } = this.#live(start?.annex.authors)
    if (start !== undefined) {
      this.#begun(start)
      Y.applyUpdate(doc, start.state, this)
    }
    doc.transact(() => {
      for (const record of tail) {
        this.#stamps.note(record)
        this.#replay(record)
      }
    }, this)
    this.#isReplaying = false
    this.#observe()
    this.#builtMs = performance.now() - sinceMs
  }

  /**
   * Builds the document in turns between which others have theirs: from records that are too many for memory at once, or from a
   * large state. Rejects with Yjs's error on a damaged update, and with the storage error when reading fails: the document is then
   * unusable.
   */
  async replay(
    start: Start | undefined,
    records: AsyncIterable<LogRecord> | Iterable<LogRecord>,
    turns: LoadTurns,
  ): Promise<void> {
    this.#isReplaying = true
    const { doc } = this.#live(start?.annex.authors)
    if (start !== undefined) {
      this.#begun(start)
      const units = splitUpdate(start.state, unitBytesOf(start.state))
      this.#builtMs += await turns.apply(doc, units, (unit) => Y.applyUpdate(doc, unit, this), this)
    }
    const replay = (record: LogRecord): void => {
      this.#stamps.note(record)
      this.#replay(record)
    }
    this.#builtMs += await turns.apply(doc, records, replay, this)
    this.#isReplaying = false
    this.#observe()
  }

  /**
   * Applies one connection's updates in one transaction. Each update is inspected just before it is applied, so that it
   * may build on the one before. Throws {@link UpdateError} when Yjs can't read an update, and the rules' error when
   * the rules fail: the document is then unusable and has to be rebuilt.
   *
   * @param answer the one among the updates that answers SyncStep1, if there is one
   * @param tried the one among the updates that was tried elsewhere, if there is one
   */
  apply(updates: readonly Uint8Array[], writer: Writer, answer?: Uint8Array, tried?: Uint8Array): Applied {
    if (updates.every(isEmptyUpdate)) return NOTHING
    const { doc, ruled } = this.#begin()
    const { pendingBytes } = this
    const freesOthers = pendingBytes > 0
    const live = { doc, ruled, waiting: this.#waiting }
    const { refused, leftFrom, taken, cut, ...outcome } = doc.transact(
      (transaction) => takeUpdates(updates, { ...live, transaction, writer, answer, tried }),
      this,
    )
    let { mayBeOthers } = outcome
    const forward = this.#emitted
    const record = this.pendingBytes > 0 ? withWaiting(doc, taken, forward) : forward
    const waitsFor = this.pendingBytes > 0 ? this.#unshown(taken) : undefined
    const withheld = cut.length > 0 ? lackingOf(cut, this.stateVector()) : undefined
    // Edits of others that waited for these updates are in the record, too.
    if (writer.isAuthenticated && freesOthers) mayBeOthers ||= this.pendingBytes !== pendingBytes
    const [touched, observed] = [this.#touched, this.#observed]
    return { refused, leftFrom, forward, record, touched, freesOthers, mayBeOthers, waitsFor, withheld, observed }
  }

  /**
   * Runs `change` as one transaction that may be forwarded and logged. If it throws, the document is unusable and has to be rebuilt.
   */
  change(change: (live: Live & { readonly waiting: WaitingStructs }) => void): Applied {
    const live = this.#begin()
    live.doc.transact(() => change({ ...live, waiting: this.#waiting }), this)
    return this.#outcome()
  }

  /** The clocks that the document lacks for `update` to show at once: see {@link missingFor}. Throws {@link UpdateError}. */
  missingFor(update: Uint8Array): Clocks | undefined {
    return isEmptyUpdate(update) ? undefined : missingFor(this.doc, update)
  }

  /** Whether the document shows everything that `client` wrote before `clock`. */
  shows(client: number, clock: number): boolean {
    return this.#doc !== undefined && Y.getState(this.#doc.store, client) >= clock
  }

  #unshown(updates: readonly Uint8Array[]): Clocks | undefined {
    const clocks = new Map<number, number>()
    for (const update of updates) {
      for (const [client, clock] of Y.parseUpdateMeta(update).to) {
        if (!this.shows(client, clock)) clocks.set(client, Math.max(clock, clocks.get(client) ?? 0))
      }
    }
    return clocks.size === 0 ? undefined : clocks
  }

  /** Prunes the paths in `touched`: see {@link RuledDocument.prune}. Undefined when there is nothing to delete. */
  prune(touched: readonly string[], isHeld: boolean): Applied | undefined {
    this.#begin().ruled.prune(touched, isHeld)
    return this.#emitted === undefined ? undefined : this.#outcome()
  }

  /**
   * Runs `edit` on the document as one transaction of `actor`. If `edit` throws, its changes so far can't be taken
   * back: the document is then unusable and has to be rebuilt.
   */
  edit<T>(actor: string, edit: (doc: Y.Doc) => T): { value: T; applied: Applied } {
    const { doc } = this.#begin()
    const clientId = this.#clientIds.get(actor) ?? random.uint32()
    this.#clientIds.set(actor, clientId)
    doc.clientID = clientId
    const value = doc.transact(() => edit(doc), this)
    return { value, applied: this.#outcome() }
  }

  /** The document, for reading only. */
  get doc(): Y.Doc {
    return this.#live().doc
  }

  /** The document, for reading only, and the rules over it. */
  get live(): Live {
    return this.#live()
  }

  /** The actors who alone may write under a client id; none when anybody may. */
  ownersOf(client: number): readonly string[] {
    return this.#live().ruled.ownersOf(client)
  }

  /** Makes `actor` an owner of a client id beside those that have written under it. */
  share(client: number, actor: string): void {
    this.#live().ruled.share(client, actor)
  }

  /** Bytes of updates that wait for the updates that they build on: see {@link WaitingStructs.bytesIn}. */
  get pendingBytes(): number {
    return this.#doc === undefined ? 0 : this.#waiting.bytesIn(this.#doc)
  }

  /**
   * Checks the updates of a connection that may only read. Those that bring nothing new pass, as most answers to
   * SyncStep1 do. That one among them that was `compared` already does not.
   */
  read(updates: readonly Uint8Array[], refusal: Refusal, compared?: Uint8Array): Applied {
    const index = updates.findIndex((update) => update === compared || !this.includes(update))
    return {
      refused: index < 0 ? undefined : { index, refusal },
      forward: undefined,
      record: undefined,
      touched: [],
      observed: [],
    }
  }

  /**
   * Whether the document already has everything in `update`, with the same content. Throws {@link UpdateError} on bytes that
   * are no update.
   */
  includes(update: Uint8Array): boolean {
    if (isEmptyUpdate(update)) return true
    try {
      return includesUpdate(this.doc, update)
    } catch (cause) {
      throw new UpdateError('the update is no Yjs V1 update', { cause })
    }
  }

  stateVector(): Uint8Array {
    return this.#doc === undefined ? EMPTY_STATE_VECTOR : Y.encodeStateVector(this.#doc)
  }

  /** The steps to the V1 updates that a client with `stateVector` lacks. Throws on bytes that are no state vector. */
  *diff(stateVector: Uint8Array, pace: Pace): Steps<readonly Uint8Array[]> {
    if (this.#doc !== undefined) return [yield* encodingShown(this.#doc, stateVector, pace)]
    Y.decodeStateVector(stateVector)
    return []
  }

  /**
   * The SyncStep1 frame, which asks a client for everything that the document lacks. A writer whose own client id is doubtful is
   * asked for everything under that id.
   */
  syncStep1(writer?: Writer): Uint8Array {
    if (this.#doc === undefined) return EMPTY_STEP1
    const isDoubtful = writer?.ownId !== undefined && this.isDoubtful(writer)
    return encodeSyncStep1(isDoubtful ? stateVectorWithout(this.#doc, writer.ownId) : this.stateVector())
  }

  /**
   * Whether edits stand under a writer's own client id that may be others'. Clocks don't tell whether the writer has the same
   * edits: it may have typed others under these clocks while it was away.
   */
  isDoubtful({ isAuthenticated, ownId, actor }: Writer): boolean {
    if (!isAuthenticated || ownId === undefined || !this.shows(ownId, 1)) return false
    const owners = this.ownersOf(ownId)
    return owners.length !== 1 || owners[0] !== actor
  }

  /** The steps to the messages that answer SyncStep1. The document may change between them. Throws on bytes that are no state vector. */
  *answer(stateVector: Uint8Array, pace: Pace): Steps<readonly Uint8Array[]> {
    const doc = this.#doc
    if (doc === undefined || !isEmptyStateVector(stateVector)) {
      return yield* encodingSyncAnswer(yield* this.diff(stateVector, pace), pace)
    }
    return yield* this.#liveAnswer.messages((own) => encodingShown(doc, stateVector, own), pace)
  }

  /** Frees the kept answer when nobody asks for it any more. Called about once a second. */
  sweep(): void {
    this.#liveAnswer.sweep()
  }

  /**
   * The steps to everything that a later load needs instead of the records so far, as of the last step: the state, waiting updates
   * included, and the annex. Throws when the document is destroyed meanwhile: it may have edits that were undone.
   */
  *snapshotting(pace: Pace): Steps<{ state: Uint8Array; annex: Uint8Array }> {
    const { doc, ruled } = this.#live()
    const encoding = encodingWhole(doc, pace)
    for (;;) {
      const { done, value: state } = encoding.next()
      if (done) {
        const annex = { stateVector: this.stateVector(), authors: ruled.encodeAuthors(), stamps: this.#stamps }
        this.#stateBytes = state.length
        return { state, annex: encodeAnnex(annex) }
      }
      yield
      if (this.#doc !== doc) throw new Error('the room has built its document anew, or closed it, meanwhile')
    }
  }

  /** Size of the state in the last snapshot, taken or loaded, bytes; 0 without a snapshot. */
  get stateBytes(): number {
    return this.#stateBytes
  }

  /** Time that it took to build the document from the log and that nobody has paid for, ms. The caller has to book it. */
  takeBuiltMs(): number {
    const builtMs = this.#builtMs
    this.#builtMs = 0
    return builtMs
  }

  /** The last stamp of every path. */
  get stamps(): Stamps {
    return this.#stamps
  }

  get clientIds(): ClientIds {
    return this.#clientIds
  }

  destroy(): void {
    this.#unobserve?.()
    this.#doc?.destroy()
    this.#doc = undefined
    this.#ruled = undefined
  }

  /**
   * The document and the rules over it, made at the first call; `authors` is passed on to {@link DocumentRules.open}.
   */
  #live(authors?: Uint8Array): Live {
    if (this.#doc !== undefined && this.#ruled !== undefined) return { doc: this.#doc, ruled: this.#ruled }
    const doc = makeServerDoc()
    const ruled = this.#rules.open(doc, authors, this.#holdersOf)
    doc.on('afterTransactionCleanup', (transaction: Y.Transaction) => {
      if (this.#isReplaying) return
      const update = encodeTransaction(transaction)
      if (update === undefined) return
      this.#liveAnswer.note(update)
      const touched = ruled.touched(transaction)
      if (this.#emitted === undefined) {
        this.#emitted = update
        this.#touched = touched
        return
      }
      // A transaction may lead to another.
      this.#emitted = Y.mergeUpdates([this.#emitted, update])
      this.#touched = [...new Set([...this.#touched, ...touched])]
    })
    this.#doc = doc
    this.#ruled = ruled
    if (!this.#isReplaying) this.#observe()
    return { doc, ruled }
  }

  #observe(): void {
    this.#unobserve ??= this.#ruled?.observe((observed) => this.#observed.push(observed))
  }

  /** Forgets the results of the last transaction. */
  #begin(): Live {
    this.#emitted = undefined
    this.#touched = []
    this.#observed = []
    return this.#live()
  }

  /** The results of the transaction since {@link #begin}, if all of it could be integrated. */
  #outcome(): Applied {
    const update = this.#emitted
    return { refused: undefined, forward: update, record: update, touched: this.#touched, observed: this.#observed }
  }

  #begun({ state, annex }: Start): void {
    this.#stamps = annex.stamps()
    this.#stateBytes = state.length
  }

  #replay({ update, actor, ...record }: LogRecord): void {
    const { doc, ruled } = this.#live()
    const { mayBeOthers, ownId } = originOf(record)
    if (mayBeOthers) ruled.recordRelay(update, actor, ownId)
    else ruled.recordAuthor(update, actor)
    Y.applyUpdate(doc, update)
    this.#waiting.settle(doc)
  }
}
