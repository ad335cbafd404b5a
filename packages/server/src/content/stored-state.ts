import type { LogRecord, Lsn, Snapshot, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import { type Annex, decodeAnnex } from './annex.ts'
import { DeleteSet } from './delete-set.ts'
import { EMPTY_STATE_VECTOR, isEmptyStateVector, isEmptyUpdate } from './empty-update.ts'
import { mayBeKnown } from './known-already.ts'
import { mergeUpdates } from './merge-updates.ts'
import { findOtherContent, type KnownStructs } from './same-content.ts'
import { Stamps } from './stamps.ts'
import { advanceStateVector, encodeStateVector } from './state-vector.ts'
import { encodeSyncAnswer } from './sync-answer.ts'
import { encodeShown, WaitingStructs } from './waiting-structs.ts'

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
export async function readStored(log: WorkspaceLog, admit?: Admit): Promise<StoredState> {
  const through = log.head
  if (through === 0) return NOTHING_STORED
  const start = await findStart(log)
  const tail: LogRecord[] = []
  for await (const record of log.read({ after: start?.lsn ?? (0 as Lsn), through })) tail.push(record)
  await admit?.(start, tail)
  return new StoredState(start, tail)
}

/** A workspace as its log holds it. Answers joins, and recognizes repeated updates, from bytes, without a Y.Doc. */
export class StoredState {
  readonly start: Start | undefined
  /** The records after {@link start}. */
  readonly tail: readonly LogRecord[]
  readonly stateVector: Uint8Array
  #parts: readonly Uint8Array[] | undefined
  #fullAnswer: readonly Uint8Array[] | undefined
  #deleted: DeleteSet | undefined

  constructor(start: Start | undefined, tail: readonly LogRecord[]) {
    this.start = start
    this.tail = tail
    const state = Y.decodeStateVector(start?.annex.stateVector ?? EMPTY_STATE_VECTOR)
    let isInOrder = true
    for (const { update } of tail) if (!advanceStateVector(state, update)) isInOrder = false
    if (isInOrder)
      this.stateVector = tail.length === 0 ? (start?.annex.stateVector ?? EMPTY_STATE_VECTOR) : encodeStateVector(state)
    else ({ stateVector: this.stateVector, parts: this.#parts } = replayed(start, tail))
  }

  /** Memory that this state may take, roughly, bytes: the bytes that were read, and the answer made from them. */
  get bytes(): number {
    let bytes = this.start?.state.length ?? 0
    for (const { update } of this.tail) bytes += update.length
    return 2 * bytes
  }

  /**
   * The updates that a client with `stateVector` lacks, V1, to be applied in order: at most one for the snapshot and
   * one for the records after it. Throws on bytes that are no state vector.
   */
  diff(stateVector: Uint8Array): readonly Uint8Array[] {
    if (isEmptyStateVector(stateVector)) return this.#all()
    Y.decodeStateVector(stateVector)
    return this.#all()
      .map((part) => Y.diffUpdate(part, stateVector))
      .filter((part) => !isEmptyUpdate(part))
  }

  /**
   * The WebSocket messages that answer SyncStep1. The last one is the SyncStep2, so that a client counts as synced only
   * when it has everything. The messages for clients that have nothing are made once. Throws on bytes that are no state
   * vector.
   */
  answer(stateVector: Uint8Array): readonly Uint8Array[] {
    if (!isEmptyStateVector(stateVector)) return encodeSyncAnswer(this.diff(stateVector))
    this.#fullAnswer ??= encodeSyncAnswer(this.#all())
    return this.#fullAnswer
  }

  /** Whether this state already has everything in `update`, with the same content. False also for bytes that Yjs can't read. */
  includes(update: Uint8Array): boolean {
    // Two zeros read as an empty V1 update, whatever follows them. A V2 update begins with them, and must not pass for
    // a repeat.
    if (update[0] === 0 && update[1] === 0) return isEmptyUpdate(update)
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
    for (const [client, ranges] of decoded.ds.clients) {
      for (const range of ranges) if (!this.#deletions().includes(client, range)) return false
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
    for (const part of this.#all()) {
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

  #all(): readonly Uint8Array[] {
    if (this.#parts !== undefined) return this.#parts
    const parts = this.start === undefined ? [] : [this.start.state]
    if (this.tail.length > 0) parts.push(mergeUpdates(this.tail.map((record) => record.update)))
    this.#parts = parts
    return parts
  }

  /**
   * The deletions. A client that has every struct is sent nothing but them, so the diff to the own state vector gives
   * them.
   */
  #deletions(): DeleteSet {
    this.#deleted ??= new DeleteSet(this.#all().map((part) => Y.diffUpdate(part, this.stateVector)))
    return this.#deleted
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

const NOTHING_STORED = new StoredState(undefined, [])

/**
 * The state vector and state of updates that arrived out of order, made by way of a document. Such an update stands in
 * two records: once as it waited and once as it was shown. Their bytes can't be merged, since a broken or hostile
 * client may have given the same clocks two contents.
 */
function replayed(
  start: Start | undefined,
  tail: readonly LogRecord[],
): { stateVector: Uint8Array; parts: readonly Uint8Array[] } {
  const doc = new Y.Doc()
  const waiting = new WaitingStructs()
  doc.transact(() => {
    for (const update of [...(start === undefined ? [] : [start.state]), ...tail.map((record) => record.update)]) {
      Y.applyUpdate(doc, update)
      waiting.settle(doc)
    }
  })
  const answer = { stateVector: Y.encodeStateVector(doc), parts: [encodeShown(doc)] }
  doc.destroy()
  return answer
}
