import type { EventStore, LogEntry, LogRecord, WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import * as Y from 'yjs'
import type { Observed, Refusal, Writer } from '../content/document-rules.ts'
import { EMPTY_UPDATE } from '../content/empty-update.ts'
import { relaying } from '../content/relayed-record.ts'
import type { Applied, RoomDocument } from '../content/room-document.ts'
import type { Clocks } from '../content/waiting-structs.ts'
import type { Counters } from '../counters.ts'
import type { ServerLimits } from '../limits.ts'
import type { ServerError } from '../server-error.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Backlog } from './backlog.ts'
import type { Connection } from './connection.ts'
import { type Audience, type Forward, forwardLate, forwardUpdates } from './fan-out.ts'
import { tellObserved } from './observed-news.ts'
import {
  giveUpOn,
  noteRefusal,
  PendingError,
  READ_ONLY,
  RELAY_CODES,
  refusalOfSpoiler,
  refuseUpdate,
  sendAwayRelay,
} from './refused-update.ts'
import type { KeyedUpdate, RoomEdit, RoomEdited, WritePlace } from './room-edit.ts'
import type { RoomFollower } from './room-follower.ts'
import { Unsettled } from './unsettled.ts'

/** In whose name the server tidies up. */
const PRUNER = { actor: 'joinery', source: 'server', connection: 'prune' }

/** What every room's write path shares. */
interface WritePathContext {
  readonly store: EventStore
  readonly limits: ServerLimits
  readonly acknowledgements: Acknowledgements
  readonly backlog: Backlog
  readonly counters: Counters
  readonly logger: Logger
  /** Until when clients may bring what others wrote and a process before this one has lost, ms since epoch. */
  readonly relaysUntilMs: number
}

interface Appended {
  readonly record: LogRecord
  readonly durable: Promise<void>
}

/** Updates of one connection that are applied together; `first` is the number of the first among its frames. */
interface TickPart {
  readonly updates: readonly Uint8Array[]
  readonly first: number
  /** The one among them that answers SyncStep1. */
  readonly answer: Uint8Array | undefined
  readonly mayRelay: boolean
}

/** One transaction of the tick, on its way from the document to the log. */
interface Write {
  readonly applied: Applied
  readonly author: Pick<LogEntry, 'actor' | 'source' | 'connection' | 'idempotencyKey'>
  /** Durable only when fsynced. */
  readonly sync?: boolean | undefined
  /** The connection it came by, and its frames that are applied with it; undefined for the server's own. */
  readonly from?: { readonly connection: Connection; readonly frames: number }
}

/**
 * The way of an update through its room: received, collected until the tick ends, inspected and applied, logged,
 * forwarded, acknowledged when durable.
 */
export class WritePath {
  readonly #workspace: WorkspaceId
  readonly #context: WritePathContext
  /** Settles when the last keyed write that nobody has been shown yet is durable; undefined when there is none. */
  #shown: Promise<void> | undefined
  /** Connections with updates in their inboxes, in order of arrival. */
  #writers: Connection[] = []
  #listeners: Set<RoomFollower['appended']> | undefined
  #unsettled: Unsettled | undefined
  /** Durability of the room's last append: what brings nothing new is as safe as what it repeats. */
  #lastDurable = Promise.resolve()

  constructor(workspace: WorkspaceId, context: WritePathContext) {
    this.#workspace = workspace
    this.#context = context
  }

  /** Calls `listener` with each record as it is appended; what it brought is in the document by then. Returns unsubscribe. */
  listen(listener: RoomFollower['appended']): () => boolean {
    this.#listeners ??= new Set()
    const listeners = this.#listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /** Resolves when everything that the room has appended so far is durable. */
  get durable(): Promise<void> {
    return this.#lastDurable
  }

  get hasWork(): boolean {
    return this.#writers.length > 0
  }

  /** While the document holds keyed writes that are not durable: when they are, and may be shown to those who come. */
  get shown(): Promise<void> | undefined {
    return this.#shown
  }

  /** Puts one update into its connection's inbox until the tick ends. */
  receive(connection: Connection, type: 'syncStep2' | 'update', update: Uint8Array): void {
    connection.framesReceived++
    const isAnswer = type === 'syncStep2' && connection.awaitsSyncStep2
    const bytesMax = isAnswer ? this.#context.limits.syncBytesMax : this.#context.limits.updateBytesMax
    if (isAnswer) {
      connection.awaitsSyncStep2 = false
      if (this.#context.store.state.state === 'open') connection.hasDropped = false
    }
    if (connection.isRefused) return
    if (update.length > bytesMax) {
      const reason = `an update frame holds at most ${bytesMax} bytes, this one ${update.length}: send it in parts`
      return refuseUpdate(connection, connection.framesReceived, { code: 'too_large', reason }, this.#context)
    }
    if (type === 'syncStep2') connection.answer = update
    if (connection.inbox.push(update) === 1) this.#writers.push(connection)
    connection.inboxThrough = connection.framesReceived
  }

  /** While storage fails: forgets the tick's updates, to ask for them again. */
  drop(): void {
    for (const connection of this.#writers) {
      connection.takeInbox()
      connection.hasDropped = true
    }
    this.#writers = []
  }

  /** For a workspace that takes no updates: clients that know why keep them, stock clients are turned away. */
  turnAway(refusal: ServerError): void {
    const writers = this.#writers
    this.drop()
    for (const connection of writers) if (!connection.wantsJoinery) connection.refuse(refusal)
  }

  /**
   * Acknowledges the writers whose updates of the tick bring nothing new, as far as `isKnown` tells; no document is needed
   * for those. True when others are left.
   */
  settleRepeats(log: WorkspaceLog, isKnown: (update: Uint8Array) => boolean): boolean {
    this.#writers = this.#writers.filter((connection) => {
      if (this.#unsettled?.has(connection) || !connection.inbox.every(isKnown)) return true
      connection.takeInbox()
      this.#acknowledge(connection, connection.inboxThrough, log)
      return false
    })
    return this.hasWork
  }

  /** The connections whose updates wait. */
  get writers(): readonly Connection[] {
    return this.#writers
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
   * Makes an edit of a program inside the server: one transaction, one record, forwarded at once, or under a key when it is
   * durable ({@link writeKeyed}). Call it when nothing waits to be flushed. Throws the storage error while storage fails,
   * before anything is done; what `edit` throws after that has spoilt `document`.
   */
  edit<T>(
    { writer, via, idempotencyKey, sync, run }: RoomEdit<T>,
    { log, document, audience }: WritePlace,
  ): RoomEdited<T> {
    const { state } = this.#context.store
    if (state.state === 'failed') throw state.error
    const { value, applied } = document.edit(writer.actor, run)
    const author = authorOf(writer, via)
    const writes: Write[] = [
      idempotencyKey === undefined
        ? { applied, author, sync }
        : // A key stands for its edit for good, so it is kept even when there was nothing to change.
          {
            applied: { ...applied, record: applied.record ?? EMPTY_UPDATE },
            author: { ...author, idempotencyKey },
            sync,
          },
    ]
    this.#prune(document, writes)
    const before = this.#lastDurable
    if (idempotencyKey !== undefined) return { value, ...this.#finishKeyed(writes, { log, document, audience }) }
    const [appended] = this.#finish(writes, log, document, audience)
    // Not the head's: what was pruned along has a record of its own, and only this one was asked to be fsynced.
    return {
      value,
      record: appended?.record,
      lsn: appended?.record.lsn ?? log.head,
      durable: appended?.durable ?? before,
    }
  }

  /**
   * Makes one keyed update a record of its own, forwarded when that is durable, to its sender too. Not before: were it lost
   * in a crash, those who had seen it would bring it again without its key, and a repeat would count twice. Call it when
   * nothing waits to be flushed. Returns why it may not be applied, and then has done nothing. Throws the storage error
   * while storage fails, before anything is done; what else it throws has spoilt `document`.
   */
  writeKeyed(
    { connection, key, update }: KeyedUpdate,
    { log, document, audience }: WritePlace,
  ): { readonly lsn: number; readonly durable: Promise<void> } | Refusal {
    const { state } = this.#context.store
    if (state.state === 'failed') throw state.error
    const { identity } = connection
    if (identity.access !== 'write') return noteRefusal(connection, READ_ONLY, this.#context)
    const applied = document.apply([update], identity)
    this.#checkPending(document)
    if (applied.refused !== undefined) return noteRefusal(connection, applied.refused.refusal, this.#context)
    const author = { ...authorOf(identity, connection.id), idempotencyKey: key }
    const writes: Write[] = [{ applied: { ...applied, record: applied.record ?? EMPTY_UPDATE }, author }]
    this.#prune(document, writes)
    return this.#finishKeyed(writes, { log, document, audience })
  }

  /** Logs the writes, the first of which bears a key, and shows what they brought to everybody when that is durable. */
  #finishKeyed(writes: readonly Write[], { log, document, audience }: WritePlace): Omit<RoomEdited<never>, 'value'> {
    const updates = writes.flatMap(({ applied }) => applied.forward ?? [])
    const held = writes.map((write) => ({ ...write, applied: { ...write.applied, forward: undefined } }))
    const [appended] = this.#finish(held, log, document, audience)
    const durable = (appended?.durable ?? this.#lastDurable)
      .then(() => {
        if (updates.length > 0) this.#context.counters.deliveries += forwardLate(Y.mergeUpdates(updates), audience)
      })
      .finally(() => {
        if (this.#shown === durable) this.#shown = undefined
      })
    this.#shown = durable
    return { record: appended?.record, lsn: appended?.record.lsn ?? log.head, durable }
  }

  /** Inspects and applies one connection's updates of the tick. Returns the error that has spoilt `document`. */
  #apply(connection: Connection, document: RoomDocument, writes: Write[]): Error | undefined {
    const { answer, inboxThrough: through } = connection
    const updates = connection.takeInbox()
    const isRelayTime = answer !== undefined && Date.now() < this.#context.relaysUntilMs
    // The answer alone may bring what others wrote. What comes beside it is the sender's own, and makes its client ids theirs.
    const parts = isRelayTime ? partsAround(answer, updates) : [updates]
    let first = through - updates.length + 1
    for (const part of parts) {
      const mayRelay = isRelayTime && part[0] === answer
      const error = this.#applyPart(connection, { updates: part, first, answer, mayRelay }, document, writes)
      if (error !== undefined || connection.isRefused) return error
      first += part.length
    }
    return undefined
  }

  #applyPart(
    connection: Connection,
    { updates, first, answer, mayRelay }: TickPart,
    document: RoomDocument,
    writes: Write[],
  ): Error | undefined {
    const { identity } = connection
    const through = first + updates.length - 1
    try {
      const applied =
        identity.access === 'write'
          ? document.apply(updates, mayRelay ? { ...identity, mayRelay } : identity, answer)
          : document.read(updates, READ_ONLY)
      this.#checkPending(document)
      const { refused } = applied
      const frames = refused === undefined ? through : first + refused.index - 1
      const author = authorOf(identity, mayRelay ? relaying(connection.id) : connection.id)
      writes.push({ applied, author, from: { connection, frames } })
      if (refused === undefined) return undefined
      const isRelay = mayRelay && RELAY_CODES.has(refused.refusal.code)
      if (isRelay) sendAwayRelay(connection)
      else refuseUpdate(connection, first + refused.index, refused.refusal, this.#context)
      return undefined
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      const refusal = refusalOfSpoiler(error)
      if (refusal === undefined) giveUpOn(connection)
      else if (mayRelay && error instanceof PendingError) sendAwayRelay(connection)
      else refuseUpdate(connection, first, refusal, this.#context)
      return error
    }
  }

  #checkPending(document: RoomDocument): void {
    const { pendingBytesMax } = this.#context.limits
    if (document.pendingBytes > pendingBytesMax) throw new PendingError(pendingBytesMax)
  }

  /** What writers that are gone left beaten goes with the tick that beat it: once, and never for its own sake. */
  #prune(document: RoomDocument, writes: Write[]): void {
    // What beat it has yet to be shown: until then it stands on everybody's screen.
    if (this.#shown !== undefined) return
    const touched = writes.flatMap(({ applied }) => applied.touched)
    if (touched.length === 0) return
    const applied = document.prune(touched)
    if (applied === undefined) return
    this.#context.counters.prunings++
    writes.push({ applied, author: PRUNER })
  }

  /** What was appended for each of the writes; undefined for those that brought nothing. */
  #finish(
    writes: readonly Write[],
    log: WorkspaceLog,
    document: RoomDocument,
    audience: Audience,
  ): readonly (Appended | undefined)[] {
    const forwards: Forward[] = []
    for (const { applied, from } of writes) {
      const sender = applied.freesOthers ? undefined : from?.connection
      if (applied.forward !== undefined) forwards.push({ from: sender, update: applied.forward })
    }
    this.#context.counters.deliveries += forwardUpdates(forwards, audience)
    const appends = writes.map(({ applied, author, sync, from }) => {
      let appended: Appended | undefined
      if (applied.record !== undefined) {
        const entry: LogEntry = { ...author, update: applied.record, touched: applied.touched }
        appended = this.#append({ entry, sync, observed: applied.observed }, log, document, audience)
      }
      if (from !== undefined) this.#settle(from, applied.waitsFor, log)
      return appended
    })
    const settled = this.#unsettled?.take((client, clock) => document.shows(client, clock)) ?? []
    for (const { connection, frames } of settled) this.#acknowledge(connection, frames, log)
    return appends
  }

  /** Acknowledges what shows; the rest, and what follows it on its connection, when it does. */
  #settle(
    { connection, frames }: { readonly connection: Connection; readonly frames: number },
    waitsFor: Clocks | undefined,
    log: WorkspaceLog,
  ): void {
    if (waitsFor === undefined && !this.#unsettled?.has(connection)) return this.#acknowledge(connection, frames, log)
    this.#unsettled ??= new Unsettled()
    this.#unsettled.add(connection, frames, waitsFor)
  }

  #acknowledge(connection: Connection, frames: number, log: WorkspaceLog): void {
    if (connection.hasDropped || frames === 0) return
    this.#context.acknowledgements.add(this.#lastDurable, connection, frames, log.head)
  }

  #append(
    { entry, sync, observed }: { entry: LogEntry; sync: boolean | undefined; observed: readonly Observed[] },
    log: WorkspaceLog,
    document: RoomDocument,
    audience: Audience,
  ): Appended {
    const { lsn, at, durable } = sync ? log.append(entry, { sync }) : log.append(entry)
    this.#lastDurable = durable
    this.#context.backlog.add(durable, entry.update.length)
    this.#context.counters.records++
    const record: LogRecord = { ...entry, lsn, at }
    document.stamps.note(record)
    if (this.#listeners !== undefined) for (const listener of this.#listeners) listener(record, durable)
    tellObserved(observed, { workspace: this.#workspace, record }, audience.connections, this.#context)
    return { record, durable }
  }
}

/** `updates` in order, the answer by itself. */
function partsAround(answer: Uint8Array, updates: readonly Uint8Array[]): (readonly Uint8Array[])[] {
  const at = updates.indexOf(answer)
  return [updates.slice(0, at), [answer], updates.slice(at + 1)].filter((part) => part.length > 0)
}

function authorOf({ actor, source }: Pick<Writer, 'actor' | 'source'>, connection: string) {
  return { actor, source, connection }
}
