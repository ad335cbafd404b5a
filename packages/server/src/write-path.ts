import type { EventStore, LogEntry, LogRecord, Receipt, WorkspaceLog } from '@joinery/log'
import { CLOSE, encodeUpdate } from '@joinery/protocol'
import type * as Y from 'yjs'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Connection } from './connection.ts'
import type { Refusal, Writer } from './document-rules.ts'
import { type Audience, type Forward, forwardUpdates, sendToAll } from './fan-out.ts'
import type { ServerLimits } from './limits.ts'
import type { RoomDocument } from './room-document.ts'

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
  /** Connections with updates in their inboxes, in order of arrival. */
  #writers: Connection[] = []
  /** Called with each record as it is appended; what it brought is in the document by then. */
  readonly listeners = new Set<(record: LogRecord) => void>()
  /** Durability of the room's last append: what brings nothing new is as safe as what it repeats. */
  #lastDurable: Promise<void> = Promise.resolve()

  constructor(options: { store: EventStore; limits: ServerLimits; acknowledgements: Acknowledgements }) {
    this.#store = options.store
    this.#limits = options.limits
    this.#acknowledgements = options.acknowledgements
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
      return refuse(connection, connection.framesReceived, { code: 'too_large', reason })
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
    forwardUpdates(forwards, audience)
    return spoilt
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
      this.#append(log, document, idempotencyKey === undefined ? entry : { ...entry, idempotencyKey })
      sendToAll(encodeUpdate(applied.record), audience)
    }
    return { value, lsn: log.head, durable: this.#lastDurable }
  }

  #append(log: WorkspaceLog, document: RoomDocument, entry: LogEntry): Receipt {
    const receipt = log.append(entry)
    this.#lastDurable = receipt.durable
    const record: LogRecord = { ...entry, lsn: receipt.lsn, at: receipt.at }
    document.stamps.note(record)
    for (const listener of this.listeners) listener(record)
    return receipt
  }

  #write(connection: Connection, log: WorkspaceLog, document: RoomDocument, forwards: Forward[]): Error | undefined {
    const through = connection.inboxThrough
    const updates = connection.takeInbox()
    const first = through - updates.length + 1
    const { identity } = connection
    try {
      const { refused, forward, record, touched } =
        identity.access === 'write' ? document.apply(updates, identity) : document.read(updates, READ_ONLY)
      if (document.pendingBytes > this.#limits.pendingBytesMax) throw new PendingError(this.#limits.pendingBytesMax)
      if (record !== undefined)
        this.#append(log, document, { ...authorOf(identity, connection.id), update: record, touched })
      if (forward !== undefined) forwards.push({ from: connection, update: forward })
      const accepted = refused === undefined ? through : first + refused.index - 1
      if (!connection.hasDropped && accepted > 0)
        this.#acknowledgements.add(this.#lastDurable, connection, accepted, log.head)
      if (refused !== undefined) refuse(connection, first + refused.index, refused.refusal)
      return undefined
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      const code = error instanceof PendingError ? 'pending_too_large' : 'bad_update'
      refuse(connection, first, {
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

/** Tells the sender that frame number `frame` and what builds on it were not taken, and takes nothing more from it. */
function refuse(connection: Connection, frame: number, refusal: Refusal): void {
  connection.isRefused = true
  if (connection.wantsJoinery) return connection.tell({ type: 'rejected', frame, ...refusal })
  connection.close(CLOSE_OF[refusal.code] ?? CLOSE.forbidden, `${refusal.code}: ${refusal.reason}`)
}
