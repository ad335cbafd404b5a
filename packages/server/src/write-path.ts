import type { EventStore, LogEntry, LogRecord, WorkspaceLog } from '@joinery/log'
import { CLOSE, type WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import type * as Y from 'yjs'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { Observed, Refusal, Writer } from './document-rules.ts'
import { type Audience, type Forward, forwardUpdates } from './fan-out.ts'
import type { ServerLimits } from './limits.ts'
import { type Applied, type RoomDocument, UpdateError } from './room-document.ts'

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
  /** Stands in the record, and makes the edit once: see {@link Workspaces.write}. */
  readonly idempotencyKey?: string
  /** The answer waits for an fsync, whatever the store's durability. */
  readonly sync?: boolean
  /** Edits the live document, in one transaction. What it throws costs a rebuild of the document: check first. */
  run(doc: Y.Doc): T
}

/** Told of a record as it is appended, and when it is durable: see `Receipt.durable` of the log. */
export type RecordListener = (record: LogRecord, durable: Promise<void>) => void

/** One transaction of the tick, on its way from the document to the log. */
interface Write {
  readonly applied: Applied
  readonly author: Pick<LogEntry, 'actor' | 'source' | 'connection' | 'idempotencyKey'>
  /** The connection it came by, and its frames that are applied with it; undefined for the server's own. */
  readonly from?: { readonly connection: Connection; readonly frames: number }
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
  readonly listeners = new Set<RecordListener>()
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
   * Works off the tick: applies everything, forwards it, then logs it, since the others' screens need not wait for an
   * encoder. Returns the error that has spoilt `document`, if one did: nothing of what caused it is logged or forwarded,
   * the rest of the tick waits, and the document has to be rebuilt from the log.
   */
  flush(log: WorkspaceLog, document: RoomDocument, audience: Audience): Error | undefined {
    const writers = this.#writers
    this.#writers = []
    const writes: Write[] = []
    let spoilt: Error | undefined
    for (const [index, connection] of writers.entries()) {
      if (this.#store.state.state !== 'open') {
        connection.takeInbox()
        connection.hasDropped = true
        continue
      }
      spoilt = this.#apply(connection, document, writes)
      if (spoilt === undefined) continue
      this.#writers = writers.slice(index + 1)
      break
    }
    if (spoilt === undefined) this.#prune(document, writes)
    this.#finish(writes, log, document, audience)
    return spoilt
  }

  /**
   * Makes an edit of a program inside the server: one transaction, one record, forwarded at once. Call it when nothing
   * waits to be flushed. Throws the storage error while storage fails, before anything is done; what `edit` throws
   * after that has spoilt `document`.
   */
  edit<T>(
    { writer, via, idempotencyKey, run }: RoomEdit<T>,
    { log, document, audience }: { log: WorkspaceLog; document: RoomDocument; audience: Audience },
  ): { value: T; lsn: number; durable: Promise<void> } {
    const { state } = this.#store
    if (state.state === 'failed') throw state.error
    const { value, applied } = document.edit(writer.actor, run)
    const author = authorOf(writer, via)
    const writes: Write[] = [{ applied, author: idempotencyKey === undefined ? author : { ...author, idempotencyKey } }]
    this.#prune(document, writes)
    this.#finish(writes, log, document, audience)
    return { value, lsn: log.head, durable: this.#lastDurable }
  }

  /** Inspects and applies one connection's updates of the tick. Returns the error that has spoilt `document`. */
  #apply(connection: Connection, document: RoomDocument, writes: Write[]): Error | undefined {
    const through = connection.inboxThrough
    const updates = connection.takeInbox()
    const first = through - updates.length + 1
    const { identity } = connection
    try {
      const applied =
        identity.access === 'write' ? document.apply(updates, identity) : document.read(updates, READ_ONLY)
      if (document.pendingBytes > this.#limits.pendingBytesMax) throw new PendingError(this.#limits.pendingBytesMax)
      const { refused } = applied
      const frames = refused === undefined ? through : first + refused.index - 1
      writes.push({ applied, author: authorOf(identity, connection.id), from: { connection, frames } })
      if (refused !== undefined) this.#refuse(connection, first + refused.index, refused.refusal)
      return undefined
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      if (error instanceof PendingError)
        this.#refuse(connection, first, { code: 'pending_too_large', reason: error.message })
      else if (error instanceof UpdateError)
        this.#refuse(connection, first, { code: 'bad_update', reason: error.message })
      else this.#giveUpOn(connection)
      return error
    }
  }

  /** Not the client's fault: it keeps its edits, and comes back with them. */
  #giveUpOn(connection: Connection): void {
    connection.isRefused = true
    connection.close(CLOSE.tryLater, 'load_failed: the server failed on this update; it is kept on the client')
  }

  /** What writers that are gone left beaten goes with the tick that beat it: once, and never for its own sake. */
  #prune(document: RoomDocument, writes: Write[]): void {
    const touched = writes.flatMap(({ applied }) => applied.touched)
    if (touched.length === 0) return
    const applied = document.prune(touched)
    if (applied === undefined) return
    this.#counters.prunings++
    writes.push({ applied, author: PRUNER })
  }

  #finish(writes: readonly Write[], log: WorkspaceLog, document: RoomDocument, audience: Audience): void {
    const forwards: Forward[] = []
    for (const { applied, from } of writes) {
      if (applied.forward !== undefined) forwards.push({ from: from?.connection, update: applied.forward })
    }
    this.#counters.deliveries += forwardUpdates(forwards, audience)
    for (const { applied, author, from } of writes) {
      if (applied.record !== undefined) {
        const entry: LogEntry = { ...author, update: applied.record, touched: applied.touched }
        this.#append(entry, applied.observed, log, document, audience)
      }
      if (from === undefined || from.connection.hasDropped || from.frames === 0) continue
      this.#acknowledgements.add(this.#lastDurable, from.connection, from.frames, log.head)
    }
  }

  #append(
    entry: LogEntry,
    observed: readonly Observed[],
    log: WorkspaceLog,
    document: RoomDocument,
    audience: Audience,
  ): void {
    const { lsn, at, durable } = log.append(entry)
    this.#lastDurable = durable
    this.#counters.records++
    const record: LogRecord = { ...entry, lsn, at }
    document.stamps.note(record)
    for (const listener of this.listeners) listener(record, durable)
    const about = { workspace: this.#workspace, actor: entry.actor, source: entry.source, lsn }
    for (const { changes, conflicts } of observed) {
      for (const change of changes) this.#logger.debug({ ...about, ...change }, 'shown value changed')
      for (const conflict of conflicts) {
        this.#counters.conflicts++
        this.#logger.info({ ...about, ...conflict }, 'conflict')
        for (const connection of audience.connections) connection.tell({ type: 'conflict', ...conflict })
      }
    }
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
