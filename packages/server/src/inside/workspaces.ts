import { type EventStore, LogError, type LogRecord, type Lsn, type WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type * as Y from 'yjs'
import { type Past, type Point, readPast } from '../content/past.ts'
import type { Stamps } from '../content/stamps.ts'
import type { KeyedTurns } from '../room/keyed-turns.ts'
import type { RoomEdit } from '../room/room-edit.ts'
import type { RoomVisit } from '../room/room-visit.ts'
import type { Rooms } from '../room/rooms.ts'
import { beingLoaded, ServerError } from '../server-error.ts'
import { RoomTails } from './room-tails.ts'
import type { TailOptions, Tails } from './tail.ts'

/** What of a log may be done beside its room. */
export type LogUpkeep = Pick<WorkspaceLog, 'seal' | 'compact'>

/** A workspace as of now. Good until the next `await`. */
export interface WorkspaceView {
  /** For reading only: edits go through {@link Workspaces.write}. */
  readonly doc: Y.Doc
  /** LSN of the last record that `doc` holds. */
  readonly head: Lsn
  /** Undefined while nothing was ever written. */
  readonly generation: string | undefined
  /** Who last touched what. */
  readonly stamps: Stamps
  /** Sockets in its room. */
  readonly connections: number
}

/** One edit and what must hold for it to be made. */
export interface WorkspaceEdit<T> extends RoomEdit<T> {
  /** Looks at the workspace in the same turn as the edit; what it throws, {@link Workspaces.write} rejects with. */
  check?(view: WorkspaceView): void
}

/** What a write came to. */
export interface Written<T> {
  readonly repeated: false
  /** What `run` returned. */
  readonly value: T
  /** What the log has of it; undefined when it changed nothing and had no key. */
  readonly record: LogRecord | undefined
  /** Of that record; the log's head without one. */
  readonly lsn: number
}

/** The answer to an idempotency key that was used before: nothing was run or changed. */
export interface Repeated {
  readonly repeated: true
  readonly value: undefined
  /** LSN of the first record that bears the key. */
  readonly lsn: number
}

/** Where a workspace's log stands. */
export interface WorkspacePosition {
  readonly head: Lsn
  /** First record that can still be read. */
  readonly firstLsn: Lsn
  /** Undefined while nothing was ever written. */
  readonly generation: string | undefined
}

/**
 * Workspaces for programs inside the server (an HTTP face, a pruner): through the room, like a socket's edits, so that
 * live clients see them at once and nothing writes around the live document. All reject with `quarantined`,
 * `workspace_deleted` or `load_failed` (`ServerError`) when the workspace can't be loaded.
 */
export class Workspaces implements Tails {
  readonly #rooms: Rooms
  readonly #store: EventStore
  readonly #keyed: KeyedTurns
  readonly #tails: RoomTails

  /** `keyed` are the turns of everybody who writes under keys. */
  constructor(rooms: Rooms, store: EventStore, keyed: KeyedTurns) {
    this.#rooms = rooms
    this.#store = store
    this.#keyed = keyed
    this.#tails = new RoomTails(rooms)
  }

  /** Names of the workspaces that exist. */
  names(): AsyncIterable<string> {
    return this.#store.workspaces()
  }

  /** Runs `read` on the workspace as of now, everything received so far included. */
  read<T>(workspace: WorkspaceId, read: (view: WorkspaceView) => T): Promise<T> {
    return this.#rooms.visit(workspace, (room) => read(viewOf(room)))
  }

  /**
   * Makes one edit, after `check` found that it may be made: both in one turn, so that nothing comes between them.
   * Resolves when it is durable; with `edit.sync`, fsynced. Under an `idempotencyKey` that the workspace has seen before,
   * whoever used it, nothing is checked or run: it resolves, with `repeated`, when the first record is durable. A keyed
   * edit has a record even when it changes nothing. Rejects with what `check` throws, having changed nothing, and with
   * the storage error.
   */
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T> & { readonly idempotencyKey?: never }): Promise<Written<T>>
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T> | Repeated>
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T> | Repeated> {
    const { idempotencyKey } = edit
    if (idempotencyKey === undefined) return this.#write(workspace, edit)
    // Two under one key at once: the second hears what became of the first.
    return this.#keyed.take(`${workspace} ${idempotencyKey}`, async () => {
      const lsn = await this.#rooms.hold(workspace, (log) => log.lsnOfKey(idempotencyKey))
      if (lsn !== undefined) return { repeated: true, value: undefined, lsn }
      return await this.#write(workspace, edit)
    })
  }

  /** The workspace's records in order; its room stays open while they are read. */
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
   * The workspace as it stood at `point`: with the last record at or before it, never more than is there. Rejects with
   * `history_dropped` when that is no longer kept.
   */
  past(workspace: WorkspaceId, point: Point): Promise<Past> {
    return this.#rooms.hold(workspace, (log) => readPast(log, point))
  }

  /** Where the workspace's log stands, without building its document. */
  position(workspace: WorkspaceId): Promise<WorkspacePosition> {
    return this.#rooms.hold(workspace, ({ head, firstLsn, generation }) => ({ head, firstLsn, generation }))
  }

  /** LSN of the last record at or before a time (ms since epoch); 0 for none that can still be read. */
  lsnAt(workspace: WorkspaceId, at: number): Promise<Lsn> {
    return this.#rooms.hold(workspace, (log) => log.lsnAt(at))
  }

  /** Every durable record after an LSN: see {@link Tails.tail}. The room stays open while the tail is read. */
  tail(workspace: WorkspaceId, options: TailOptions): AsyncIterable<LogRecord> {
    return this.#tails.tail(workspace, options)
  }

  /** Runs `work` on the workspace's log, beside whoever is in the room. */
  maintain<T>(workspace: WorkspaceId, work: (log: LogUpkeep) => Promise<T>): Promise<T> {
    return this.#rooms.hold(workspace, work)
  }

  /**
   * Marks the workspace deleted: its connections are ended with `workspace_deleted`, and nobody opens it from now on. Its
   * bytes stay until {@link purge}. Idempotent; resolves when that is durable. Rejects with `invalid` (`LogError`), and
   * turns nobody away, when there is no such workspace.
   */
  async delete(workspace: WorkspaceId): Promise<void> {
    // What can't be read can be deleted all the same.
    const exists = await this.#rooms.hold(workspace, (log) => log.generation !== undefined).catch(() => true)
    if (!exists) throw new LogError('invalid', `there is no workspace ${workspace}`)
    const refusal = new ServerError('workspace_deleted', 'this workspace was deleted')
    await this.#rooms.evict(workspace, refusal, () => this.#store.tombstone(workspace))
  }

  /** Takes {@link delete} back. */
  undelete(workspace: WorkspaceId): Promise<void> {
    return this.#rooms.evict(workspace, beingLoaded(), () => this.#store.undelete(workspace))
  }

  /** Removes everything of a deleted workspace, for good. Its name may then be used again, for another history. */
  purge(workspace: WorkspaceId): Promise<void> {
    return this.#rooms.evict(workspace, beingLoaded(), () => this.#store.purge(workspace))
  }

  /**
   * Runs `work` with nobody in the workspace, for what puts another history in its place: who is there is sent away, and
   * who comes waits until it is over.
   */
  async replace<T>(workspace: WorkspaceId, work: () => Promise<T>): Promise<T> {
    const working = Promise.withResolvers<T>()
    await this.#rooms.evict(workspace, beingLoaded(), async () => working.resolve(await work()))
    return working.promise
  }

  /** Names of the deleted workspaces that can be taken back. */
  deleted(): AsyncIterable<string> {
    return this.#store.tombstones()
  }

  #write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T>> {
    return this.#rooms.visit(workspace, async (room) => {
      edit.check?.(viewOf(room))
      const { value, record, lsn, durable } = room.edit(edit)
      await durable
      return { repeated: false, value, record, lsn }
    })
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
