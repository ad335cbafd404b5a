import type { Database, Entry } from './database.ts'
import type { LogEntry, LogRecord, Receipt, WorkspaceLog } from './event-store.ts'
import type { Group } from './group.ts'
import { KIND, lsnOfRecordKey, numberOfKey, recordKey } from './key.ts'
import { LogError } from './log-error.ts'
import { LSN_MAX, type Lsn } from './lsn.ts'
import type { Put } from './put.ts'
import { checkEntry, decodeRecord, encodeRecord } from './record.ts'
import { encodeWorkspaceIdentity, makeGeneration, type WorkspaceIdentity } from './workspace-identity.ts'

/** What one workspace's log needs of the store it is in. */
export interface LevelLogHost {
  now(): number
  takeWorkspaceNumber(): number
  assertOpen(): void
  group(): Group
  waiting(): Iterable<Put>
  readonly disk: Database
  release(log: LevelLog): void
}

/** Where a workspace's log stands when it is opened. */
export interface LevelLogStart {
  readonly identity: WorkspaceIdentity | undefined
  readonly head: Lsn
  /** Time of the head record. */
  readonly headAt: number
}

export class LevelLog implements WorkspaceLog {
  readonly workspace: string
  readonly #host: LevelLogHost
  #identity: WorkspaceIdentity | undefined
  #head: Lsn
  #headAt: number
  #isClosed = false
  /** The group that holds the workspace's identity; undefined if it was there before. */
  #birth: Group | undefined
  /** The group of the latest append. */
  #lastGroup: Group | undefined

  constructor(workspace: string, start: LevelLogStart, host: LevelLogHost) {
    this.workspace = workspace
    this.#identity = start.identity
    this.#head = start.head
    this.#headAt = start.headAt
    this.#host = host
  }

  get generation(): string | undefined {
    return this.#identity?.generation
  }

  get head(): Lsn {
    return this.#head
  }

  /** The number in the record keys; undefined as long as the workspace does not exist. */
  get number(): number | undefined {
    return this.#identity?.number
  }

  /** Resolves when everything that was written through this log is durable. */
  get settled(): Promise<void> | undefined {
    return (this.#lastGroup ?? this.#birth)?.durable
  }

  async create(): Promise<string> {
    this.#assertOpen()
    const { generation } = this.#identity ?? this.#beBorn()
    await this.#birth?.durable
    return generation
  }

  append(entry: LogEntry): Receipt {
    this.#assertOpen()
    checkEntry(entry)
    const { number } = this.#identity ?? this.#beBorn()
    if (this.#head === LSN_MAX) throw new LogError('invalid', `workspace ${this.workspace} has used up its LSNs`)
    const lsn = (this.#head + 1) as Lsn
    const at = Math.max(this.#host.now(), this.#headAt)
    const put = encodeRecord(number, lsn, at, entry)
    const group = this.#host.group()
    group.puts.push(put)
    this.#head = lsn
    this.#headAt = at
    this.#lastGroup = group
    return { lsn, at, durable: group.durable }
  }

  async *read(range: { after?: Lsn; through?: Lsn } = {}): AsyncGenerator<LogRecord> {
    this.#assertOpen()
    const through = Math.min(range.through ?? this.#head, this.#head)
    const first = (range.after ?? 0) + 1
    const number = this.number
    if (number === undefined || first > through) return
    // What is on its way to the disk is read from memory: waiting for it could take as long as storage fails.
    const waiting = [...this.#host.waiting()].filter(({ key }) => key[0] === KIND.record && numberOfKey(key) === number)
    const firstWaiting = waiting[0] === undefined ? this.#head + 1 : lsnOfRecordKey(waiting[0].key)
    const lastStored = Math.min(through, firstWaiting - 1)
    if (first <= lastStored) yield* this.#readStored(number, first, lastStored)
    for (const { key, value } of waiting) {
      const lsn = lsnOfRecordKey(key)
      if (lsn >= first && lsn <= through) yield decodeRecord(this.workspace, key, value)
    }
  }

  async *#readStored(number: number, first: number, last: number): AsyncGenerator<LogRecord> {
    const keys = { gte: recordKey(number, first as Lsn), lte: recordKey(number, last as Lsn) }
    let expected = first
    for await (const [key, value] of this.#entries(keys)) {
      if (lsnOfRecordKey(key) !== expected) break
      yield decodeRecord(this.workspace, key, value)
      expected++
    }
    if (expected <= last) {
      throw new LogError(
        'corrupted',
        `record ${expected} of workspace ${this.workspace} is missing (head ${this.#head})`,
      )
    }
  }

  async *#entries(keys: { gte: Uint8Array; lte: Uint8Array }): AsyncGenerator<Entry> {
    try {
      yield* this.#host.disk.entries(keys)
    } catch (error) {
      // Recovery closes the handle under a reader: what it should hear of is the storage error behind that.
      this.#assertOpen()
      throw error
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#host.release(this)
  }

  #beBorn(): WorkspaceIdentity {
    const identity = {
      number: this.#host.takeWorkspaceNumber(),
      generation: makeGeneration(),
      createdAt: this.#host.now(),
    }
    this.#birth = this.#host.group()
    this.#birth.puts.push(...encodeWorkspaceIdentity(this.workspace, identity))
    this.#identity = identity
    return identity
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new LogError('closed', `the log of workspace ${this.workspace} is closed`)
    this.#host.assertOpen()
  }
}
