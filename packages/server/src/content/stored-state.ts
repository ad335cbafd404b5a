import type { LogRecord, Lsn, Snapshot, WorkspaceLog } from '@joinery/log'
import * as Y from 'yjs'
import { type Annex, decodeAnnex } from './annex.ts'
import { DeleteSet } from './delete-set.ts'
import { EMPTY_STATE_VECTOR, isEmptyStateVector, isEmptyUpdate } from './empty-update.ts'
import { mergeUpdates } from './merge-updates.ts'
import { Stamps } from './stamps.ts'
import { advanceStateVector, encodeStateVector } from './state-vector.ts'
import { encodeSyncAnswer } from './sync-answer.ts'
import { WaitingStructs } from './waiting-structs.ts'

/** Where loading begins: a snapshot's state and what a room would know had it read the records it covers. */
export interface Start {
  readonly lsn: Lsn
  readonly at: number
  readonly state: Uint8Array
  readonly annex: Annex
}

/**
 * The newest snapshot at or below `atOrBefore` (default: the head) that this version can use; undefined when the records
 * have to be read from the first.
 */
export async function findStart(log: WorkspaceLog, atOrBefore?: Lsn): Promise<Start | undefined> {
  const snapshot = await log.latestSnapshot(atOrBefore === undefined ? {} : { atOrBefore })
  if (snapshot === undefined) return undefined
  const annex = decodeAnnex(snapshot.annex)
  if (annex !== undefined) return { ...snapshot, annex }
  // Not written by a room of this version: the records tell more, as long as they are all there.
  return log.firstLsn === 1 ? undefined : { ...snapshot, annex: bareAnnex(snapshot) }
}

function bareAnnex({ state }: Snapshot): Annex {
  return {
    stateVector: Y.encodeStateVectorFromUpdate(state),
    authors: undefined,
    stamps: () => new Stamps(),
  }
}

/** Reads what a log holds, through its head as of now. Throws what reading throws. */
export async function readStored(log: WorkspaceLog): Promise<StoredState> {
  const through = log.head
  if (through === 0) return NOTHING_STORED
  const start = await findStart(log)
  const tail: LogRecord[] = []
  for await (const record of log.read({ after: start?.lsn ?? (0 as Lsn), through })) tail.push(record)
  return new StoredState(start, tail)
}

/** A workspace as it lies in its log: answers who joins and who repeats from bytes, without a Y.Doc. */
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

  /** What it may keep in memory, roughly, bytes: what it was read as, and the answer made of it. */
  get bytes(): number {
    let bytes = this.start?.state.length ?? 0
    for (const { update } of this.tail) bytes += update.length
    return 2 * bytes
  }

  /**
   * What the holder of `stateVector` lacks, as V1 updates to be applied in order: at most the snapshot's part and that of
   * the records after it. Throws on bytes that are no state vector.
   */
  diff(stateVector: Uint8Array): readonly Uint8Array[] {
    if (isEmptyStateVector(stateVector)) return this.#all()
    Y.decodeStateVector(stateVector)
    return this.#all()
      .map((part) => Y.diffUpdate(part, stateVector))
      .filter((part) => !isEmptyUpdate(part))
  }

  /**
   * The WebSocket messages that answer SyncStep1. The last is the SyncStep2, so that a client counts as synced only when
   * all is there; for those who have nothing they are made once. Throws on bytes that are no state vector.
   */
  answer(stateVector: Uint8Array): readonly Uint8Array[] {
    if (!isEmptyStateVector(stateVector)) return encodeSyncAnswer(this.diff(stateVector))
    this.#fullAnswer ??= encodeSyncAnswer(this.#all())
    return this.#fullAnswer
  }

  /** True when `update` brings nothing that is not here; false, too, for bytes that Yjs can't read. */
  includes(update: Uint8Array): boolean {
    // What begins like that reads as nothing whatever follows: a V2 update, which must not pass for a repeat.
    if (update[0] === 0 && update[1] === 0) return isEmptyUpdate(update)
    let decoded: ReturnType<typeof Y.decodeUpdate>
    try {
      decoded = Y.decodeUpdate(update)
    } catch {
      return false
    }
    const state = Y.decodeStateVector(this.stateVector)
    for (const struct of decoded.structs) {
      if (struct instanceof Y.Skip) continue
      if (struct.id.clock + struct.length > (state.get(struct.id.client) ?? 0)) return false
    }
    for (const [client, ranges] of decoded.ds.clients) {
      for (const range of ranges) if (!this.#deletions().includes(client, range)) return false
    }
    return true
  }

  /** Who last touched what; a table of the caller's own. */
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

  /** Known without its structs: what a holder of everything is sent is the deletions alone. */
  #deletions(): DeleteSet {
    this.#deleted ??= new DeleteSet(this.#all().map((part) => Y.diffUpdate(part, this.stateVector)))
    return this.#deleted
  }
}

const NOTHING_STORED = new StoredState(undefined, [])

/**
 * By way of a document: what came out of order stands in two records, as it waited and as it was shown, and bytes of the
 * same clocks can't be merged where a client that is broken or hostile gave them two contents.
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
  const answer = { stateVector: Y.encodeStateVector(doc), parts: [Y.encodeStateAsUpdate(doc)] }
  doc.destroy()
  return answer
}
