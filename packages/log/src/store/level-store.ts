import { AtomicWork } from '../atomic-work.ts'
import { type Clock, systemClock } from '../clock.ts'
import { copyIdOf } from '../disk/data-directory.ts'
import { Database } from '../disk/database.ts'
import type { Group } from '../disk/group.ts'
import { GroupCommit } from '../disk/group-commit.ts'
import { RollCall } from '../disk/roll-call.ts'
import { probeRoom } from '../disk/room-probe.ts'
import type {
  AdoptingLog,
  AdoptingStore,
  DamagedLog,
  Durability,
  EventStore,
  PurgeOptions,
  StoreState,
} from '../event-store.ts'
import { LogError } from '../log-error.ts'
import type { Lsn } from '../lsn.ts'
import type { LogObserver } from '../observer.ts'
import { decodeExtent } from '../records/extent.ts'
import {
  extentKey,
  KIND,
  kindRange,
  lsnOfRecordKey,
  nameOfWorkspaceKey,
  numberOfKey,
  WORKSPACE_NUMBER_MAX,
  workspaceKey,
} from '../records/key.ts'
import { checkWorkspaceName, isTombstone } from '../records/workspace-identity.ts'
import type { Write } from '../records/write.ts'
import { assertDeletable, assertPurgeable, isSystemLog, workspaceOfSystemLog } from '../system-log.ts'
import { AdoptingLevelLog, type AdoptingLogHost } from './adopting-log.ts'
import { belongingTo } from './belonging.ts'
import { ReadOnlyLog, surveyDamage } from './damaged-log.ts'
import { findLog } from './find-log.ts'
import type { LevelLog } from './level-log.ts'
import { discard, generationOf, purge, tombstone, undelete } from './removal.ts'
import { readStoredRuns, type StoredLog } from './stored-records.ts'
import { takeWitness, type Witness } from './witness.ts'

export interface LevelStoreOptions {
  /** Directory of the log. It is made if missing; otherwise it has to be empty or hold a Joinery log. */
  readonly directory: string
  readonly durability: Exclude<Durability, 'memory'>
  /** Directory whose data this one is read for, if it is another: `copy` names that one. */
  readonly original?: string
  /**
   * `async` only: longest time from an acknowledged write to the beginning of the fsync that covers it, ms. Default 10.
   */
  readonly windowMs?: number
  readonly clock?: Clock
  readonly observer?: LogObserver
}

/**
 * Short enough that power loss costs a keystroke or two; long enough that a busy server makes at most 100 fsyncs a
 * second.
 */
const WINDOW_DEFAULT_MS = 10

/**
 * Opens a log in a directory, or makes one there. The directory stays locked until the store is closed. Throws
 * `corrupted`, `foreign_directory`, `unreadable`, `locked`, `storage_full` or `storage_failed`.
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<AdoptingStore> {
  const { directory, original = directory, observer } = options
  const disk = await Database.open(directory, { observer })
  try {
    return new LevelStore(options, disk, await takeWitness(disk), await copyIdOf(original, disk.storeId))
  } catch (error) {
    await disk.close()
    throw error
  }
}

/** The LevelDB store behind the interface, for the operations of this package. Throws `invalid` for any other store. */
export function levelStoreOf(store: EventStore): LevelStore {
  if (store instanceof LevelStore) return store
  throw new LogError('invalid', 'this operation works on a log in a directory only: the store given has none')
}

export class LevelStore implements AdoptingStore, AdoptingLogHost {
  readonly durability: Durability
  readonly copy: string
  readonly observer: LogObserver
  readonly atomic = new AtomicWork()
  readonly #clock: Clock
  readonly #commit: GroupCommit<Database>
  readonly #listeners = new Set<(state: StoreState) => void>()
  /** The open logs by workspace; undefined while one is being opened. */
  readonly #logs = new Map<string, LevelLog | undefined>()
  /**
   * Closed logs whose appends are still being written. Opening the workspace waits for these: else it would find an
   * older head.
   */
  readonly #leaving = new Map<string, Promise<unknown>>()
  readonly #witness: Witness
  readonly #rollCall: RollCall
  #nextNumber: number

  constructor(options: LevelStoreOptions, disk: Database, witness: Witness, copy: string) {
    const { directory, durability, windowMs = WINDOW_DEFAULT_MS, clock = systemClock, observer = {} } = options
    this.observer = observer
    this.copy = copy
    this.durability = durability
    this.#clock = clock
    this.#witness = witness
    this.#nextNumber = witness.firstFreeNumber
    this.#rollCall = new RollCall(witness.nextRollCall)
    this.#commit = new GroupCommit({
      directory,
      durability,
      windowMs,
      clock,
      disk,
      rollCall: this.#rollCall,
      observer,
      probe: () => probeRoom(directory),
      reopen: () => Database.open(directory, { storeId: disk.storeId, observer }),
      verify: (reopened, rewritten) => this.#verify(reopened, rewritten),
      onStateChange: (state) => {
        for (const listener of [...this.#listeners]) listener(state)
      },
    })
  }

  get state(): StoreState {
    return this.#commit.state
  }

  get fence(): LogError | undefined {
    return this.#commit.fence
  }

  onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  open(workspace: string): Promise<AdoptingLog> {
    // While storage fails, what is on the disk can still be read.
    const reads = true
    return this.#admit(
      workspace,
      async () => new AdoptingLevelLog(workspace, await findLog(this.readable, this.#witness, workspace), this),
      { reads },
    )
  }

  openDamaged(workspace: string): Promise<DamagedLog> {
    return this.#admit(workspace, async () => {
      const { start, damage } = await surveyDamage(this, this.#witness, workspace)
      return new ReadOnlyLog(workspace, start, this, damage)
    })
  }

  async tombstone(workspace: string): Promise<void> {
    assertDeletable(workspace)
    return this.alone(workspace, () => tombstone(this, this.#witness, workspace))
  }

  undelete(workspace: string): Promise<void> {
    return this.alone(workspace, () => undelete(this, this.#witness, workspace))
  }

  /** With `withLogs` false, the workspace's system logs stay: they are not part of what is taken back. */
  purge(workspace: string, { withLogs = true, beside }: PurgeOptions & { withLogs?: boolean } = {}): Promise<void> {
    return this.alone(workspace, async () => {
      if (isSystemLog(workspace)) await this.#assertPurgeable(workspace)
      const belonging = withLogs ? await belongingTo(this.disk, workspace) : []
      await this.#aloneWithAll(belonging, () => purge(this, this.#witness, workspace, belonging, beside))
    })
  }

  discard(name: string): Promise<void> {
    return this.alone(name, () => discard(this, this.#witness, name))
  }

  async generationOf(name: string): Promise<string | undefined> {
    checkWorkspaceName(name)
    return this.#logs.get(name)?.generation ?? (await generationOf({ disk: this.readable }, name))
  }

  /** Does `work` while no log of these is open. */
  #aloneWithAll(names: readonly string[], work: () => Promise<void>): Promise<void> {
    const [name, ...others] = names
    return name === undefined ? work() : this.alone(name, () => this.#aloneWithAll(others, work))
  }

  /** A system log may be purged once its workspace is gone. One that an import has left hidden always may. */
  async #assertPurgeable(name: string): Promise<void> {
    const value = await this.disk.get(workspaceKey(name))
    if (value !== undefined && isTombstone(name, value)) return
    const owner = workspaceOfSystemLog(name)
    assertPurgeable(name, owner !== undefined && (await this.disk.get(workspaceKey(owner))) !== undefined)
  }

  atomically<T>(work: () => T): T {
    return this.atomic.run(work)
  }

  #admit<L extends LevelLog>(workspace: string, makeLog: () => Promise<L>, { reads = false } = {}): Promise<L> {
    const admit = async () => {
      const log = await makeLog()
      this.#logs.set(workspace, log)
      return log
    }
    return this.alone(workspace, admit, { reads })
  }

  /**
   * Does `work` on a workspace while no log of it is open: one work at a time, after everything that went through its
   * last log is written.
   */
  async alone<T>(workspace: string, work: () => Promise<T>, { reads = false } = {}): Promise<T> {
    checkWorkspaceName(workspace)
    // Appends of its last log may be in memory only: waiting for them would take as long as storage fails.
    if (reads && !this.#leaving.has(workspace)) this.assertReadable()
    else this.assertOpen()
    if (this.#logs.has(workspace)) {
      throw new LogError('locked', `workspace ${workspace} is open already: close that log first`, { workspace })
    }
    this.#logs.set(workspace, undefined)
    try {
      await this.#leaving.get(workspace)
      return await work()
    } catch (error) {
      throw this.explained(error)
    } finally {
      // Unless the work has opened a log.
      if (this.#logs.get(workspace) === undefined) this.#logs.delete(workspace)
    }
  }

  workspaces(): AsyncGenerator<string> {
    return this.#names((name, isDeleted) => !isDeleted && !isSystemLog(name))
  }

  systemLogs(): AsyncGenerator<string> {
    return this.#names((name, isDeleted) => !isDeleted && isSystemLog(name))
  }

  tombstones(): AsyncGenerator<string> {
    return this.#names((name, isDeleted) => isDeleted && !isSystemLog(name))
  }

  async *#names(isWanted: (name: string, isDeleted: boolean) => boolean): AsyncGenerator<string> {
    for await (const [key, value] of this.readable.entries(kindRange(KIND.workspace))) {
      const name = nameOfWorkspaceKey(key)
      if (isWanted(name, isTombstone(name, value))) yield name
    }
  }

  close(): Promise<void> {
    return this.#commit.close()
  }

  /** Throws `corrupted` unless every open workspace still has its last record that is not about to be written again. */
  async #verify(disk: Database, rewritten: readonly Write[]): Promise<void> {
    const rewrittenFrom = new Map<number, Lsn>()
    for (const { type, key } of rewritten) {
      if (type !== 'put' || key[0] !== KIND.record) continue
      const number = numberOfKey(key)
      if (!rewrittenFrom.has(number)) rewrittenFrom.set(number, lsnOfRecordKey(key))
    }
    const moment = disk.pin()
    try {
      for (const log of this.#logs.values()) {
        // A damaged log has nothing on its way, and may lack its last record.
        if (log?.number === undefined || log instanceof ReadOnlyLog) continue
        const { number, workspace, head } = log
        // Records behind the head may be cut off by a write that failed and reached the disk all the same.
        const last = Math.min(head, (rewrittenFrom.get(number) ?? head + 1) - 1)
        await expectRecord({ workspace, number, moment }, last)
      }
    } finally {
      await moment.close()
    }
  }

  now(): number {
    return this.#clock.now()
  }

  takeWorkspaceNumber(): number {
    if (this.#nextNumber > WORKSPACE_NUMBER_MAX)
      throw new LogError('invalid', 'the log has used up its workspace numbers')
    return this.#nextNumber++
  }

  cutBack(number: number, lsn: Lsn): number {
    const { heads } = this.#witness
    if ((heads.get(number) ?? 0) > lsn) heads.set(number, lsn)
    return this.#rollCall.cutBack(number, lsn)
  }

  assertOpen(): void {
    this.#commit.assertOpen()
  }

  assertReadable(): void {
    void this.readable
  }

  /** Recovery closes the handle while others read: they get the storage error that caused it. */
  explained(error: unknown): unknown {
    const isOfStorage = !(error instanceof LogError) || error.code === 'storage_failed' || error.code === 'storage_full'
    if (isOfStorage) this.assertOpen()
    else if (error.code === 'corrupted') this.observer.damaged?.(error)
    return error
  }

  group(): Group {
    return this.#commit.group()
  }

  waiting(): Iterable<Write> {
    return this.#commit.waiting()
  }

  get disk(): Database {
    return this.#commit.disk
  }

  get readable(): Database {
    return this.#commit.readable
  }

  release(log: LevelLog): void {
    this.#logs.delete(log.workspace)
    const settled = log.settled
    if (settled === undefined) return
    this.#leaving.set(log.workspace, settled)
    const forget = () => {
      if (this.#leaving.get(log.workspace) === settled) this.#leaving.delete(log.workspace)
    }
    settled.then(forget, forget)
  }
}

/**
 * Throws `corrupted` unless the record is there. It may also have been sealed or dropped by a write that failed and
 * reached the disk all the same.
 */
async function expectRecord(log: StoredLog, lsn: number): Promise<void> {
  const { workspace, number, moment } = log
  const { firstLsn } = decodeExtent(workspace, number, await moment.get(extentKey(number)))
  if (lsn < firstLsn) return
  try {
    for await (const _ of readStoredRuns(log, lsn, lsn)) return
  } catch (cause) {
    if (!(cause instanceof LogError) || cause.code !== 'corrupted') throw cause
    const message = `record ${lsn} of workspace ${workspace} is gone after storage failed: ${cause.message}`
    throw new LogError('corrupted', message, { cause, workspace, lsn: lsn as Lsn })
  }
}
