import type { EventStore, LogRecord, Lsn } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type * as Y from 'yjs'
import { buildPast, type Past, type Point } from './past.ts'
import type { OpenRoom } from './room.ts'
import type { Rooms } from './rooms.ts'
import type { Stamps } from './stamps.ts'
import type { RoomEdit } from './write-path.ts'

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
  /** The log's head: of this write's record, or of the last one when it changed nothing. */
  readonly lsn: number
}

/** The answer to an idempotency key that was used before: nothing was run or changed. */
export interface Repeated {
  readonly repeated: true
  readonly value: undefined
  /** LSN of the first record that bears the key. */
  readonly lsn: number
}

/**
 * Workspaces for programs inside the server (an HTTP face, a pruner): through the room, like a socket's edits, so that
 * live clients see them at once and nothing writes around the live document. All reject with `quarantined`,
 * `workspace_deleted` or `load_failed` (`ServerError`) when the workspace can't be loaded.
 */
export class Workspaces {
  readonly #rooms: Rooms
  readonly #store: EventStore

  constructor(rooms: Rooms, store: EventStore) {
    this.#rooms = rooms
    this.#store = store
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
   * whoever used it, nothing is checked or run: it resolves, with `repeated`, when the first record is durable. Rejects
   * with what `check` throws, having changed nothing, and with the storage error.
   */
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T> & { readonly idempotencyKey?: never }): Promise<Written<T>>
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T> | Repeated>
  write<T>(workspace: WorkspaceId, edit: WorkspaceEdit<T>): Promise<Written<T> | Repeated> {
    return this.#rooms.visit(workspace, async (room) => {
      edit.check?.(viewOf(room))
      const { value, lsn, durable } = room.edit(edit)
      await durable
      return { repeated: false, value, lsn }
    })
  }

  /** The workspace's records in order. */
  async *records(workspace: WorkspaceId, range?: { after?: Lsn; through?: Lsn }): AsyncGenerator<LogRecord> {
    const log = await this.#rooms.visit(workspace, (room) => room.log)
    yield* log.read(range)
  }

  /** The workspace as it stood at `point`: the last record at or before it, and never more than is there. */
  async past(workspace: WorkspaceId, point: Point): Promise<Past> {
    const isWanted = (record: LogRecord): boolean => ('lsn' in point ? record.lsn <= point.lsn : record.at <= point.at)
    return buildPast(this.records(workspace), isWanted)
  }

  /**
   * Calls `listener` with each record as it is appended and the promise of its durability. Resolves with unsubscribe; the
   * room stays open until then.
   */
  follow(workspace: WorkspaceId, listener: (record: LogRecord, durable: Promise<void>) => void): Promise<() => void> {
    return this.#rooms.visit(workspace, (room) => room.follow(listener))
  }
}

function viewOf({ log, document, connectionCount }: OpenRoom): WorkspaceView {
  return {
    doc: document.doc,
    head: log.head,
    generation: log.generation,
    stamps: document.stamps,
    connections: connectionCount,
  }
}
