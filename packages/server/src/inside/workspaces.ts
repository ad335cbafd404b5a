import { type EventStore, LogError, type LogRecord, type Lsn, type WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type * as Y from 'yjs'
import { isEmptyUpdate } from '../content/empty-update.ts'
import { type Pace, type Past, type Point, readPast } from '../content/past.ts'
import type { Stamps } from '../content/stamps.ts'
import type { Leases } from '../leases/leases.ts'
import type { BringRefusal, BroughtUpdate } from '../room/brought-update.ts'
import type { KeyedTurns } from '../room/keyed-turns.ts'
import { assertWithinQuotas } from '../room/quota-check.ts'
import type { RecordListener } from '../room/record-listeners.ts'
import { refusalOfSpoiler } from '../room/refused-update.ts'
import type { RoomEdit } from '../room/room-edit.ts'
import type { RoomVisit } from '../room/room-visit.ts'
import type { Rooms } from '../room/rooms.ts'
import { beingLoaded, moved, ServerError } from '../server-error.ts'
import { RoomTails } from './room-tails.ts'
import type { Release, SystemLogs } from './system-logs.ts'
import type { TailOptions, Tails } from './tail.ts'
import { faultOfBytes } from './update-fault.ts'
import { type FateListener, type Remover, WorkspaceFates } from './workspace-fates.ts'
import { WorkspaceLeases } from './workspace-leases.ts'

/** The work on a log that may run beside the log's room. */
export type LogUpkeep = Pick<WorkspaceLog, 'seal' | 'compact'>

/** A workspace as of now. Valid until the next `await`. */
export interface WorkspaceView {
  /** The live document, for reading only: edits go through {@link Workspaces.write}. */
  readonly doc: Y.Doc
  /** LSN of the last record that `doc` has. */
  readonly head: Lsn
  /** Generation of the workspace; undefined before the first write. */
  readonly generation: string | undefined
  /** The last stamp of every path. */
  readonly stamps: Stamps
  /** Number of connections to the workspace. */
  readonly connections: number
}

/** The conditions of a write, and its payer. */
interface Guarded {
  /** Token of the lease under which the write is made: it is made only if the lease stands in that turn. */
  readonly lease?: string | undefined
  /** The principal that pays for the time that the write takes, its check and a load of its workspace included; nobody by default. */
  readonly payer?: string
  /**
   * Checks the workspace in the same turn as the edit. If it throws, {@link Workspaces.write} rejects with its error.
   */
  check?(view: WorkspaceView): void
}

/** One edit, and the check that must pass before it is made. */
export interface WorkspaceEdit<T> extends RoomEdit<T>, Guarded {}

/** Result of a write. */
export interface Written<T> {
  readonly repeated: false
  /** The value that `run` returned. */
  readonly value: T
  /** The write's record in the log; undefined when the write changed nothing and had no key. */
  readonly record: LogRecord | undefined
  /** LSN of the write's record; without a record, the log's head. */
  readonly lsn: number
}

/** Result of a write whose idempotency key was used before: nothing was run or changed. */
export interface Repeated {
  readonly repeated: true
  readonly value: undefined
  /** LSN of the first record with the key. */
  readonly lsn: number
}

/** One update, and the check that must pass before it is applied. */
export interface WorkspaceUpdate extends BroughtUpdate, Guarded {}

/** Result of an update that was refused: nothing was changed. */
export interface RefusedUpdate {
  readonly refusal: BringRefusal
}

/** The range of a workspace's log. `firstLsn` is of the first record that can still be read; the first write gives the generation. */
export interface WorkspacePosition {
  readonly head: Lsn
  readonly firstLsn: Lsn
  readonly generation: string | undefined
}

/**
 * Workspaces for programs inside the server, such as the HTTP API. Their edits go through the room, like a client's:
 * live clients see them at once, and nothing writes around the live document. All methods reject with `quarantined`,
 * `workspace_deleted` or `load_failed` (`ServerError`) when the workspace can't be loaded.
 */
export class Workspaces implements Tails {
  readonly #rooms: Rooms
  readonly #store: EventStore
  readonly #keyed: KeyedTurns
  readonly #systemLogs: SystemLogs
  readonly #leases: Leases
  readonly #tails: RoomTails
  readonly #fates = new WorkspaceFates()
  /** The leases of all workspaces. */
  readonly leases: WorkspaceLeases

  /** @param keyed the turns of all writes under keys, those of clients included */
  constructor(rooms: Rooms, store: EventStore, keyed: KeyedTurns, systemLogs: SystemLogs, leases: Leases) {
    this.leases = new WorkspaceLeases(rooms, leases)
    this.#leases = leases
    this.#rooms = rooms
    this.#store = store
    this.#keyed = keyed
    this.#systemLogs = systemLogs
    this.#tails = new RoomTails(rooms)
  }

  /** Names of the workspaces that exist. */
  names(): AsyncIterable<string> {
    return this.#store.workspaces()
  }

  /** Runs `read` on the workspace as of now, with every update that was received so far. A `payer` pays if it has to be loaded. */
  read<T>(workspace: WorkspaceId, read: (view: WorkspaceView) => T, payer?: string): Promise<T> {
    return this.#rooms.visit(workspace, payer, (room) => read(viewOf(room)))
  }

  /**
   * Makes one edit if `check` passes. Both run in one turn, so nothing comes between them. Resolves when the edit is
   * durable, or fsynced with `edit.sync`. Rejects with the error of `check` and with `lease_lost`, before anything is
   * changed, and with the storage error.
   *
   * If the workspace has seen the `idempotencyKey` before, from any writer, nothing is checked or run: the call
   * resolves with `repeated` when the first record is durable. An edit with a key has a record even when it changes
   * nothing.
   */
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T> & { readonly idempotencyKey?: never }): Promise<Written<T>>
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T> | Repeated>
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T> | Repeated> {
    return this.#once(workspace, edit.idempotencyKey, () => this.#write(workspace, edit))
  }

  /**
   * Applies one Yjs V1 update of a writer if `check` passes, in one turn, as {@link write} makes an edit. The rules hold that
   * hold for the updates of the writer's connections. An update that builds on missing edits is refused, and does not wait for
   * them. One that brings nothing new has no record, unless it has a key.
   */
  async bring(
    workspace: WorkspaceId,
    brought: WorkspaceUpdate,
  ): Promise<Written<undefined> | Repeated | RefusedUpdate> {
    const fault = faultOfBytes(brought.update)
    if (fault !== undefined) return { refusal: { code: 'bad_update', reason: fault } }
    return this.#once(workspace, brought.idempotencyKey, () => this.#bring(workspace, brought))
  }

  /** Reads the workspace's records in order. The room stays open meanwhile. */
  async *records(workspace: WorkspaceId, range?: { after?: Lsn; through?: Lsn }): AsyncGenerator<LogRecord> {
    const done = Promise.withResolvers<void>()
    const opened = Promise.withResolvers<WorkspaceLog>()
    const held = this.#rooms.hold(workspace, (log) => {
      opened.resolve(log)
      return done.promise
    })
    held.catch(opened.reject)
    try {
      yield* (await opened.promise).read(range)
    } finally {
      done.resolve()
    }
  }

  /**
   * Reads the workspace as it stood at `point`, up to the last record at or before the point. Rejects with
   * `history_dropped` when the point is no longer kept.
   *
   * @param pace how the parts of a long read are done; by default others have one turn of the event loop between them
   */
  past(workspace: WorkspaceId, point: Point, pace?: Pace): Promise<Past> {
    return this.#rooms.hold(workspace, (log) => readPast(log, point, pace))
  }

  /** LSN of the record under an idempotency key; undefined while there is none. */
  lsnOfKey(workspace: WorkspaceId, key: string): Promise<Lsn | undefined> {
    return this.#rooms.hold(workspace, (log) => log.lsnOfKey(key))
  }

  /** Reads the range of the workspace's log, without building the document. */
  position(workspace: WorkspaceId): Promise<WorkspacePosition> {
    return this.#rooms.hold(workspace, ({ head, firstLsn, generation }) => ({ head, firstLsn, generation }))
  }

  /**
   * The chain value of the record at `lsn`, by default of the last one. Resolves when everything through it is on the disk; undefined if
   * nothing was ever written.
   */
  chained(workspace: WorkspaceId, lsn?: Lsn): Promise<{ generation: string; lsn: Lsn; chain: string } | undefined> {
    return this.#rooms.hold(workspace, async (log) => {
      const { head, generation } = log
      const at = lsn ?? head
      return generation === undefined ? undefined : { generation, lsn: at, chain: await log.chainAt(at) }
    })
  }

  /** LSN of the last record at or before a time (ms since epoch); 0 if no such record can still be read. */
  lsnAt(workspace: WorkspaceId, at: number): Promise<Lsn> {
    return this.#rooms.hold(workspace, (log) => log.lsnAt(at))
  }

  /** Gives every durable record after an LSN: see {@link Tails.tail}. The room stays open while the tail is read. */
  tail(workspace: WorkspaceId, options: TailOptions): AsyncIterable<LogRecord> {
    return this.#tails.tail(workspace, options)
  }

  /**
   * Calls `listener` with each record of every workspace as it is appended: see {@link RecordListener}. Returns unsubscribe.
   * An error of the listener is logged, and changes nothing.
   */
  listen(listener: RecordListener): () => void {
    return this.#rooms.listen(listener)
  }

  /**
   * Calls `listener` when a workspace was deleted, undeleted, purged or replaced, and before one is to be purged. Returns
   * unsubscribe.
   */
  listenToFates(listener: FateListener): () => void {
    return this.#fates.listen(listener)
  }

  /**
   * Has `remove` called while a workspace is purged, for what is kept of it elsewhere, such as its files: once the purge can't be
   * taken back, and before the name is free. If it rejects, the purge does, and can be done again. Returns unsubscribe.
   */
  removeBeside(remove: Remover): () => void {
    return this.#fates.removeBeside(remove)
  }

  /**
   * Opens a system log (`!kind`, `!kind/workspace`), in which a program inside the server keeps records of its own: see
   * {@link SystemLogs.open}. It stays open until the server closes or its workspace is purged; `release` is called before.
   */
  openSystemLog(name: string, release: Release): Promise<WorkspaceLog> {
    return this.#systemLogs.open(name, release)
  }

  /** Runs `work` on the workspace's log. Clients may use the room meanwhile. */
  maintain<T>(workspace: WorkspaceId, work: (log: LogUpkeep) => Promise<T>): Promise<T> {
    return this.#rooms.hold(workspace, work)
  }

  /**
   * Marks the workspace as deleted. Its connections are closed with `workspace_deleted`, its leases end, and nobody can open
   * it any more. Its bytes stay until {@link purge}. Idempotent. Resolves when the mark is durable. If there is no such
   * workspace, rejects with `invalid` (`LogError`) and closes no connection. Rejects with `lease_lost` as {@link write} does.
   */
  async delete(workspace: WorkspaceId, { lease }: Pick<Guarded, 'lease'> = {}): Promise<void> {
    // A workspace that can't be read can be deleted all the same.
    const exists = await this.#rooms.hold(workspace, (log) => log.generation !== undefined).catch(() => true)
    if (!exists) throw new LogError('invalid', `there is no workspace ${workspace}`)
    const refusal = new ServerError('workspace_deleted', 'this workspace was deleted')
    // Under a lease it begins only if the lease stands, and ends all leases in the same turn.
    if (lease !== undefined) await this.leases.endAll(workspace, refusal, lease)
    await this.#rooms.evict(workspace, refusal, async () => {
      if (lease === undefined) await this.leases.endAll(workspace, refusal, lease)
      await this.#leases.whileClosed(workspace, refusal, () => this.#store.tombstone(workspace))
    })
    await this.#fates.tell(workspace, 'deleted')
  }

  /** Undoes {@link delete}. The leases that it has ended stay ended. */
  async undelete(workspace: WorkspaceId): Promise<void> {
    await this.#rooms.evict(workspace, beingLoaded(), () => this.#store.undelete(workspace))
    await this.#fates.tell(workspace, 'undeleted')
  }

  /** Removes a deleted workspace for good, and its system logs. Its name may then be used again, for another history. */
  async purge(workspace: WorkspaceId): Promise<void> {
    await this.#fates.tell(workspace, 'purging')
    await this.#rooms.evict(workspace, beingLoaded(), () =>
      this.#leases.whileClosed(workspace, beingLoaded(), async () => {
        await this.#systemLogs.closeOf(workspace)
        await this.#store.purge(workspace, { beside: () => this.#fates.remove(workspace) })
      }),
    )
    await this.#fates.tell(workspace, 'purged')
  }

  /**
   * Closes the workspace's room and runs `work`, which may put another history in the workspace's place. Members are
   * closed with 1013, and later joins wait until `work` is over.
   */
  async replace<T>(workspace: WorkspaceId, work: () => Promise<T>): Promise<T> {
    const working = Promise.withResolvers<T>()
    await this.#rooms.evict(workspace, beingLoaded(), () =>
      this.#leases.whileClosed(workspace, beingLoaded(), async () => working.resolve(await work())),
    )
    await this.#fates.tell(workspace, 'replaced')
    return working.promise
  }

  /** Closes the workspace's room and logs, so that another process may own it. Members hear `moved` and connect again. */
  release(workspace: WorkspaceId): Promise<void> {
    const close = (): Promise<void> => this.#systemLogs.closeOf(workspace)
    return this.#rooms.evict(workspace, moved(), () => this.#leases.whileClosed(workspace, moved(), close))
  }

  /** Names of the deleted workspaces that can be undeleted. */
  deleted(): AsyncIterable<string> {
    return this.#store.tombstones()
  }

  /** Runs `work`, or, if the workspace has seen the key before, resolves with the LSN of the first record with it. */
  async #once<R>(workspace: WorkspaceId, key: string | undefined, work: () => Promise<R>): Promise<R | Repeated> {
    if (key === undefined) return work()
    // Of two writes under one key at once, the second waits for the first and is answered as its repeat.
    return this.#keyed.take(`${workspace} ${key}`, async () => {
      const lsn = await this.lsnOfKey(workspace, key)
      return lsn === undefined ? await work() : { repeated: true, value: undefined, lsn }
    })
  }

  async #bring(workspace: WorkspaceId, brought: WorkspaceUpdate): Promise<Written<undefined> | RefusedUpdate> {
    try {
      if (!brought.writer.isTried && this.#rooms.isHeavy(brought.update))
        return await this.#bringTried(workspace, brought)
      const outcome = await this.#leases.under(workspace, brought.lease, (assertStands) =>
        this.#rooms.visit(workspace, brought.payer, async (room) => {
          assertStands()
          const made = this.#paid(workspace, brought.payer, () => {
            brought.check?.(viewOf(room))
            assertWithinQuotas(brought, room, this.#rooms.quotas)
            return room.bring(brought)
          })
          if ('isEstimate' in made && made.isEstimate) return 'estimate'
          if ('code' in made) return { refusal: made }
          await made.durable
          return { repeated: false, value: undefined, record: made.record, lsn: made.lsn } as const
        }),
      )
      return outcome === 'estimate' ? await this.#bringTried(workspace, brought) : outcome
    } catch (error) {
      // The room makes its document anew: it may hold a part of the update.
      const refusal = refusalOfSpoiler(error)
      if (refusal === undefined) throw error
      return { refusal }
    }
  }

  async #bringTried(workspace: WorkspaceId, brought: WorkspaceUpdate): Promise<Written<undefined> | RefusedUpdate> {
    const { writer } = brought
    const payer = brought.payer ?? writer.actor
    const update = await this.#rooms.withoutKnown(workspace, payer, brought.update)
    if (isEmptyUpdate(update)) return this.#bring(workspace, { ...brought, update })
    const refusal = await this.#rooms.tryWhole(workspace, payer, update)
    return refusal ? { refusal } : this.#bring(workspace, { ...brought, writer: { ...writer, isTried: true } })
  }

  #write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T>> {
    return this.#leases.under(workspace, edit.lease, (assertStands) =>
      this.#rooms.visit(workspace, edit.payer, async (room) => {
        assertStands()
        const { value, record, lsn, durable } = this.#paid(workspace, edit.payer, () => {
          edit.check?.(viewOf(room))
          assertWithinQuotas(edit, room, this.#rooms.quotas)
          return room.edit(edit)
        })
        await durable
        return { repeated: false, value, record, lsn }
      }),
    )
  }

  /** Does work in this turn, and books what it takes, also if it throws. */
  #paid<T>(workspace: WorkspaceId, principal: string | undefined, work: () => T): T {
    if (principal === undefined) return work()
    const sinceMs = performance.now()
    try {
      return work()
    } finally {
      this.#rooms.costs.book({ principal, workspace }, sinceMs)
    }
  }
}

function viewOf({ log, document, memberCount }: RoomVisit): WorkspaceView {
  return {
    doc: document.doc,
    head: log.head,
    generation: log.generation,
    stamps: document.stamps,
    connections: memberCount,
  }
}
