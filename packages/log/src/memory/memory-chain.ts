import type { LogOrigin, LogRecord, Snapshot } from '../event-store.ts'
import type { Lsn } from '../lsn.ts'
import { CHAIN_START, Chain, type ChainMark, type ChainValue, sha256 } from '../records/chain.ts'

/** The chain of a history in memory. Values are computed when they are asked for. */
export class MemoryChain {
  readonly #marks: ChainMark[]
  /** Values of the records so far, by LSN. */
  readonly #values: ChainValue[] = [CHAIN_START]

  constructor(generation: string) {
    this.#marks = [{ after: 0 as Lsn, generation }]
  }

  /** The chain of a log that begins behind dropped records. */
  static from({ lsn, chain, marks, dropped }: LogOrigin): MemoryChain {
    const begun = new MemoryChain('')
    begun.#marks.splice(0, 1, ...marks)
    for (const [at, value] of dropped) begun.#values[at] = value
    begun.#values[lsn] = chain
    return begun
  }

  /** The part of it that another machine needs beside the records after `lsn`. */
  origin(lsn: Lsn): Pick<LogOrigin, 'lsn' | 'chain' | 'marks' | 'dropped'> {
    return { lsn, chain: this.#values[lsn] ?? CHAIN_START, marks: this.#marks, dropped: [] }
  }

  /** The value of the record at `lsn`. `records` are all records that there ever were. */
  at(lsn: Lsn, records: readonly LogRecord[]): ChainValue {
    const from = (this.#values.length - 1) as Lsn
    const chain = new Chain({ lsn: from, value: this.#values[from] ?? CHAIN_START, marks: this.#marks })
    for (const record of records.slice(from, lsn)) this.#values.push(chain.take(record))
    return this.#values[lsn] ?? CHAIN_START
  }

  /** Forgets the records after `lsn`. */
  truncate(lsn: Lsn): void {
    this.#values.length = Math.min(this.#values.length, lsn + 1)
  }

  /** Says that `ground` stands for the records through its own, which lose their updates after this. */
  drop(ground: Snapshot, records: readonly LogRecord[]): void {
    this.at(ground.lsn, records)
    const after = records.length as Lsn
    // Of two behind one record, only the later one counts: no value covers the other.
    if (this.#marks.at(-1)?.after === after && this.#marks.length > 1) this.#marks.pop()
    this.#marks.push({ after, groundLsn: ground.lsn, state: sha256(ground.state), annex: sha256(ground.annex) })
  }
}
