import type { LogRecord } from '@joinery/log'
import { encodeSyncStep1 } from '@joinery/protocol'
import * as random from 'lib0/random'
import * as Y from 'yjs'
import { encodeAnnex } from './annex.ts'
import type { DocumentRules, Observed, Refusal, RuledDocument, Writer } from './document-rules.ts'
import { EMPTY_STATE_VECTOR, EMPTY_STEP1, EMPTY_UPDATE, isEmptyStateVector, isEmptyUpdate } from './empty-update.ts'
import { isRelayed } from './relayed-record.ts'
import { Stamps } from './stamps.ts'
import type { Start, StoredState } from './stored-state.ts'
import { encodeSyncAnswer, LiveAnswer } from './sync-answer.ts'
import { encodeTransaction } from './transaction-update.ts'
import { type Clocks, WaitingStructs, withWaiting } from './waiting-structs.ts'

/** Records applied in one transaction while loading: enough to spread its cost, few enough to let other rooms breathe. */
const REPLAY_CHUNK = 1_000

/** Yjs client id of each actor that edited here: see `ClientIdMemory`. */
export type ClientIds = Map<string, number>

/** What applying one connection's updates of a tick came to. */
export interface Applied {
  /** The update at `index` may not be applied for this reason; those before it are, those after it were not looked at. */
  readonly refused: { index: number; refusal: Refusal } | undefined
  /** What the other clients lack now; undefined when the updates brought nothing new. */
  readonly forward: Uint8Array | undefined
  /** What the log has to keep; undefined when there is nothing new. Includes parts that still wait for others they build on. */
  readonly record: Uint8Array | undefined
  readonly touched: string[]
  /** Others' edits that waited for these came into {@link forward} with them: its sender lacks those, too. */
  readonly freesOthers?: boolean
  /** What the document has to reach before all that was brought shows; undefined when it does. */
  readonly waitsFor?: Clocks | undefined
  /** What people are shown differently now, and what lost to something concurrent. */
  readonly observed: readonly Observed[]
}

interface Live {
  readonly doc: Y.Doc
  readonly ruled: RuledDocument
}

const NOTHING: Applied = { refused: undefined, forward: undefined, record: undefined, touched: [], observed: [] }

/**
 * The Yjs side of a room: a cache of its log. The Y.Doc is made at the first record or write, so that a workspace
 * nobody has written to costs none.
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
  readonly #liveAnswer = new LiveAnswer()
  readonly #waiting = new WaitingStructs()
  /** The Yjs client ids that edits made here are written under: each belongs to one actor, as on any client. */
  readonly #clientIds: ClientIds

  /** `clientIds` are those of the document that stood here before, if there was one. */
  constructor(rules: DocumentRules, clientIds: ClientIds = new Map()) {
    this.#rules = rules
    this.#clientIds = clientIds
  }

  /** Builds the document from what was read of its log. Throws what Yjs throws on a damaged update: the document is then unusable. */
  restore({ start, tail }: StoredState): void {
    this.#isReplaying = true
    if (start !== undefined) this.#takeOver(start)
    for (const record of tail) this.#stamps.note(record)
    if (tail.length > 0) this.#replayAll(tail)
    this.#isReplaying = false
    this.#observe()
  }

  /** The same from records that are too many to be kept at once. Throws what reading throws, too. */
  async replay(start: Start | undefined, records: AsyncIterable<LogRecord>): Promise<void> {
    let chunk: LogRecord[] = []
    this.#isReplaying = true
    if (start !== undefined) this.#takeOver(start)
    for await (const record of records) {
      this.#stamps.note(record)
      if (chunk.push(record) < REPLAY_CHUNK) continue
      this.#replayAll(chunk)
      chunk = []
    }
    if (chunk.length > 0) this.#replayAll(chunk)
    this.#isReplaying = false
    this.#observe()
  }

  /**
   * Applies one connection's updates in one transaction, each looked at just before, so that one may build on the last.
   * `answer` is the one among them that answers SyncStep1.
   * Throws {@link UpdateError} when Yjs can't take one, anything else when the rules fail: the document is then unusable
   * and has to be rebuilt.
   */
  apply(updates: readonly Uint8Array[], writer: Writer, answer?: Uint8Array): Applied {
    if (updates.every(isEmptyUpdate)) return NOTHING
    const { doc, ruled } = this.#begin()
    const freesOthers = this.pendingBytes > 0
    let refused: Applied['refused']
    const taken: Uint8Array[] = []
    doc.transact(() => {
      for (let index = 0; index < updates.length; index++) {
        const given = updates[index] as Uint8Array
        const update = given === answer ? ruled.withhold(given, writer) : given
        const refusal = ruled.inspect(update, writer)
        if (refusal !== undefined) {
          refused = { index, refusal }
          return
        }
        applyOrThrow(doc, update, this.#waiting)
        taken.push(update)
      }
    }, this)
    const forward = this.#emitted
    const record = this.pendingBytes > 0 ? withWaiting(doc, taken, forward) : forward
    const waitsFor = this.pendingBytes > 0 ? this.#unshown(taken) : undefined
    return { refused, forward, record, touched: this.#touched, freesOthers, waitsFor, observed: this.#observed }
  }

  /** Whether the document holds what `client` wrote before `clock`. */
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

  /** Deletes what dead writers left beaten where the last {@link apply} or {@link edit} touched. Undefined when there was none. */
  prune(touched: readonly string[]): Applied | undefined {
    this.#begin().ruled.prune(touched)
    return this.#emitted === undefined ? undefined : this.#outcome()
  }

  /**
   * Runs `edit` on the document as one transaction of `actor`. When it throws, what it had done already can't be taken
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

  /** Bytes of updates that wait for others they build on. */
  get pendingBytes(): number {
    const store = this.#doc?.store
    if (store === undefined) return 0
    return (store.pendingStructs?.update.length ?? 0) + (store.pendingDs?.length ?? 0)
  }

  /** Takes the updates of a connection that may only read: those that bring nothing new pass, as an answer to SyncStep1 does. */
  read(updates: readonly Uint8Array[], refusal: Refusal): Applied {
    const index = updates.findIndex((update) => !isEmptyUpdate(update) && !this.#includes(update))
    return {
      refused: index < 0 ? undefined : { index, refusal },
      forward: undefined,
      record: undefined,
      touched: [],
      observed: [],
    }
  }

  #includes(update: Uint8Array): boolean {
    const { structs, ds } = Y.decodeUpdate(update)
    const { store } = this.#live().doc
    for (const struct of structs) {
      if (!(struct instanceof Y.Skip) && struct.id.clock + struct.length > Y.getState(store, struct.id.client))
        return false
    }
    for (const [client, ranges] of ds.clients) {
      for (const { clock, len } of ranges) {
        for (let at = clock; at < clock + len; ) {
          if (at >= Y.getState(store, client)) return false
          const struct = Y.getItem(store, Y.createID(client, at))
          if (!struct.deleted) return false
          at = struct.id.clock + struct.length
        }
      }
    }
    return true
  }

  stateVector(): Uint8Array {
    return this.#doc === undefined ? EMPTY_STATE_VECTOR : Y.encodeStateVector(this.#doc)
  }

  /** One V1 update with what the holder of `stateVector` lacks. Throws on bytes that are no state vector. */
  diff(stateVector: Uint8Array): Uint8Array {
    if (this.#doc !== undefined) return Y.encodeStateAsUpdate(this.#doc, stateVector)
    Y.decodeStateVector(stateVector)
    return EMPTY_UPDATE
  }

  /** The frame that asks a client for what the document lacks. */
  syncStep1(): Uint8Array {
    return this.#doc === undefined ? EMPTY_STEP1 : encodeSyncStep1(this.stateVector())
  }

  /** The WebSocket messages that give the holder of `stateVector` what it lacks. Throws on bytes that are no state vector. */
  answer(stateVector: Uint8Array): readonly Uint8Array[] {
    const doc = this.#doc
    if (doc === undefined || !isEmptyStateVector(stateVector)) return encodeSyncAnswer([this.diff(stateVector)])
    return this.#liveAnswer.messages(() => Y.encodeStateAsUpdate(doc))
  }

  /** Called about once a second. */
  sweep(): void {
    this.#liveAnswer.sweep()
  }

  /** Everything a later load needs in place of the records so far: the state, what waits for others included, and the annex. */
  snapshot(): { state: Uint8Array; annex: Uint8Array } {
    const { doc, ruled } = this.#live()
    const annex = { stateVector: this.stateVector(), authors: ruled.encodeAuthors(), stamps: this.#stamps }
    const state = Y.encodeStateAsUpdate(doc)
    this.#stateBytes = state.length
    return { state, annex: encodeAnnex(annex) }
  }

  /** Of the last snapshot, taken or loaded, bytes; 0 without one. */
  get stateBytes(): number {
    return this.#stateBytes
  }

  /** Who last touched what. */
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

  /** The document and the rules over it, made at the first call; `authors` as {@link DocumentRules.open} takes them. */
  #live(authors?: Uint8Array): Live {
    if (this.#doc !== undefined && this.#ruled !== undefined) return { doc: this.#doc, ruled: this.#ruled }
    // The guid means nothing here, and drawing a random one costs more than the rest of an empty document.
    const doc = new Y.Doc({ guid: '' })
    const ruled = this.#rules.open(doc, authors)
    doc.on('afterTransactionCleanup', (transaction: Y.Transaction) => {
      if (this.#isReplaying) return
      const update = encodeTransaction(transaction)
      if (update === undefined) return
      this.#emitted = update
      this.#liveAnswer.note(update)
      this.#touched = ruled.touched(transaction)
    })
    this.#doc = doc
    this.#ruled = ruled
    if (!this.#isReplaying) this.#observe()
    return { doc, ruled }
  }

  #observe(): void {
    this.#unobserve ??= this.#ruled?.observe((observed) => this.#observed.push(observed))
  }

  /** Forgets what the last transaction did. */
  #begin(): Live {
    this.#emitted = undefined
    this.#touched = []
    this.#observed = []
    return this.#live()
  }

  /** What the transaction since {@link #begin} did, if all of it could be integrated. */
  #outcome(): Applied {
    const update = this.#emitted
    return { refused: undefined, forward: update, record: update, touched: this.#touched, observed: this.#observed }
  }

  #takeOver({ state, annex }: Start): void {
    const { doc } = this.#live(annex.authors)
    this.#stamps = annex.stamps()
    this.#stateBytes = state.length
    Y.applyUpdate(doc, state, this)
  }

  #replayAll(records: readonly LogRecord[]): void {
    const { doc, ruled } = this.#live()
    doc.transact(() => {
      for (const record of records) {
        if (!isRelayed(record)) ruled.recordAuthor(record.update, record.actor)
        Y.applyUpdate(doc, record.update)
        this.#waiting.settle(doc)
      }
    }, this)
  }
}

/** Bytes that are no Yjs V1 update. What was applied of them can't be taken back. */
export class UpdateError extends Error {
  override name = 'UpdateError'
}

function applyOrThrow(doc: Y.Doc, update: Uint8Array, waiting: WaitingStructs): void {
  // What a V2 update begins with reads as "nothing" in V1, and Yjs does not mind what follows: it would be lost unheard.
  if (update[0] === 0 && update[1] === 0 && update.length > 2) {
    throw new UpdateError('the update is no Yjs V1 update: bytes follow its end, as in a V2 update')
  }
  try {
    Y.applyUpdate(doc, update)
    waiting.settle(doc)
  } catch (cause) {
    throw new UpdateError('the update is no Yjs V1 update', { cause })
  }
}
