import {
  type AdoptingLog,
  type AdoptingStore,
  checkWorkspaceName,
  type DamagedLog,
  type Durability,
  type EventStore,
  isSystemLog,
  kindOfSystemLog,
  LogError,
  type SteadyClock,
  type StoreState,
  systemLogOf,
  workspaceOfSystemLog,
} from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Hold, Ownership } from '@joinery/server'
import type { Engine } from '../engine/engine.ts'
import { type LongerCopies, type TakeoverOptions, takeOver } from '../history/takeover.ts'
import { engineNameOf } from '../nodes/names.ts'
import type { AwayLog } from './away-log.ts'
import { AwayLogs } from './away-logs.ts'
import { blankCopy, localCopyOf } from './local-copy.ts'
import { ReplicatedLog } from './replicated-log.ts'
import { locked, notOwner, purgeRefused, storeErrorOf } from './store-errors.ts'
import { TurnQueue } from './turn-queue.ts'

/** Time after which opening a log gives up, if the engine does not answer, ms. */
const OPEN_MS = 10_000

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
  /** Kinds of system logs that workspaces have. */
  #kinds: Promise<Set<string>> | undefined

  constructor(options: ReplicatedStoreOptions) {
    this.#options = options
    const { ownership, clock, awaitsReplication: isAwaited = true } = options
    this.#away = new AwayLogs({ ownership, clock, isAwaited, open: (name) => this.#openCopy(name) })
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
    return this.#alone(workspace, async (hold) => {
      const { inner, taken } = await this.#takeOver(workspace, hold)
      try {
        await taken.republished
        await taken.publisher.tombstone()
        await inner.adopt([], taken.publisher.position)
      } finally {
        taken.publisher.stop()
        await inner.close()
      }
      await this.local.tombstone(workspace)
    })
  }

  /** As {@link EventStore.undelete}, on all nodes. Rejects with `not_owner` where another node has the workspace. */
  undelete(workspace: string): Promise<void> {
    return this.#alone(workspace, async (hold) => {
      await this.local.undelete(workspace)
      const { inner, taken } = await this.#takeOver(workspace, hold, { revives: true })
      taken.publisher.stop()
      await inner.close()
    })
  }

  /**
   * Says again that a workspace is deleted, to an engine that has lost all of its history. The records follow when it is undeleted. Does
   * nothing if the engine has anything of it.
   */
  async republishTombstone(workspace: string): Promise<void> {
    const { engine, clock, node, session } = this.#options
    const subject = engineNameOf(workspace)
    const hold = await this.#claim(workspace)
    try {
      await this.inTurn(workspace, async () => {
        if ((await engine.log.last(subject)) !== undefined) return
        const place = { log: engine.log, workspace, subject, local: blankCopy() }
        const { publisher } = await takeOver({ ...place, clock, node, session })
        await publisher.tombstone()
        publisher.stop()
      })
    } catch (error) {
      throw storeErrorOf(error, workspace)
    } finally {
      await hold.release().catch(() => undefined)
    }
  }

  async #alone(workspace: string, work: (hold: Hold) => Promise<void>): Promise<void> {
    checkWorkspaceName(workspace)
    if (isSystemLog(workspace)) return await this.local.tombstone(workspace)
    const hold = await this.#claim(workspace)
    try {
      await this.inTurn(workspace, async () => {
        if (this.#logs.get(workspace)?.isFenced === false) throw locked(workspace)
        await work(hold)
      })
    } catch (error) {
      throw storeErrorOf(error, workspace)
    } finally {
      await hold.release().catch(() => undefined)
    }
  }

  async purge(workspace: string): Promise<void> {
    throw purgeRefused(workspace)
  }

  /** Closes this node's own store. Logs that are open wait no longer for the engine. */
  close(): Promise<void> {
    this.#away.close()
    return this.local.close()
  }

  /**
   * Does `work` on this node's copy of a log, unless this node owns the log and has it open: then it does nothing, and resolves with
   * undefined. Rejects with the error of `work` and of opening the copy.
   */
  withCopy<T>(name: string, work: (log: AdoptingLog) => Promise<T>): Promise<T | undefined> {
    return this.inTurn(name, async () => {
      const own = this.#logs.get(name)
      if (own !== undefined && !own.isFenced) return undefined
      const log = await this.#openCopy(name)
      try {
        return await work(log)
      } finally {
        await log.close()
      }
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
    const { inner, taken } = await this.#takeOver(name, hold)
    if (name === workspace) this.#taken.set(workspace, hold.token)
    const onLost = (): void => taken.publisher.stop()
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
    hold.lost?.addEventListener('abort', onLost)
    if (hold.lost?.aborted) onLost()
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
      const { inner, taken } = await this.#takeOver(workspace, hold)
      try {
        await taken.republished
        this.#taken.set(workspace, hold.token)
        await inner.adopt([], taken.publisher.position)
      } finally {
        taken.publisher.stop()
        await inner.close()
      }
    })
  }

  /** Where another node has owned the workspace, what this node alone has of its system logs is cut off. */
  async #cutTails(workspace: string, hold: Hold, previous: string | undefined): Promise<void> {
    if (previous === undefined || previous === this.#options.node) return
    for (const kind of await this.#systemKinds()) {
      const name = systemLogOf(kind, workspace)
      await this.inTurn(name, () => this.#cutTail(name, hold))
    }
  }

  async #cutTail(name: string, hold: Hold): Promise<void> {
    // It was opened before the other node's epoch, whose words came late: the part of the server that uses the log opens it anew.
    this.#logs.get(name)?.fence()
    const copy = await this.#openCopy(name)
    const mark = await copy.readMark().finally(() => copy.close())
    const hasTail = copy.head > (mark?.lsn ?? 0)
    if (!hasTail) return
    const { inner, taken } = await this.#takeOver(name, hold, { tail: 'cut' })
    taken.publisher.stop()
    await inner.close()
  }

  #systemKinds(): Promise<Set<string>> {
    this.#kinds ??= (async () => {
      const kinds = new Set<string>()
      for await (const name of this.local.systemLogs()) {
        if (workspaceOfSystemLog(name) !== undefined) kinds.add(kindOfSystemLog(name))
      }
      return kinds
    })()
    return this.#kinds
  }

  async #takeOver(name: string, hold: Hold, how: Pick<TakeoverOptions, 'tail' | 'revives'> = {}) {
    const { engine, clock, node, session, logger, others } = this.#options
    if (isSystemLog(name)) void this.#systemKinds().then((kinds) => kinds.add(kindOfSystemLog(name)))
    const inner = await this.#openCopy(name)
    const stop = new AbortController()
    const late = new LogError('storage_failed', `the engine did not answer for ${OPEN_MS} ms`, { workspace: name })
    const cancel = clock.after(OPEN_MS, () => stop.abort(late))
    const onLost = (): void => stop.abort(new LogError('fenced', `another node has ${name} now`, { workspace: name }))
    hold.lost?.addEventListener('abort', onLost)
    try {
      const place = { log: engine.log, workspace: name, subject: engineNameOf(name), local: await localCopyOf(inner) }
      const taken = await takeOver({
        ...place,
        clock,
        node,
        session,
        ...how,
        ...(others && { others }),
        ...(!isSystemLog(name) && { beforeEpoch: (previous) => this.#cutTails(name, hold, previous) }),
        signal: stop.signal,
      })
      this.counts.takeovers++
      if (taken.regressed !== undefined) {
        this.counts.regressions++
        const details = { workspace: name, ...taken.regressed }
        logger?.error(details, 'the engine has lost records that it had acknowledged: this node publishes them again')
      }
      return { inner, taken }
    } catch (error) {
      await inner.close()
      throw error
    } finally {
      cancel()
      hold.lost?.removeEventListener('abort', onLost)
    }
  }

  /** Opens this node's copy. A fenced log that nobody has closed yet is closed for that. */
  async #openCopy(name: string): Promise<AdoptingLog> {
    const own = this.#logs.get(name)
    if (own?.isFenced) await own.close()
    return await this.local.open(name)
  }
}
