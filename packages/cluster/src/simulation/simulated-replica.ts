import type { LogRecord, Lsn } from '@joinery/log'
import { type Position, START } from '../history/position.ts'
import type { ReplicaLog } from '../history/replica-log.ts'

/** A node's copy in memory that can lose what was not on the disk when the node was killed. */
export class SimulatedReplica implements ReplicaLog {
  readonly #node: string
  #records: LogRecord[] = []
  /** Number of records that are on the disk. */
  #safe = 0
  #mark = START
  #floor = 0
  #generation: string | undefined
  /** Histories that it has begun. */
  #begun = 0

  constructor(node: string) {
    this.#node = node
  }

  get generation(): string | undefined {
    return this.#generation
  }

  /** No life of a simulated node drops records. */
  readonly firstLsn = 1

  async readOrigin(): Promise<undefined> {}

  async chainAt(): Promise<string> {
    throw new Error('a simulated copy has no chain')
  }

  get head(): number {
    return this.#records.length
  }

  get mark(): Position {
    return this.#mark
  }

  get floor(): number {
    return this.#floor
  }

  get records(): readonly LogRecord[] {
    return this.#records
  }

  /** Appends an edit of this node itself. It is on the disk after {@link sync}. */
  append(id: string): LogRecord {
    this.#generation ??= this.#mark.generation ?? `generation-${++this.#begun}-of-${this.#node}`
    const record: LogRecord = {
      lsn: (this.#records.length + 1) as Lsn,
      at: 1_000 + this.#records.length,
      actor: this.#node,
      source: 'user_action',
      connection: 'c',
      touched: [],
      update: new TextEncoder().encode(id),
    }
    this.#records.push(record)
    return record
  }

  sync(): void {
    this.#safe = this.#records.length
  }

  /** The process is killed: the disk has some of what was not synced, or nothing of it. */
  crash(kept: (unsafe: number) => number): void {
    this.#records.length = this.#safe + kept(this.#records.length - this.#safe)
    this.#safe = this.#records.length
    if (this.#records.length === 0 && this.#mark.lsn === 0) this.#generation = undefined
  }

  /** The disk is lost with all that it had, or the history was purged. */
  wipe(): void {
    this.#records.length = 0
    this.#safe = 0
    this.#mark = START
    this.#floor = 0
    this.#generation = undefined
  }

  async *read(after: number): AsyncIterable<LogRecord> {
    yield* this.#records.slice(after)
  }

  async adopt(records: readonly LogRecord[], mark: Position): Promise<void> {
    for (const record of records) {
      if (record.lsn !== this.#records.length + 1)
        throw new Error(`record ${record.lsn} follows ${this.#records.length}`)
      this.#records.push(record)
    }
    this.#mark = mark
    this.#floor = Math.max(this.#floor, mark.lsn)
    this.#generation = mark.generation ?? this.#generation
    this.sync()
  }

  async protect(): Promise<void> {
    this.#floor = this.#records.length
    this.sync()
  }

  async truncate(lsn: number): Promise<void> {
    if (lsn < this.#floor) throw new Error(`record ${this.#floor} was acknowledged, and is cut off`)
    this.#records.length = lsn
    this.sync()
    if (lsn === 0) this.#generation = undefined
  }
}
