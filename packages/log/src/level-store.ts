import { type Clock, systemClock } from './clock.ts'
import { Database } from './database.ts'
import type { Durability, EventStore, StoreState, WorkspaceLog } from './event-store.ts'
import type { Group } from './group.ts'
import { GroupCommit } from './group-commit.ts'
import {
  KIND,
  kindRange,
  lsnOfRecordKey,
  nameOfWorkspaceKey,
  numberOfKey,
  recordKey,
  recordKeyRange,
  WORKSPACE_NUMBER_MAX,
  workspaceKey,
} from './key.ts'
import { LevelLog, type LevelLogHost, type LevelLogStart } from './level-log.ts'
import { LogError } from './log-error.ts'
import type { Lsn } from './lsn.ts'
import type { Put } from './put.ts'
import { decodeRecord } from './record.ts'
import { RollCall } from './roll-call.ts'
import { checkHead, checkUnknown, takeWitness, type Witness } from './witness.ts'
import { checkWorkspaceName, decodeWorkspaceIdentity } from './workspace-identity.ts'

export interface LevelStoreOptions {
  /** Made if it is missing; otherwise empty or a Joinery log's. */
  readonly directory: string
  readonly durability: Exclude<Durability, 'memory'>
  /** Async only: longest time from an acknowledged write to the fsync that covers it, fsync not counted. Default 10. */
  readonly windowMs?: number
  readonly clock?: Clock
}

/** Short enough that power loss costs a keystroke or two, long enough that a busy server fsyncs 100 times a second at most. */
const WINDOW_DEFAULT_MS = 10

/**
 * Opens or makes a log in a directory, which stays locked until the store is closed.
 * Throws `corrupted`, `foreign_directory`, `unreadable`, `locked`, `storage_full` or `storage_failed`.
 */
export async function openLevelStore(options: LevelStoreOptions): Promise<EventStore> {
  const disk = await Database.open(options.directory)
  try {
    return new LevelStore(options, disk, await takeWitness(disk))
  } catch (error) {
    await disk.close()
    throw error
  }
}

/** The store behind the interface, for this package's operations. Throws `invalid` for one that is not LevelDB's. */
export function levelStoreOf(store: EventStore): LevelStore {
  if (store instanceof LevelStore) return store
  throw new LogError('invalid', 'this works on a log in a directory only: a log in memory has nothing on a disk')
}

export class LevelStore implements EventStore, LevelLogHost {
  readonly durability: Durability
  readonly #clock: Clock
  readonly #commit: GroupCommit<Database>
  readonly #listeners = new Set<(state: StoreState) => void>()
  /** Undefined while it is being opened. */
  readonly #logs = new Map<string, LevelLog | undefined>()
  /** Logs closed with appends still on their way: opening waits for these, or it would find an older head. */
  readonly #leaving = new Map<string, Promise<void>>()
  readonly #witness: Witness
  #nextNumber: number

  constructor(options: LevelStoreOptions, disk: Database, witness: Witness) {
    const { directory, durability, windowMs = WINDOW_DEFAULT_MS, clock = systemClock } = options
    this.durability = durability
    this.#clock = clock
    this.#witness = witness
    this.#nextNumber = witness.firstFreeNumber
    this.#commit = new GroupCommit({
      directory,
      durability,
      windowMs,
      clock,
      disk,
      rollCall: new RollCall(witness.nextRollCall),
      reopen: () => Database.open(directory, disk.storeId),
      verify: (reopened, rewritten) => this.#verify(reopened, rewritten),
      onStateChange: (state) => {
        for (const listener of [...this.#listeners]) listener(state)
      },
    })
  }

  get state(): StoreState {
    return this.#commit.state
  }

  onStateChange(listener: (state: StoreState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async open(workspace: string): Promise<WorkspaceLog> {
    checkWorkspaceName(workspace)
    this.assertOpen()
    if (this.#logs.has(workspace)) {
      throw new LogError('locked', `workspace ${workspace} is open already: close that log before`)
    }
    this.#logs.set(workspace, undefined)
    try {
      await this.#leaving.get(workspace)
      const log = new LevelLog(workspace, await this.#find(workspace), this)
      this.#logs.set(workspace, log)
      return log
    } catch (error) {
      this.#logs.delete(workspace)
      this.assertOpen()
      throw error
    }
  }

  async *workspaces(): AsyncGenerator<string> {
    for await (const [key] of this.disk.entries(kindRange(KIND.workspace))) yield nameOfWorkspaceKey(key)
  }

  close(): Promise<void> {
    return this.#commit.close()
  }

  async #find(workspace: string): Promise<LevelLogStart> {
    const value = await this.disk.get(workspaceKey(workspace))
    if (value === undefined) {
      checkUnknown(this.#witness, workspace)
      return { identity: undefined, head: 0 as Lsn, headAt: 0 }
    }
    const identity = decodeWorkspaceIdentity(workspace, value)
    const last = await this.disk.last(recordKeyRange(identity.number))
    const record = last && decodeRecord(workspace, ...last)
    const head = record?.lsn ?? (0 as Lsn)
    checkHead(this.#witness, workspace, identity.number, head)
    return { identity, head, headAt: record?.at ?? identity.createdAt }
  }

  /** Every open workspace must still have its last record that is not about to be written again. */
  async #verify(disk: Database, rewritten: readonly Put[]): Promise<void> {
    const rewrittenFrom = new Map<number, Lsn>()
    for (const { key } of rewritten) {
      if (key[0] !== KIND.record) continue
      const number = numberOfKey(key)
      if (!rewrittenFrom.has(number)) rewrittenFrom.set(number, lsnOfRecordKey(key))
    }
    for (const log of this.#logs.values()) {
      if (log?.number === undefined) continue
      const lsn = (rewrittenFrom.get(log.number) ?? log.head + 1) - 1
      if (lsn === 0) continue
      const key = recordKey(log.number, lsn as Lsn)
      const value = await disk.get(key)
      if (value === undefined) {
        throw new LogError('corrupted', `record ${lsn} of workspace ${log.workspace} is gone after storage failed`)
      }
      decodeRecord(log.workspace, key, value)
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

  assertOpen(): void {
    this.#commit.assertOpen()
  }

  group(): Group {
    return this.#commit.group()
  }

  waiting(): Iterable<Put> {
    return this.#commit.waiting()
  }

  get disk(): Database {
    return this.#commit.disk
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
