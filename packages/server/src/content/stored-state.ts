import type { LogRecord, Lsn, Snapshot, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import { type Annex, decodeAnnex } from './annex.ts'
import { DeleteSet } from './delete-set.ts'
import { EMPTY_STATE_VECTOR, isEmptyStateVector, isEmptyUpdate } from './empty-update.ts'
import { mayBeKnown } from './known-already.ts'
import type { LoadTurns } from './load-turns.ts'
import { mergeUpdates } from './merge-updates.ts'
import { findOtherContent, type KnownStructs } from './same-content.ts'
import { makeServerDoc } from './server-doc.ts'
import { Stamps } from './stamps.ts'
import { advanceStateVector, encodeStateVector } from './state-vector.ts'
import { AT_ONCE, doAll, type Pace, SharedSteps, type Steps } from './steps.ts'
import { hasAtMost, readingSpans } from './struct-spans.ts'
import { encodingDiff, encodingSyncAnswer } from './sync-answer.ts'
import { unitBytesOf } from './trials/trial-protocol.ts'
import { encodingShown } from './update-encoding.ts'
import { splittingUpdate } from './update-parts.ts'
import { WaitingStructs } from './waiting-structs.ts'

/**
 * The starting point of a load: a snapshot's state, and what a room would know from the records that the snapshot
 * covers.
 */
export interface Start {
  readonly lsn: Lsn
  readonly at: number
  readonly state: Uint8Array
  readonly annex: Annex
}

/**
 * The newest snapshot at or below `atOrBefore` (default: the head) that this version can use; undefined when the
 * records have to be read from the first.
 */
export async function findStart(log: WorkspaceLog, atOrBefore?: Lsn): Promise<Start | undefined> {
  const snapshot = await log.latestSnapshot(atOrBefore === undefined ? {} : { atOrBefore })
  if (snapshot === undefined) return undefined
  const annex = decodeAnnex(snapshot.annex)
  if (annex !== undefined) return { ...snapshot, annex }
  // A room of another version wrote this annex. The records tell more, as long as none of them was dropped.
  return log.firstLsn === 1 ? undefined : { ...snapshot, annex: bareAnnex(snapshot) }
}

function bareAnnex({ state }: Snapshot): Annex {
  return {
    stateVector: Y.encodeStateVectorFromUpdate(state),
    authors: undefined,
    stamps: () => new Stamps(),
    isBounded: false,
  }
}

/** Decides whether a state that was read is loaded. Rejects when it is not. */
export type Admit = (start: Start | undefined, tail: readonly LogRecord[]) => Promise<void>

/**
 * Reads a log's state, up to its head as of now. Rejects with the storage error when reading fails, and with the error of `admit`.
 */
export async function readStored(log: WorkspaceLog, turns: LoadTurns, admit?: Admit): Promise<StoredState> {
  const through = log.head
  if (through === 0) return NOTHING_STORED
  const start = await findStart(log)
  const tail: LogRecord[] = []
  for await (const record of log.read({ after: start?.lsn ?? (0 as Lsn), through })) tail.push(record)
  await admit?.(start, tail)
  return turns.run(StoredState.making(start, tail, turns.pace))
}

/** Bytes of a snapshot and the records after it above which nothing looks for single structs in them. */
const LARGE_BYTES_MIN = 1024 * 1024
/** Structs of an update from which on it is compared with a document, in turns: to decode so many takes longer than one. */
const COMPARED_STRUCTS_MAX = 6_000
/** Bytes of records that are merged at once. */
const MERGED_BYTES = 512 * 1024

/** A workspace as its log holds it. Answers joins, and recognizes repeated updates, from bytes, without a Y.Doc. */
export class StoredState {
  readonly start: Start | undefined
  /** The records after {@link start}. */
  readonly tail: readonly LogRecord[]
  readonly stateVector: Uint8Array
  /** The whole state as one update, of records that came out of order; undefined for others. */
  readonly #replayed: Uint8Array | undefined
  readonly #parts = new SharedSteps((pace) => this.#merge(pace))
  readonly #fullAnswer = new SharedSteps((pace) => this.#answerAll(pace))
  readonly #deletions = new SharedSteps((pace) => this.#readDeletions(pace))

  private constructor(
    start: Start | undefined,
    tail: readonly LogRecord[],
    stateVector: Uint8Array,
    replayed?: Uint8Array,
  ) {
    this.start = start
    this.tail = tail
    this.stateVector = stateVector
    this.#replayed = replayed
  }

  /** The steps to the state of a snapshot and the records after it. */
  static *making(start: Start | undefined, tail: readonly LogRecord[], pace: Pace): Steps<StoredState> {
    const atStart = start?.annex.stateVector ?? EMPTY_STATE_VECTOR
    if (tail.length === 0) return new StoredState(start, tail, atStart)
    const state = Y.decodeStateVector(atStart)
    let isInOrder = true
    for (const { update } of tail) {
      if (!advanceStateVector(state, yield* readingSpans(update, pace))) isInOrder = false
      if (pace.isOver) yield
    }
    if (isInOrder) return new StoredState(start, tail, encodeStateVector(state))
    const { stateVector, update } = yield* replaying(start, tail, pace)
    return new StoredState(start, tail, stateVector, update)
  }

  get #isLarge(): boolean {
    return this.bytes > 2 * LARGE_BYTES_MIN
  }

  /** Memory that this state may take, roughly, bytes: the bytes that were read, and the answer made from them. */
  get bytes(): number {
    let bytes = this.start?.state.length ?? 0
    for (const { update } of this.tail) bytes += update.length
    return 2 * bytes
  }

  /**
   * The steps to the updates that a client with `stateVector` lacks, V1, to be applied in order. Throws on bytes that are no state
   * vector.
   */
  *diff(stateVector: Uint8Array, pace: Pace): Steps<readonly Uint8Array[]> {
    const parts = yield* this.#parts.steps(pace)
    if (isEmptyStateVector(stateVector)) return parts
    const known = Y.decodeStateVector(stateVector)
    const lacking: Uint8Array[] = []
    for (const part of parts) lacking.push(...(yield* encodingDiff(part, known, pace)))
    return lacking
  }

  /**
   * The steps to the WebSocket messages that answer SyncStep1. The last one is the SyncStep2, so that a client counts as synced only
   * when it has everything. The messages for clients that have nothing are made once. Throws on bytes that are no state
   * vector.
   */
  *answer(stateVector: Uint8Array, pace: Pace): Steps<readonly Uint8Array[]> {
    if (isEmptyStateVector(stateVector)) return yield* this.#fullAnswer.steps(pace)
    return yield* encodingSyncAnswer(yield* this.diff(stateVector, pace), pace)
  }

  /** The steps to what {@link includes} needs of a large state. */
  *preparing(pace: Pace): Steps<void> {
    if (this.#isLarge) yield* this.#deletions.steps(pace)
  }

  /**
   * Whether this state already has everything in `update`, with the same content. False also for bytes that Yjs can't read, for
   * structs beside a large state, and for many structs: to find them in its bytes takes longer than a turn, and a document tells them
   * at once or in turns.
   */
  includes(update: Uint8Array): boolean {
    // Two zeros read as an empty V1 update, whatever follows them. A V2 update begins with them, and must not pass for
    // a repeat.
    if (update[0] === 0 && update[1] === 0) return isEmptyUpdate(update)
    if (update[0] !== 0 && (this.#isLarge || !hasAtMost(update, COMPARED_STRUCTS_MAX))) return false
    const state = Y.decodeStateVector(this.stateVector)
    if (!mayBeKnown(update, (client) => state.get(client) ?? 0)) return false
    let decoded: ReturnType<typeof Y.decodeUpdate>
    try {
      decoded = Y.decodeUpdate(update)
    } catch {
      return false
    }
    for (const struct of decoded.structs) {
      if (struct instanceof Y.Skip) continue
      if (struct.id.clock + struct.length > (state.get(struct.id.client) ?? 0)) return false
    }
    const deletions = doAll(this.#deletions.steps(AT_ONCE))
    for (const [client, ranges] of decoded.ds.clients) {
      for (const range of ranges) if (!deletions.includes(client, range)) return false
    }
    return findOtherContent(update, this.#structs(state, update)) === undefined
  }

  /** The structs under the clocks of `update`, as they lie in the bytes: read when one is asked for. */
  #structs(state: Map<number, number>, update: Uint8Array): KnownStructs {
    let read: ReadonlyMap<number, readonly (Y.Item | Y.GC)[]> | undefined
    return {
      end: (client) => state.get(client) ?? 0,
      at: (client, clock) => {
        read ??= this.#readFrom(new Map([...state, ...Y.parseUpdateMeta(update).from]))
        return structAt(read.get(client) ?? [], clock)
      },
    }
  }

  #readFrom(clocks: Map<number, number>): Map<number, (Y.Item | Y.GC)[]> {
    const structs = new Map<number, (Y.Item | Y.GC)[]>()
    const stateVector = encodeStateVector(clocks)
    for (const part of doAll(this.#parts.steps(AT_ONCE))) {
      for (const struct of Y.decodeUpdate(Y.diffUpdate(part, stateVector)).structs) {
        if (struct instanceof Y.Skip) continue
        const ofClient = structs.get(struct.id.client) ?? []
        structs.set(struct.id.client, ofClient)
        ofClient.push(struct)
      }
    }
    return structs
  }

  /** The last stamp of every path, as a table that belongs to the caller. */
  stamps(): Stamps {
    const stamps = this.start?.annex.stamps() ?? new Stamps()
    for (const record of this.tail) stamps.note(record)
    return stamps
  }

  /** The snapshot's state and the records after it, those of a message's size as one. */
  *#merge(pace: Pace): Steps<readonly Uint8Array[]> {
    if (this.#replayed !== undefined) return [this.#replayed]
    const parts = this.start === undefined ? [] : [this.start.state]
    let group: Uint8Array[] = []
    let bytes = 0
    for (const { update } of this.tail) {
      if (bytes > 0 && bytes + update.length > MERGED_BYTES) {
        parts.push(mergeUpdates(group))
        group = []
        bytes = 0
        if (pace.isOver) yield
      }
      group.push(update)
      bytes += update.length
    }
    if (group.length > 0) parts.push(mergeUpdates(group))
    return parts
  }

  *#answerAll(pace: Pace): Steps<readonly Uint8Array[]> {
    return yield* encodingSyncAnswer(yield* this.#parts.steps(pace), pace)
  }

  *#readDeletions(pace: Pace): Steps<DeleteSet> {
    const deletions: Uint8Array[] = []
    for (const part of yield* this.#parts.steps(pace)) {
      const { end } = yield* readingSpans(part, pace)
      // An update without structs.
      deletions.push(Buffer.concat([Uint8Array.of(0), part.subarray(end)]))
    }
    return new DeleteSet(deletions)
  }
}

/** The struct that holds `clock`, of one client's structs in the order of their clocks. */
function structAt<S extends Y.Item | Y.GC>(structs: readonly S[], clock: number): S | undefined {
  let [low, high] = [0, structs.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const struct = structs[middle] as S
    if (clock < struct.id.clock) high = middle - 1
    else if (clock >= struct.id.clock + struct.length) low = middle + 1
    else return struct
  }
  return undefined
}

const NOTHING_STORED = doAll(StoredState.making(undefined, [], AT_ONCE))

/**
 * The steps to the state vector and state of updates that arrived out of order, made by way of a document. Such an update stands in
 * two records: once as it waited and once as it was shown. Their bytes can't be merged, since a broken or hostile
 * client may have given the same clocks two contents.
 */
function* replaying(
  start: Start | undefined,
  tail: readonly LogRecord[],
  pace: Pace,
): Steps<{ readonly stateVector: Uint8Array; readonly update: Uint8Array }> {
  const doc = makeServerDoc()
  const waiting = new WaitingStructs()
  const units =
    start === undefined ? [] : yield* splittingUpdate(start.state, { bytesMax: unitBytesOf(start.state) }, pace)
  const updates = [...units, ...tail.map((record) => record.update)]
  for (let at = 0; at < updates.length; ) {
    // Yjs copies its table of clients at every transaction.
    doc.transact(() => {
      do {
        Y.applyUpdate(doc, updates[at++] as Uint8Array)
        waiting.settle(doc)
      } while (at < updates.length && !pace.isOver)
    })
    if (at < updates.length) yield
  }
  const update = yield* encodingShown(doc, EMPTY_STATE_VECTOR, pace)
  const stateVector = Y.encodeStateVector(doc)
  doc.destroy()
  return { stateVector, update }
}
