import type { AtomicWork } from '../atomic-work.ts'
import { timeAfter } from '../clock.ts'
import type { Database, DatabaseMoment } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import type {
  Compacted,
  KeepHistory,
  LogEntry,
  LogRecord,
  LogState,
  Receipt,
  Sealed,
  Snapshot,
  StoreState,
  VerifyState,
  WorkspaceLog,
} from '../event-store.ts'
import { checkKeepHistory, lastToGo } from '../keep-history.ts'
import { LogError } from '../log-error.ts'
import { LSN_MAX, type Lsn } from '../lsn.ts'
import type { LogObserver } from '../observer.ts'
import { checkChained, checkSnapshot, firstToRead } from '../records/bounds.ts'
import { CHAIN_START, type ChainValue } from '../records/chain.ts'
import type { Extent } from '../records/extent.ts'
import { KIND, lsnOfRecordKey, numberOfKey } from '../records/key.ts'
import { duplicateKey } from '../records/key-entry.ts'
import { checkEntry, decodeRecord, decodeRecordTime, encodeRecord } from '../records/record.ts'
import { encodeWorkspaceIdentity, makeGeneration, type WorkspaceIdentity } from '../records/workspace-identity.ts'
import type { Put, Write } from '../records/write.ts'
import { compactRecords } from './compact.ts'
import { HistoryKeeper } from './history-keeper.ts'
import { keepChainAt } from './keep-chain.ts'
import { KeyIndex } from './key-index.ts'
import { findRung, missingGround } from './ladder.ts'
import { logStateOf, onLogStateChange } from './log-state.ts'
import { sealRecords } from './seal.ts'
import { findStoredTime, readStoredRuns, type StoredLog } from './stored-records.ts'
import { takeSnapshot } from './take-snapshot.ts'

/** The part of its store that one workspace's log needs. */
export interface LevelLogHost {
  now(): number
  takeWorkspaceNumber(): number
  readonly state: StoreState
  /** Why nothing is written any more, if another writer holds the store. */
  readonly fence: LogError | undefined
  onStateChange(listener: (state: StoreState) => void): () => void
  assertOpen(): void
  group(): Group
  waiting(): Iterable<Write>
  readonly disk: Database
  /** The disk for reading, also while it takes no writes. Throws `closed` or the storage error. */
  readonly readable: Database
  readonly observer: LogObserver
  /** The work that may have to be taken back, if some is running. */
  readonly atomic: AtomicWork
  /**
   * The error that a reader gets for an error met on the way. Throws `closed` or the storage error if that is the
   * cause.
   */
  explained(error: unknown): unknown
  release(log: LevelLog): void
}

/** State of a workspace's log when it is opened. */
export interface LevelLogStart {
  readonly identity: WorkspaceIdentity | undefined
  readonly extent: Extent
  readonly head: Lsn
  /** Time of the head record. */
  readonly headAt: number
  /** Bytes of the records after the snapshot. */
  readonly bytes: number
}

/** How far a log has come, with what was appended and is not on the disk yet. */
interface LogPlace {
  identity: WorkspaceIdentity | undefined
  head: Lsn
  headAt: number
  /** Bytes of the records since the snapshot. */
  bytes: number
  /** The group that holds the workspace's identity; undefined if it was there before. */
  birth: Group | undefined
  /** The group of the latest append. */
  lastGroup: Group | undefined
}

export class LevelLog implements WorkspaceLog {
  readonly workspace: string
  protected readonly host: LevelLogHost
  #extent: Extent
  protected readonly keys: KeyIndex
  /** Made when it is first needed: most workspaces are only open. */
  #keeper: HistoryKeeper | undefined
  #isClosed = false
  protected readonly place: LogPlace

  constructor(workspace: string, start: LevelLogStart, host: LevelLogHost) {
    this.workspace = workspace
    this.keys = new KeyIndex(workspace)
    this.#extent = start.extent
    const { identity, head, headAt, bytes } = start
    this.place = { identity, head, headAt, bytes, birth: undefined, lastGroup: undefined }
    this.host = host
  }

  get generation(): string | undefined {
    return this.place.identity?.generation
  }

  get head(): Lsn {
    return this.place.head
  }

  get firstLsn(): Lsn {
    return (this.#keeper?.extent ?? this.#extent).firstLsn
  }

  get snapshotLsn(): Lsn {
    return (this.#keeper?.extent ?? this.#extent).snapshotLsn
  }

  get state(): LogState {
    return logStateOf(this.host)
  }

  onStateChange(listener: (state: LogState) => void): () => void {
    return onLogStateChange(this.host, listener)
  }

  get sinceSnapshot(): { records: number; bytes: number } {
    return { records: this.place.head - this.snapshotLsn, bytes: this.place.bytes }
  }

  /** The workspace's number in record keys; undefined until the workspace exists. */
  get number(): number | undefined {
    return this.place.identity?.number
  }

  /** Resolves when everything that was written through this log is durable. */
  get settled(): Promise<unknown> | undefined {
    const appended = (this.place.lastGroup ?? this.place.birth)?.durable
    const kept = this.#keeper?.settled
    return kept === undefined ? appended : Promise.allSettled([appended, kept])
  }

  async create(): Promise<string> {
    this.assertOpen()
    if (this.host.atomic.isRunning) this.#noteTakeBack()
    const { generation } = this.place.identity ?? this.beBorn()
    await this.place.birth?.durable
    return generation
  }

  append(entry: LogEntry, { sync = false } = {}): Receipt {
    this.assertOpen()
    checkEntry(entry)
    const { idempotencyKey } = entry
    if (idempotencyKey !== undefined) this.#assertNewKey(idempotencyKey)
    const { atomic } = this.host
    if (atomic.isRunning) this.#noteTakeBack()
    const { number } = this.place.identity ?? this.beBorn()
    if (this.place.head === LSN_MAX) throw new LogError('invalid', `workspace ${this.workspace} has used up its LSNs`)
    const lsn = (this.place.head + 1) as Lsn
    const at = timeAfter(this.place.headAt, this.host, this.host.observer)
    const put = encodeRecord(number, lsn, at, entry)
    const group = this.host.group()
    const durable = group.add([put], { sync })
    if (idempotencyKey !== undefined) {
      const forget = this.keys.add(number, idempotencyKey, lsn, group)
      if (atomic.isRunning) atomic.note(forget)
    }
    this.place.head = lsn
    this.place.headAt = at
    this.place.lastGroup = group
    this.host.observer.appended?.(entry.update.byteLength, put.value.byteLength)
    this.place.bytes += put.key.byteLength + put.value.byteLength
    return { lsn, at, durable }
  }

  async *read(range: { after?: Lsn; through?: Lsn } = {}): AsyncGenerator<LogRecord> {
    this.#assertReadable()
    const first = firstToRead(this, range)
    const through = Math.min(range.through ?? this.place.head, this.place.head)
    const number = this.number
    if (number === undefined || first > through) return
    // Records on their way to the disk are read from memory: waiting for the disk could take as long as storage fails.
    const { waiting, firstWaiting } = this.#waiting(number)
    const lastStored = Math.min(through, firstWaiting - 1)
    if (first <= lastStored) {
      for await (const run of this.#readStored(first, lastStored)) for (const record of run) yield record
    }
    for (const { key, value } of waiting) {
      const lsn = lsnOfRecordKey(key)
      if (lsn >= first && lsn <= through) yield decodeRecord(this.workspace, key, value)
    }
  }

  async lsnOfKey(idempotencyKey: string): Promise<Lsn | undefined> {
    this.#assertReadable()
    return this.number === undefined ? undefined : this.keys.find(this.host.readable, this.number, idempotencyKey)
  }

  async lsnAt(at: number): Promise<Lsn> {
    this.#assertReadable()
    const stored = this.#stored()
    if (stored === undefined) return 0 as Lsn
    try {
      if (at >= this.place.headAt) return this.place.head
      const { waiting, firstWaiting } = this.#waiting(stored.number)
      const isBefore = ({ key, value }: Put) => decodeRecordTime(this.workspace, key, value) <= at
      const found = waiting.findLast(isBefore)
      if (found !== undefined) return lsnOfRecordKey(found.key)
      return (await findStoredTime(stored, this.firstLsn, firstWaiting - 1, at)) ?? (0 as Lsn)
    } catch (error) {
      throw this.#explained(error)
    } finally {
      await stored.moment.close()
    }
  }

  async *#readStored(first: number, last: number): AsyncGenerator<LogRecord[]> {
    const stored = this.#stored()
    try {
      if (stored !== undefined) yield* this.readRuns(stored, first, last)
    } catch (error) {
      throw this.#explained(error)
    } finally {
      await stored?.moment.close()
    }
  }

  protected readRuns(stored: StoredLog, first: number, last: number): AsyncGenerator<LogRecord[]> {
    return readStoredRuns(stored, first, last)
  }

  async snapshot(snapshot: { lsn: Lsn; state: Uint8Array; annex?: Uint8Array }): Promise<void> {
    this.assertOpen()
    checkSnapshot(this, snapshot)
    const { lsn, state, annex = new Uint8Array(0) } = snapshot
    const previousLsn = this.snapshotLsn
    for await (const { at } of this.read({ after: (lsn - 1) as Lsn, through: lsn })) {
      await this.keeperNow()?.inTurn((desk) => takeSnapshot(desk, { lsn, at, state, annex }))
    }
    this.place.bytes *= (this.place.head - lsn) / (this.place.head - previousLsn)
  }

  async latestSnapshot(range: { atOrBefore?: Lsn } = {}): Promise<Snapshot | undefined> {
    this.#assertReadable()
    const atOrBefore = Math.min(range.atOrBefore ?? this.place.head, this.snapshotLsn) as Lsn
    // A snapshot from before the dropped records is kept only because others are packed against it.
    const stored = atOrBefore === 0 || atOrBefore < this.firstLsn - 1 ? undefined : this.#stored()
    if (stored === undefined) return undefined
    let damage: LogError | undefined
    const damaged = (error: LogError) => {
      damage ??= error
      this.host.observer.damaged?.(error)
    }
    try {
      const rung = await findRung(stored, atOrBefore, damaged)
      if ((rung?.lsn ?? 0) < this.firstLsn - 1) throw damage ?? missingGround(this.workspace)
      if (rung === undefined) return undefined
      return { lsn: rung.lsn, at: rung.at, state: rung.state, annex: rung.annex }
    } catch (error) {
      throw this.#explained(error)
    } finally {
      await stored.moment.close()
    }
  }

  async seal({ through = this.place.head }: { through?: Lsn } = {}): Promise<Sealed> {
    this.assertOpen()
    const sealed = await this.keeperNow()?.inTurn((desk) => {
      // The head is never sealed: opening a workspace looks at it.
      return sealRecords(desk, Math.min(through, this.place.head - 1) as Lsn)
    })
    return sealed ?? { records: 0, bytesBefore: 0, bytesAfter: 0 }
  }

  async compact(policy: { keepHistory: KeepHistory; verify: VerifyState; isErasing?: boolean }): Promise<Compacted> {
    this.assertOpen()
    const { keepHistory, verify } = policy
    checkKeepHistory(keepHistory)
    const position = { head: this.place.head, now: this.host.now(), lsnAt: (at: number) => this.lsnAt(at) }
    const through = await lastToGo(keepHistory, position)
    const compacted = await this.keeperNow()?.inTurn((desk) =>
      compactRecords(desk, through, verify, policy.isErasing === true),
    )
    return compacted ?? { dropped: 0, firstLsn: this.firstLsn }
  }

  async chainAt(lsn: Lsn = this.place.head): Promise<ChainValue> {
    this.assertOpen()
    checkChained(this, lsn)
    // A value is kept only behind its record.
    await this.place.lastGroup?.durable
    return (await this.keeperNow()?.inTurn((desk) => keepChainAt(desk, lsn))) ?? CHAIN_START
  }

  async close(): Promise<void> {
    if (!this.#isClosed) this.host.release(this)
    this.#isClosed = true
  }

  /** Notes how what follows in this turn is taken back: this log is then as it is now, and the group has no more writes. */
  #noteTakeBack(): void {
    const group = this.host.group()
    const { needsSync, writes } = group
    const { length } = writes
    const before = { ...this.place }
    this.host.atomic.note(() => {
      writes.length = length
      group.needsSync = needsSync
      Object.assign(this.place, before)
    })
  }

  #assertNewKey(idempotencyKey: string): void {
    const { number, workspace } = this
    const lsn = number === undefined ? undefined : this.keys.find(this.host.disk, number, idempotencyKey)
    if (lsn !== undefined) throw duplicateKey(workspace, idempotencyKey, lsn)
  }

  /** Records on their way to the disk, and the first LSN of them. */
  #waiting(number: number): { waiting: Put[]; firstWaiting: number } {
    const waiting = [...this.host.waiting()].filter(isRecordOf(number))
    return { waiting, firstWaiting: waiting[0] === undefined ? this.place.head + 1 : lsnOfRecordKey(waiting[0].key) }
  }

  /** This log's part of the database as of now; undefined until the workspace exists. Close its moment. */
  #stored(): (StoredLog & { moment: DatabaseMoment }) | undefined {
    const number = this.number
    return number === undefined ? undefined : { workspace: this.workspace, number, moment: this.host.readable.pin() }
  }

  #explained(error: unknown): unknown {
    this.#assertNotClosed()
    return this.host.explained(error)
  }

  protected beBorn(): WorkspaceIdentity {
    const identity = {
      number: this.host.takeWorkspaceNumber(),
      generation: makeGeneration(),
      createdAt: this.host.now(),
    }
    this.place.birth = this.host.group()
    this.place.birth.writes.push(...encodeWorkspaceIdentity(this.workspace, identity))
    this.place.identity = identity
    return identity
  }

  /** Undefined until the workspace exists. */
  protected keeperNow(): HistoryKeeper | undefined {
    if (this.place.identity === undefined) return undefined
    const { number, generation } = this.place.identity
    const host = this.host
    const log = this
    this.#keeper ??= new HistoryKeeper(this.workspace, number, this.#extent, {
      assertOpen: () => this.assertOpen(),
      group: () => host.group(),
      get disk() {
        return host.disk
      },
      generation,
      get head() {
        return log.head
      },
      observer: host.observer,
    })
    return this.#keeper
  }

  /** Makes another keeper when one is needed: the generation has changed, or the place where the log begins. */
  protected forgetKeeper(extent = this.#extent): void {
    this.#extent = extent
    this.#keeper = undefined
  }

  protected assertOpen(): void {
    this.#assertNotClosed()
    this.host.assertOpen()
  }

  #assertReadable(): void {
    this.#assertNotClosed()
    void this.host.readable
  }

  #assertNotClosed(): void {
    if (this.#isClosed) throw new LogError('closed', `the log of workspace ${this.workspace} is closed`)
  }
}

function isRecordOf(number: number) {
  return (write: Write): write is Put =>
    write.type === 'put' && write.key[0] === KIND.record && numberOfKey(write.key) === number
}
