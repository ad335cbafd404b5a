import type { EventStore, LogEntry, LogRecord, Receipt, WorkspaceLog } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import * as Y from 'yjs'
import type { Applied } from '../content/applied.ts'
import type { Observed, Writer } from '../content/document-rules.ts'
import type { RoomDocument } from '../content/room-document.ts'
import type { Clocks } from '../content/waiting-structs.ts'
import type { Counters } from '../counters.ts'
import type { Quotas } from '../quotas.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Backlog } from './backlog.ts'
import { tellObserved } from './conflict-news.ts'
import { type Audience, type Forward, forwardUpdates } from './fan-out.ts'
import type { Member } from './member.ts'
import type { RecordListeners } from './record-listeners.ts'
import { NOT_YOURS, refuseUpdate } from './refused-update.ts'
import type { RoomEdit, WritePlace } from './room-edit.ts'
import type { RoomFollower } from './room-follower.ts'
import { Unsettled, type Withheld } from './unsettled.ts'

/** Author of the records in which the server deletes beaten claims. */
const PRUNER = { actor: 'joinery', source: 'server', connection: 'prune' }

/** Parts that the record writers of all rooms share. */
export interface RecordWriterContext {
  readonly acknowledgements: Acknowledgements
  readonly backlog: Backlog
  /** Counts what each principal uses. */
  readonly quotas: Quotas
  readonly counters: Counters
  readonly logger: Logger
  readonly listeners: RecordListeners
  readonly store: Pick<EventStore, 'atomically'>
}

/** The appends of one write. */
export interface Appended {
  /** Undefined when only {@link Write.beside} has appended something. */
  readonly record: LogRecord | undefined
  readonly durable: Promise<void>
}

/** The member that brought a write, and how many of its frames the write completes. */
interface WriteSource {
  readonly member: Member
  readonly frames: number
  /** Edits of these frames that were not applied, since only another actor may send them. */
  readonly withheld?: Withheld | undefined
}

/** One transaction of the tick, on its way from the document to the log. */
export interface Write {
  readonly applied: Applied
  readonly author: Pick<LogEntry, 'actor' | 'source' | 'connection' | 'idempotencyKey'>
  /** True when the record counts as durable only after an fsync. */
  readonly sync?: boolean | undefined
  /** Appends what belongs to the write to other logs: see {@link RoomEdit.beside}. */
  readonly beside?: RoomEdit<unknown>['beside'] | undefined
  /** The principal of a program's write, whose quotas count; undefined for nobody's. */
  readonly principal?: string | undefined
  /** Undefined for the server's own writes. */
  readonly from?: WriteSource
}

/** Edits that the document has, but that nobody may see before they are durable. */
export interface Held {
  /** Resolves when everybody may see the edits. */
  readonly shown: Promise<void>
  /** Whether a write of `member` may build on the edits. `undefined` stands for a write of the server's own. */
  mayPrecede(member: Member | undefined): boolean
}

/** Updates that wait to be forwarded until they are durable. */
interface HeldBack {
  readonly updates: readonly Uint8Array[]
  state: 'waits' | 'shown' | 'lost'
}

/** Does the last steps of every write in a room: forwards it, logs it, and acknowledges it. */
export class RecordWriter {
  readonly #workspace: WorkspaceId
  readonly #context: RecordWriterContext
  #listeners: Set<RoomFollower['appended']> | undefined
  #unsettled: Unsettled | undefined
  #lastDurable = Promise.resolve()
  #lastStored: Promise<void> | undefined
  /** Updates in the document that nobody may see yet, in the order in which they were made. */
  #unshown: HeldBack[] = []

  constructor(workspace: WorkspaceId, context: RecordWriterContext) {
    this.#workspace = workspace
    this.#context = context
  }

  /**
   * Resolves when the room's last record is durable: a repeated update is then as safe as the edits that it repeats.
   */
  get lastDurable(): Promise<void> {
    return this.#lastDurable
  }

  /** Updates that the document has, and that no member has been sent yet: see {@link logUnshown}. */
  get unshown(): readonly Uint8Array[] {
    return this.#unshown.flatMap(({ updates }) => updates)
  }

  /**
   * Calls `listener` with each record as it is appended. The document has the record's edits by then. Returns
   * unsubscribe.
   */
  listen(listener: RoomFollower['appended']): () => boolean {
    this.#listeners ??= new Set()
    const listeners = this.#listeners.add(listener)
    return () => listeners.delete(listener)
  }

  /**
   * Forwards the writes, then logs them: other people's screens need not wait for the log's encoder. A write that may
   * build on `held` edits is forwarded when those are shown.
   */
  write(writes: readonly Write[], place: WritePlace, held: Held | undefined): readonly (Appended | undefined)[] {
    // The records beside a write may fail to be appended: nobody may have seen the write then.
    const logged = writes.some(({ beside }) => beside !== undefined) ? this.log(writes, place) : undefined
    const forwards: Forward[] = []
    const late: Uint8Array[] = []
    for (const { applied, from } of writes) {
      if (applied.forward === undefined) continue
      if (held?.mayPrecede(from?.member)) late.push(applied.forward)
      else forwards.push({ from: applied.freesOthers ? undefined : from?.member, update: applied.forward })
    }
    if (held !== undefined) this.#forwardAfter(held.shown, this.#holdBack(late), place)
    this.#context.counters.deliveries += forwardUpdates(forwards, place.audience)
    return logged ?? this.log(writes, place)
  }

  /** Logs writes, and forwards `updates` of them when the first record is durable: `stored`. Throws as {@link log}. */
  logUnshown(
    writes: readonly Write[],
    updates: readonly Uint8Array[],
    place: WritePlace,
  ): { readonly appended: Appended | undefined; readonly stored: Promise<void> } {
    // First: a member that begins to lag while conflicts are told has not been sent these.
    const heldBack = this.#holdBack(updates)
    try {
      const [appended] = this.log(writes, place)
      const stored = appended?.durable ?? this.#lastDurable
      this.#forwardAfter(stored, heldBack, place)
      return { appended, stored }
    } catch (error) {
      heldBack.state = 'lost'
      throw error
    }
  }

  /** Notes updates that are forwarded later, by {@link #forwardAfter}. */
  #holdBack(updates: readonly Uint8Array[]): HeldBack {
    const heldBack: HeldBack = { updates, state: 'waits' }
    if (updates.length > 0) this.#unshown.push(heldBack)
    return heldBack
  }

  /**
   * Forwards updates once `shown` resolves, after those that were held back before. If `shown` rejects, they never become
   * durable, and are never forwarded.
   */
  #forwardAfter(shown: Promise<void>, heldBack: HeldBack, { audience }: WritePlace): void {
    if (heldBack.updates.length === 0) return
    const settle = (state: HeldBack['state']) => (): void => {
      heldBack.state = state
      this.#forwardShown(audience)
    }
    shown.then(settle('shown'), settle('lost'))
  }

  /** Forwards the oldest updates that may be shown. Promises of one moment settle in any order, and updates keep theirs. */
  #forwardShown(audience: Audience): void {
    const waits = this.#unshown.findIndex(({ state }) => state === 'waits')
    const settled = waits < 0 ? this.#unshown : this.#unshown.slice(0, waits)
    this.#unshown = this.#unshown.slice(settled.length)
    const updates = settled.flatMap(({ state, updates }) => (state === 'shown' ? updates : []))
    if (updates.length === 0) return
    this.#context.counters.deliveries += forwardUpdates(
      [{ from: undefined, update: Y.mergeUpdates(updates) }],
      audience,
    )
  }

  /**
   * Logs the writes and forwards nothing. Returns the record of each write; undefined for a write that brought nothing.
   */
  log(writes: readonly Write[], place: WritePlace): readonly (Appended | undefined)[] {
    const { log, document } = place
    const appends = writes.map((write) => {
      const appended = this.#append(write, place)
      if (write.from !== undefined) this.#settle(write.from, write.applied.waitsFor, log.head)
      return appended
    })
    const settled = this.#unsettled?.take(document)
    for (const { member, frames } of settled?.shown ?? []) this.acknowledge(member, frames, log.head)
    for (const { member, frame } of settled?.refused ?? []) refuseUpdate(member, frame, NOT_YOURS, this.#context)
    this.#unsettled?.wake(document)
    return appends
  }

  /** Refuses edits that were withheld from a member and that their writer has not sent in time. Called about once a second. */
  sweep(nowMs: number): void {
    this.#unsettled?.wake()
    const overdue = this.#unsettled?.takeOverdue(nowMs) ?? []
    for (const { member, frame } of overdue) refuseUpdate(member, frame, NOT_YOURS, this.#context)
  }

  /** See {@link Unsettled.whenShown}. */
  whenShown(member: Member, clocks: Clocks, bytes: number): Promise<void> {
    this.#unsettled ??= new Unsettled()
    return this.#unsettled.whenShown(member, clocks, bytes)
  }

  /** Bytes of the keyed updates that wait for edits. */
  get lackingBytes(): number {
    return this.#unsettled?.lackingBytes ?? 0
  }

  /** Bytes of the edits that are withheld from a member now. */
  withheldBytes(member: Member): number {
    return this.#unsettled?.withheldBytes(member) ?? 0
  }

  /**
   * Adds a write that deletes the beaten claims of writers that are gone, at the paths that `writes` touched. While a keyed write is
   * held, others still see the values that it beat, and only what shows out of date is deleted.
   */
  prune(document: RoomDocument, writes: Write[], isHeld: boolean): void {
    const touched = writes.flatMap(({ applied }) => applied.touched)
    if (touched.length === 0) return
    const applied = document.prune(touched, isHeld)
    if (applied === undefined) return
    this.#context.counters.prunings++
    writes.push({ applied, author: PRUNER })
  }

  /** True while edits of the member wait for others that they build on. Its later frames are acknowledged with them. */
  isUnsettled(member: Member): boolean {
    return this.#unsettled?.has(member) === true
  }

  /** Acknowledges the member's first `frames` frames at `lsn`, once everything logged so far is durable. */
  acknowledge(member: Member, frames: number, lsn: number): void {
    if (member.hasDropped || frames === 0) return
    const promises = { durable: this.#lastDurable, stored: this.#lastStored }
    this.#context.acknowledgements.add(promises, member, frames, lsn)
  }

  /**
   * Acknowledges frames whose edits show. Frames with waiting edits, and all after them, are acknowledged when those
   * show.
   */
  #settle({ member, frames, withheld }: WriteSource, waitsFor: Clocks | undefined, lsn: number): void {
    const waits = waitsFor !== undefined || withheld !== undefined
    if (!waits && !this.isUnsettled(member)) return this.acknowledge(member, frames, lsn)
    this.#unsettled ??= new Unsettled()
    this.#unsettled.add(member, frames, waitsFor)
    if (withheld !== undefined) {
      this.#unsettled.add(member, frames, Y.parseUpdateMeta(withheld.update).to, withheld)
    }
  }

  #append(write: Write, place: WritePlace): Appended | undefined {
    const { log, document, audience } = place
    const { applied, author, beside, from } = write
    const principal = from?.member.owner ?? write.principal
    if (applied.record === undefined) {
      const receipt = beside && this.#context.store.atomically(() => beside(undefined))
      return receipt && { record: undefined, durable: bothOf(this.#lastDurable, receipt.durable) }
    }
    const entry: LogEntry = { ...author, update: applied.record, touched: applied.touched }
    const makesWorkspace = log.generation === undefined
    const { lsn, at, durable, stored, whole = durable } = this.#appendWith(entry, write, log)
    this.#lastDurable = durable
    this.#lastStored = stored
    this.#context.backlog.add(durable, entry.update.length)
    this.#context.counters.records++
    if (principal !== undefined) {
      const hasKey = entry.idempotencyKey !== undefined
      this.#context.quotas.count(principal, { makesWorkspace, hasKey, bytes: entry.update.length })
    }
    const record: LogRecord = { ...entry, lsn, at }
    document.stamps.note(record)
    if (this.#listeners !== undefined) for (const listener of this.#listeners) listener(record, durable)
    this.#context.listeners.tell(this.#workspace, record, durable, place)
    this.#tell(applied.observed, record, audience)
    return { record, durable: whole }
  }

  /**
   * Appends the record, and what belongs to it: all of it or, with an error, nothing. `whole` resolves when all of it is durable;
   * undefined when that is the record alone.
   */
  #appendWith(entry: LogEntry, { sync, beside }: Write, log: WorkspaceLog): Receipt & { whole?: Promise<void> } {
    const append = (): Receipt => (sync ? log.append(entry, { sync }) : log.append(entry))
    if (beside === undefined) return append()
    const { store } = this.#context
    return store.atomically(() => {
      const receipt = append()
      const { lsn, at, durable } = receipt
      // Work of its own, so that a promise is refused.
      const other = store.atomically(() => beside({ ...entry, lsn, at }))
      return other === undefined ? receipt : { ...receipt, whole: bothOf(durable, other.durable) }
    })
  }

  #tell(observed: readonly Observed[], record: LogRecord, audience: Audience): void {
    tellObserved(observed, { workspace: this.#workspace, record }, audience, this.#context.logger)
  }
}

/** Resolves when both are durable. Appends of one turn mostly have one promise. */
function bothOf(one: Promise<void>, other: Promise<void>): Promise<void> {
  if (one === other) return one
  const both = Promise.all([one, other]).then(() => undefined)
  // The caller may ignore it, and an unhandled rejection would end the process.
  both.catch(() => undefined)
  return both
}

/** The author of a record, as the log stores it. */
export function authorOf({ actor, source }: Pick<Writer, 'actor' | 'source'>, connection: string) {
  return { actor, source, connection }
}
