import type { EventStore, LogEntry, LogRecord, WorkspaceLog } from '@joinery/log'
import { CLOSE, type WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import type * as Y from 'yjs'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { LostConflict, Observed, Refusal, Writer } from './document-rules.ts'
import { type Audience, type Forward, forwardUpdates } from './fan-out.ts'
import type { ServerLimits } from './limits.ts'
import type { RoomDocument } from './room-document.ts'

/** In whose name the server tidies up. */
const PRUNER = { actor: 'joinery', source: 'server', connection: 'prune' }

/** Close codes of refused updates for clients that know no `rejected` message; 4403 for the rest. */
const CLOSE_OF: Partial<Record<Refusal['code'], number>> = { too_large: CLOSE.tooLarge, bad_update: CLOSE.badFrame }

const READ_ONLY: Refusal = {
  code: 'read_only',
  reason: 'this token allows reading only: ask for one with access "write"',
}

/** An edit by a program inside the server. */
export interface RoomEdit<T> {
  /** Who it is made for: the record bears these. */
  readonly writer: Pick<Writer, 'actor' | 'source'>
  /** Stands in the record where a socket's has its connection's id. */
  readonly via: string
  readonly idempotencyKey?: string
  /** Edits the live document, in one transaction. What it throws costs a rebuild of the document: check first. */
  run(doc: Y.Doc): T
}

/**
 * The way of an update through its room: received, collected until the tick ends, inspected and applied, logged,
 * forwarded, acknowledged when durable.
 */
export class WritePath {
  readonly #store: EventStore
  readonly #limits: ServerLimits
  readonly #acknowledgements: Acknowledgements
  readonly #counters: Counters
  readonly #logger: Logger
  readonly #workspace: WorkspaceId
  /** Connections with updates in their inboxes, in order of arrival. */
  #writers: Connection[] = []
  /** Called with each record as it is appended; what it brought is in the document by then. */
  readonly listeners = new Set<(record: LogRecord) => void>()
  /** What the tick's writers touched. */
  readonly #touched = new Set<string>()
  /** Conflicts of the tick that nobody has been told of yet. */
  readonly #conflicts: LostConflict[] = []
  /** Durability of the room's last append: what brings nothing new is as safe as what it repeats. */
  #lastDurable: Promise<void> = Promise.resolve()

  constructor(options: {
    store: EventStore
    limits: ServerLimits
    acknowledgements: Acknowledgements
    counters: Counters
    logger: Logger
    workspace: WorkspaceId
  }) {
    this.#store = options.store
    this.#limits = options.limits
    this.#acknowledgements = options.acknowledgements
    this.#counters = options.counters
    this.#logger = options.logger
    this.#workspace = options.workspace
  }

  get hasWork(): boolean {
    return this.#writers.length > 0
  }

  /** Puts one update into its connection's inbox until the tick ends. */
  receive(connection: Connection, type: 'syncStep2' | 'update', update: Uint8Array): void {
    connection.framesReceived++
    const isAnswer = type === 'syncStep2' && connection.awaitsSyncStep2
    const bytesMax = isAnswer ? this.#limits.syncBytesMax : this.#limits.updateBytesMax
    if (isAnswer) {
      connection.awaitsSyncStep2 = false
      if (this.#store.state.state === 'open') connection.hasDropped = false
    }
    if (connection.isRefused) return
    if (update.length > bytesMax) {
      const reason = `an update frame holds at most ${bytesMax} bytes, this one ${update.length}: send it in parts`
      return this.#refuse(connection, connection.framesReceived, { code: 'too_large', reason })
    }
    if (connection.inbox.push(update) === 1) this.#writers.push(connection)
    connection.inboxThrough = connection.framesReceived
  }

  /**
   * Works off the tick. Returns the error that has spoilt `document`, if one did: nothing of what caused it is logged or
   * forwarded, the rest of the tick waits, and the document has to be rebuilt from the log.
   */
  flush(log: WorkspaceLog, document: RoomDocument, audience: Audience): Error | undefined {
    const writers = this.#writers
    this.#writers = []
    const forwards: Forward[] = []
    this.#touched.clear()
    let spoilt: Error | undefined
    for (const [index, connection] of writers.entries()) {
      if (this.#store.state.state !== 'open') {
        connection.takeInbox()
        connection.hasDropped = true
        continue
      }
      spoilt = this.#write(connection, log, document, forwards)
      if (spoilt === undefined) continue
      this.#writers = writers.slice(index + 1)
      break
    }
    if (spoilt === undefined) this.#prune(log, document, forwards)
    this.#counters.deliveries += forwardUpdates(forwards, audience)
    this.#tellConflicts(audience)
    return spoilt
  }

  /** What writers that are gone left beaten goes with the tick that beat it: once, and never for its own sake. */
  #prune(log: WorkspaceLog, document: RoomDocument, forwards: Forward[]): void {
    if (this.#touched.size === 0) return
    const pruned = document.prune([...this.#touched])
    if (pruned?.record === undefined) return
    this.#counters.prunings++
    this.#append(log, document, { ...PRUNER, update: pruned.record, touched: pruned.touched }, [])
    forwards.push({ from: undefined, update: pruned.record })
  }

  /** Tells the sender that frame number `frame` and what builds on it were not taken, and takes nothing more from it. */
  #refuse(connection: Connection, frame: number, refusal: Refusal): void {
    connection.isRefused = true
    this.#counters.refuse(refusal.code)
    this.#logger.info(
      { workspace: this.#workspace, connection: connection.id, actor: connection.identity.actor, frame, ...refusal },
      'update refused',
    )
    if (connection.wantsJoinery) return connection.tell({ type: 'rejected', frame, ...refusal })
    connection.close(CLOSE_OF[refusal.code] ?? CLOSE.forbidden, `${refusal.code}: ${refusal.reason}`)
  }

  #tellConflicts({ connections }: Audience): void {
    for (const conflict of this.#conflicts.splice(0)) {
      this.#counters.conflicts++
      for (const connection of connections) connection.tell({ type: 'conflict', ...conflict })
    }
  }

  /**
   * Makes an edit of a program inside the server: one transaction, one record, forwarded at once. Call it when nothing
   * waits to be flushed. Throws the storage error while storage fails, before anything is done; what `edit` throws
   * after that has spoilt `document`.
   */
  edit<T>(
    edit: RoomEdit<T>,
    room: { log: WorkspaceLog; document: RoomDocument; audience: Audience },
  ): { value: T; lsn: number; durable: Promise<void> } {
    const { state } = this.#store
    if (state.state === 'failed') throw state.error
    const { log, document, audience } = room
    const { value, applied } = document.edit(edit.writer.actor, edit.run)
    if (applied.record !== undefined) {
      const entry = { ...authorOf(edit.writer, edit.via), update: applied.record, touched: applied.touched }
      const { idempotencyKey } = edit
      this.#append(log, document, idempotencyKey === undefined ? entry : { ...entry, idempotencyKey }, applied.observed)
      const forwards: Forward[] = [{ from: undefined, update: applied.record }]
      this.#touched.clear()
      for (const path of applied.touched) this.#touched.add(path)
      this.#prune(log, document, forwards)
      this.#counters.deliveries += forwardUpdates(forwards, audience)
      this.#tellConflicts(audience)
    }
    return { value, lsn: log.head, durable: this.#lastDurable }
  }

  #append(log: WorkspaceLog, document: RoomDocument, entry: LogEntry, observed: readonly Observed[]): void {
    const { lsn, at, durable } = log.append(entry)
    this.#lastDurable = durable
    this.#counters.records++
    const record: LogRecord = { ...entry, lsn, at }
    document.stamps.note(record)
    for (const listener of this.listeners) listener(record)
    const workspace = this.#workspace
    const { actor, source } = entry
    for (const { changes, conflicts } of observed) {
      for (const change of changes)
        this.#logger.debug({ workspace, ...change, actor, source, lsn }, 'shown value changed')
      for (const conflict of conflicts) this.#logger.info({ workspace, ...conflict, actor, source, lsn }, 'conflict')
      this.#conflicts.push(...conflicts)
    }
  }

  #write(connection: Connection, log: WorkspaceLog, document: RoomDocument, forwards: Forward[]): Error | undefined {
    const through = connection.inboxThrough
    const updates = connection.takeInbox()
    const first = through - updates.length + 1
    const { identity } = connection
    try {
      const { refused, forward, record, touched, observed } =
        identity.access === 'write' ? document.apply(updates, identity) : document.read(updates, READ_ONLY)
      if (document.pendingBytes > this.#limits.pendingBytesMax) throw new PendingError(this.#limits.pendingBytesMax)
      if (record !== undefined) {
        this.#append(log, document, { ...authorOf(identity, connection.id), update: record, touched }, observed)
        for (const path of touched) this.#touched.add(path)
      }
      if (forward !== undefined) forwards.push({ from: connection, update: forward })
      const accepted = refused === undefined ? through : first + refused.index - 1
      if (!connection.hasDropped && accepted > 0)
        this.#acknowledgements.add(this.#lastDurable, connection, accepted, log.head)
      if (refused !== undefined) this.#refuse(connection, first + refused.index, refused.refusal)
      return undefined
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      const code = error instanceof PendingError ? 'pending_too_large' : 'bad_update'
      this.#refuse(connection, first, {
        code,
        reason: error instanceof PendingError ? error.message : 'the update is no Yjs V1 update',
      })
      return error
    }
  }
}

function authorOf({ actor, source }: Pick<Writer, 'actor' | 'source'>, connection: string) {
  return { actor, source, connection }
}

/** Updates that build on others which never came fill more than their share. */
class PendingError extends Error {
  constructor(bytesMax: number) {
    super(`updates that build on others not sent yet may fill ${bytesMax} bytes: sync first, then send`)
  }
}
