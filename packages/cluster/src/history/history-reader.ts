import { decodePortableRecords, type LogRecord } from '@joinery/log'
import type { StoredMessage } from '../engine/engine.ts'
import { HistoryError } from './history-error.ts'
import { chainAfter, type Facts, factsOf } from './message.ts'
import { splitOrigin } from './origin-body.ts'
import { type Position, START } from './position.ts'

/** Result of reading one message. */
export interface ReadMessage {
  readonly facts: Facts
  readonly records: readonly LogRecord[]
  /** The beginning of the log, which stands before the first record where records were dropped, as the log encodes it. */
  readonly origin: Uint8Array | undefined
  readonly position: Position
}

/**
 * Reads the messages of one workspace in order, from a position on. Every message must follow from the one before: the chain
 * fits, the epoch does not fall, the LSNs have no gap. Anything else is `corrupted`, and is never passed over. A `purge` follows from
 * itself alone, since what was before it is removed: another history begins there.
 */
export class HistoryReader {
  readonly workspace: string
  #position: Position
  /** Bytes of records that have not come whole. */
  #parts: Uint8Array[] = []

  constructor(workspace: string, position: Position) {
    this.workspace = workspace
    this.#position = position
  }

  get position(): Position {
    return this.#position
  }

  /** Throws `corrupted` or `unknown_format`; the position stays then. */
  read(message: StoredMessage): ReadMessage {
    const facts = factsOf(this.workspace, message)
    this.#check(message, facts)
    const { records, origin } = this.#contentOf(message, facts)
    const { kind, epoch, last, chain } = facts
    const generation = kind === 'purge' ? undefined : (facts.generation ?? this.#position.generation)
    this.#position = { sequence: message.sequence, epoch, lsn: last, chain, generation }
    return { facts, records, origin, position: this.#position }
  }

  #check(message: StoredMessage, facts: Facts): void {
    const isPurge = facts.kind === 'purge'
    const { sequence, epoch } = this.#position
    const { lsn, chain, generation } = isPurge ? { ...START, generation: facts.generation } : this.#position
    const wrong = (reason: string): HistoryError =>
      new HistoryError('corrupted', this.workspace, message.sequence, reason)
    if (message.sequence <= sequence) throw wrong(`it comes after message ${sequence}`)
    if (facts.chain !== chainAfter(chain, facts, message.body))
      throw wrong('it does not follow from the message before')
    const begins = facts.kind === 'epoch' || facts.kind === 'purging' || isPurge
    if (begins ? facts.epoch <= epoch : facts.epoch !== epoch) throw wrong(`epoch ${facts.epoch} follows ${epoch}`)
    if (facts.first !== lsn + 1 || facts.last < lsn) throw wrong(`record ${facts.first} follows ${lsn}`)
    const hasRecords = facts.kind === 'records' || facts.kind === 'origin'
    if (facts.kind === 'origin' && lsn > 0) throw wrong(`a beginning follows ${lsn}`)
    if (!hasRecords && facts.last !== lsn) throw wrong(`it has no records, and ends at ${facts.last}`)
    if (generation !== undefined && facts.generation !== generation) {
      throw wrong(`it is of the generation ${facts.generation}, not ${generation}`)
    }
  }

  #contentOf(message: StoredMessage, { kind, first, last }: Facts): Pick<ReadMessage, 'records' | 'origin'> {
    if (kind === 'epoch' || kind === 'purge') this.#parts = []
    if (kind === 'part') this.#parts.push(message.body)
    if (kind !== 'records' && kind !== 'origin') return { records: [], origin: undefined }
    const bytes = this.#parts.length === 0 ? message.body : Buffer.concat([...this.#parts, message.body])
    if (kind === 'origin') return this.#originOf(message, bytes, last)
    return { records: this.#recordsOf(message, bytes, first, last), origin: undefined }
  }

  #originOf(message: StoredMessage, bytes: Uint8Array, last: number): Pick<ReadMessage, 'records' | 'origin'> {
    const split = splitOrigin(bytes)
    if (split !== undefined) {
      return { records: this.#recordsOf(message, split.record, last, last), origin: split.origin }
    }
    throw new HistoryError('corrupted', this.workspace, message.sequence, 'the beginning of its log is cut off')
  }

  #recordsOf(message: StoredMessage, bytes: Uint8Array, first: number, last: number): LogRecord[] {
    const records = decodePortableRecords(this.workspace, bytes)
    const isWhole = records.length === last - first + 1 && records.every(({ lsn }, index) => lsn === first + index)
    if (!isWhole) {
      throw new HistoryError(
        'corrupted',
        this.workspace,
        message.sequence,
        `it has not the records ${first} to ${last}`,
      )
    }
    this.#parts = []
    return records
  }
}
