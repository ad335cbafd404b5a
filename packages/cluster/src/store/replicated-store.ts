import {
  type AdoptingLog,
  type AdoptingStore,
  checkWorkspaceName,
  type DamagedLog,
  type Durability,
  type EventStore,
  isSystemLog,
  type PurgeOptions,
  type SteadyClock,
  type StoreState,
  workspaceOfSystemLog,
} from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Hold, Ownership } from '@joinery/server'
import type { Engine } from '../engine/engine.ts'
import type { LaterKind } from '../history/message.ts'
import type { LongerCopies } from '../history/takeover.ts'
import type { AwayLog } from './away-log.ts'
import { AwayLogs } from './away-logs.ts'
import type { Purges } from './purges.ts'
import { Removals } from './removals.ts'
import { ReplicatedLog } from './replicated-log.ts'
import { locked, notOwner, storeErrorOf } from './store-errors.ts'
import { Takeovers } from './takeovers.ts'
import { TurnQueue } from './turn-queue.ts'

/** Counts since the start. */
export interface ReplicationCounts {
  /** Histories that this node has taken over. */
  takeovers: number
  /** Logs that another node has taken from this one. */
  fenced: number
  /** Logs of which the engine had lost a part that it had acknowledged, as takeovers and the follower found. */
  regressions: number
  /** Messages of others that this node has taken into its own copies. */
  followed: number
}

export interface ReplicationLogger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface ReplicatedStoreOptions {
  /** The store in this node's directory. */
  readonly local: AdoptingStore
  readonly engine: Engine
  readonly ownership: Ownership
  readonly node: string
  /** This run of the node. */
  readonly session: string
  readonly clock: SteadyClock
  /** Id of the data that all nodes share: tasks go on wherever it is the same. By default that of this node's own store. */
  readonly copy?: string
  /** False if a record counts as durable once this node has it. It is replicated all the same. */
  readonly awaitsReplication?: boolean
  readonly logger?: ReplicationLogger
  /** The copies of other nodes, from which a takeover gets what the engine has lost. By default nobody is asked. */
  readonly others?: LongerCopies
  /** The generations that were purged. */
  readonly purges: Purges
  /**
   * True if copies of workspaces that other nodes have purged stay, and such a workspace is `locked`, until
   * {@link ReplicatedStore.releasePurged}: a program whose parts keep something of workspaces opens these parts first.
   */
  readonly holdsPurged?: boolean
  /** Throws `unsupported` if a living node could not read a message of this kind. */
  readonly assertReadable: (workspace: string, kind: LaterKind) => void
}

/**
 * A store whose logs are written on this node and, beside it, to the history that all nodes share. Opening a log claims its
 * workspace, and takes its history over; it rejects with `not_owner` where another node has it. A system log belongs to the owner of
 * its workspace. One that belongs to no workspace is this node's own, and is not replicated.
 */
export class ReplicatedStore implements EventStore {
  readonly counts: ReplicationCounts = { takeovers: 0, fenced: 0, regressions: 0, followed: 0 }
  readonly #options: ReplicatedStoreOptions
  readonly #queue = new TurnQueue()
  readonly #logs = new Map<string, ReplicatedLog>()
  /** Ends of what is done with each log now. */
  readonly #turns = new Map<string, Promise<unknown>>()
  /** Workspaces whose histories were taken over, by the token of the hold. */
  readonly #taken = new Map<string, number>()
  readonly #away: AwayLogs
  readonly #removals: Removals
  readonly #takeovers: Takeovers

  constructor(options: ReplicatedStoreOptions) {
    this.#options = options
    const { ownership, clock, awaitsReplication: isAwaited = true } = options
    this.#away = new AwayLogs({ ownership, clock, isAwaited, open: (name) => this.#openCopy(name) })
    const { purges, others } = options
    this.#takeovers = new Takeovers({
      ...{ options, counts: this.counts },
      openCopy: (name) => this.#openCopy(name),
      fence: (name) => this.#logs.get(name)?.fence(),
      closeFenced: (name) => this.#closeFenced(name),
      inTurn: (name, work) => this.inTurn(name, work),
    })
    const claim = (workspace: string): Promise<Hold> => this.#claim(workspace)
    this.#removals = new Removals({ store: this, takeovers: this.#takeovers, purges, others, claim })
  }

  /** This node's own store: full copies of all logs. */
  get local(): AdoptingStore {
    return this.#options.local
  }

  get durability(): Durability {
    return this.local.durability
  }

  get copy(): string {
    return this.#options.copy ?? this.local.copy
  }

  get state(): StoreState {
    return this.local.state
  }

  onStateChange(listener: (state: StoreState) => void): () => void {
    return this.local.onStateChange(listener)
  }

  /** Logs that this node owns and has open. */
  get owned(): ReadonlyMap<string, ReplicatedLog> {
    return this.#logs
  }

  async open(name: string): Promise<AdoptingLog | ReplicatedLog> {
    const workspace = isSystemLog(name) ? workspaceOfSystemLog(name) : name
    if (workspace === undefined) return await this.local.open(name)
    checkWorkspaceName(name)
    const hold = await this.#claim(workspace)
    try {
      await this.#away.end(workspace)
      if (workspace !== name) await this.#takeFamily(workspace, hold)
      return await this.inTurn(name, () => this.#openOwned(name, workspace, hold))
    } catch (error) {
      await hold.release().catch(() => undefined)
      throw storeErrorOf(error, name)
    }
  }

  /** Number of workspaces that are shown from this node's copies, since their owners can't be found out. */
  get awayCount(): number {
    return this.#away.count
  }

  openCopy(workspace: string): Promise<AwayLog | undefined> {
    return this.inTurn(workspace, () => this.#away.open(workspace))
  }

  openDamaged(workspace: string): Promise<DamagedLog> {
    return this.local.openDamaged(workspace)
  }

  workspaces(): AsyncIterable<string> {
    return this.local.workspaces()
  }

  systemLogs(): AsyncIterable<string> {
    return this.local.systemLogs()
  }

  tombstones(): AsyncIterable<string> {
    return this.local.tombstones()
  }

  atomically<T>(work: () => T): T {
    return this.#queue.atomically(() => this.local.atomically(work))
  }

  /** As {@link EventStore.tombstone}, on all nodes. Rejects with `not_owner` where another node has the workspace. */
  tombstone(workspace: string): Promise<void> {
    return this.#removals.tombstone(workspace)
  }

  /** As {@link EventStore.undelete}, on all nodes. Rejects with `not_owner` where another node has the workspace. */
  undelete(workspace: string): Promise<void> {
    return this.#removals.undelete(workspace)
  }

  /** As {@link EventStore.purge}, on all nodes. Rejects with `not_owner` and `unsupported`, too: see {@link Removals.purge}. */
  purge(workspace: string, options: PurgeOptions = {}): Promise<void> {
    return this.#removals.purge(workspace, options)
  }

  republishTombstone(workspace: string): Promise<void> {
    return this.#removals.republishTombstone(workspace)
  }

  /** The generations of a log that were purged, as this node knows. */
  purgedOf(name: string): readonly string[] {
    return this.#options.purges.of(name)
  }

  /**
   * Calls `listener` before this node's copy of a workspace is discarded, since another node has purged it. The copy stays until it
   * resolves, and is tried again if it rejects. It must not open logs of the workspace. Returns unsubscribe.
   */
  onPurge(listener: (workspace: string) => Promise<void>): () => void {
    const { purgeListeners } = this.#takeovers
    purgeListeners.add(listener)
    return () => void purgeListeners.delete(listener)
  }

  /** Has copies of purged workspaces discarded from now on: all who keep something of workspaces listen. */
  releasePurged(): void {
    this.#takeovers.releasePurged()
  }

  /** Calls `listener` once the deletion of a workspace was taken back, here or at another node. Returns unsubscribe. */
  onUndelete(listener: (workspace: string) => void): () => void {
    const { undeleteListeners } = this.#takeovers
    undeleteListeners.add(listener)
    return () => void undeleteListeners.delete(listener)
  }

  /** As {@link Takeovers.revive}. */
  revive(name: string, kind: string | undefined): Promise<void> {
    return this.inTurn(name, () => this.#takeovers.revive(name, kind))
  }

  /** Closes this node's own store. Logs that are open wait no longer for the engine. */
  async close(): Promise<void> {
    this.#away.close()
    const told = this.#options.purges.close()
    await this.local.close()
    await told
  }

  /**
   * Does `work` on this node's copy of a log, unless this node owns the log and has it open: then it does nothing, and resolves with
   * undefined. Rejects with the error of `work` and of opening the copy.
   */
  withCopy<T>(name: string, work: (log: AdoptingLog) => Promise<T>): Promise<T | undefined> {
    return this.inTurn(name, async () => {
      const own = this.#logs.get(name)
      if (own !== undefined && !own.isFenced) return undefined
      return await this.#takeovers.unlessPurged(name, async () => {
        const log = await this.#openCopy(name)
        try {
          return await work(log)
        } finally {
          await log.close()
        }
      })
    })
  }

  /** Does `work` when all work on this log before it is over. */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve()
    const turn = before.then(work)
    const settled = turn.then(
      () => undefined,
      () => undefined,
    )
    this.#turns.set(name, settled)
    void settled.then(() => {
      if (this.#turns.get(name) === settled) this.#turns.delete(name)
    })
    return turn
  }

  async #claim(workspace: string): Promise<Hold> {
    const claim = await this.#options.ownership.claim(workspace as WorkspaceId).catch((error: unknown) => {
      throw storeErrorOf(error, workspace)
    })
    if ('at' in claim) throw notOwner(workspace, claim.at)
    return claim.held
  }

  async #openOwned(name: string, workspace: string, hold: Hold): Promise<ReplicatedLog> {
    const { clock, awaitsReplication = true, logger } = this.#options
    if (this.#logs.get(name)?.isFenced === false) throw locked(name)
    const { inner, taken } = await this.#takeovers.takeOver(name, hold)
    if (name === workspace) this.#taken.set(workspace, hold.token)
    const onLost = (): void => taken.publisher.stop()
    hold.lost?.addEventListener('abort', onLost)
    if (hold.lost?.aborted) onLost()
    try {
      // All that it has when it is opened may be called saved: to those who repeat it, and to clients that bring nothing new.
      if (awaitsReplication) await this.#takeovers.untilRepublished(name, taken)
    } catch (error) {
      hold.lost?.removeEventListener('abort', onLost)
      onLost()
      await inner.close()
      throw error
    }
    const log = new ReplicatedLog({
      ...{ inner, taken, clock, awaitsReplication, queue: this.#queue },
      leader: () => (name === workspace ? undefined : this.#logs.get(workspace)),
      onFenced: (error) => {
        this.counts.fenced++
        logger?.warn({ workspace: name, err: error }, 'another node has taken the workspace')
      },
      onClosed: async () => {
        hold.lost?.removeEventListener('abort', onLost)
        if (this.#logs.get(name) === log) this.#logs.delete(name)
        await hold.release().catch(() => undefined)
      },
    })
    this.#logs.set(name, log)
    return log
  }

  /**
   * Takes over the history of a system log's workspace first: what this node alone has of a system log may only be published behind
   * what it has of the workspace, and not at all if another node has owned the workspace since.
   */
  async #takeFamily(workspace: string, hold: Hold): Promise<void> {
    await this.inTurn(workspace, async () => {
      await this.#logs.get(workspace)?.republished
      if (this.#taken.get(workspace) === hold.token) return
      await this.#takeovers.whileTaken(workspace, hold, {}, async ({ republished }, keepMark) => {
        await republished
        this.#taken.set(workspace, hold.token)
        await keepMark()
      })
    })
  }

  /** Opens this node's copy. A fenced log that nobody has closed yet is closed for that. */
  async #openCopy(name: string): Promise<AdoptingLog> {
    await this.#closeFenced(name)
    return await this.local.open(name)
  }

  async #closeFenced(name: string): Promise<void> {
    const own = this.#logs.get(name)
    if (own?.isFenced) await own.close()
  }
}
