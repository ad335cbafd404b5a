import { type EventStore, isSnapshotDue, LogError, type SnapshotPolicy } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { ServerLimits } from '../limits.ts'
import { refusalOf, ServerError } from '../server-error.ts'
import { ColdDocument } from './cold-document.ts'
import { RoomDocument } from './room-document.ts'
import { type Content, type Loaded, type LoaderContext, loadRoom, warmUp } from './room-loader.ts'
import { isWorthKeeping, keepUp, type UpkeepOptions, whileStorageWorks } from './room-upkeep.ts'
import type { Upkeep } from './upkeep.ts'

/** How much more there must be to tell before a snapshot that failed is tried again. */
const RETRY_GROWTH = 1.25

export interface RoomContentContext extends LoaderContext, UpkeepOptions {
  readonly store: EventStore
  readonly limits: ServerLimits
  readonly snapshots: SnapshotPolicy
  readonly upkeep: Upkeep
}

/** Whom a room's content belongs to. */
export interface ContentOwner {
  /** It can be served: after the first load, after a rebuild, and when it has become a document or bytes. */
  opened(open: OpenContent): void
  /** It can't be served: everybody is to be turned away. The content closes by itself. */
  failed(refusal: ServerError): void
  /** Everything is given back. */
  closed(): void
}

/** What is served until something changes: then another object stands in its place. */
export type OpenContent = Loaded
type ContentState =
  | { readonly state: 'loading' }
  | { readonly state: 'open'; readonly open: OpenContent }
  | { readonly state: 'closing'; readonly closed: Promise<void>; readonly refusal: ServerError | undefined }

/**
 * The stored side of a room, from its log being opened to its being given back. Bytes are enough as long as nobody
 * writes; a document is made for the first who does, and goes again after a while without writes.
 */
export class RoomContent {
  readonly #workspace: WorkspaceId
  readonly #context: RoomContentContext
  readonly #owner: ContentOwner
  #state: ContentState = { state: 'loading' }
  #whenSettled: PromiseWithResolvers<void> | undefined
  /** Pending while the log is being read; never rejects. */
  #loading: Promise<void> | undefined
  #warming: Promise<void> | undefined
  #keepingUp: Promise<void> | undefined
  /** When the document was last needed, as far as sweeps have seen, ms. */
  #usedAtMs = 0
  #isUsed = false
  #snapshotAtMs = 0
  /** After a snapshot that failed: not before there are so many records since the last. */
  #retryAtRecords = 0

  constructor(workspace: WorkspaceId, context: RoomContentContext, owner: ContentOwner) {
    this.#workspace = workspace
    this.#context = context
    this.#owner = owner
    this.#loading = this.#load(undefined)
  }

  /** What can be served now; undefined while it is loaded or given back. */
  get open(): OpenContent | undefined {
    return this.#state.state === 'open' ? this.#state.open : undefined
  }

  /** Resolves when the log is given back; undefined before {@link close}. */
  get closing(): Promise<void> | undefined {
    return this.#state.state === 'closing' ? this.#state.closed : undefined
  }

  /** Rejects with the reason when it can't be loaded, or is being given back. */
  async whenOpen(): Promise<OpenContent> {
    for (;;) {
      if (this.#state.state === 'open') return this.#state.open
      if (this.#state.state === 'closing') {
        throw this.#state.refusal ?? new ServerError('load_failed', 'the workspace is being closed: try again')
      }
      this.#whenSettled ??= Promise.withResolvers()
      await this.#whenSettled.promise
    }
  }

  /**
   * Makes a document of `cold`, if that is still what is served. Resolves when something has changed: for the worse, too.
   * Rejects only with the storage error, while storage fails: then nothing has.
   */
  warm(cold: ColdDocument): Promise<void> {
    this.#warming ??= this.#warm(cold).finally(() => {
      this.#warming = undefined
    })
    return this.#warming
  }

  /** The document is needed now: it is kept for a while. */
  use(): void {
    this.#isUsed = true
  }

  /** An update, or a program, has spoilt the document: builds it again from the log. */
  rebuild(cause: Error): void {
    const open = this.open
    if (open === undefined) return
    this.#context.logger.warn(
      { workspace: this.#workspace, err: cause },
      'an update spoilt the document: rebuilding it from the log',
    )
    this.#context.counters.rebuilds++
    this.#state = { state: 'loading' }
    release(open)
    this.#loading = this.#load(open)
  }

  /**
   * Reading `content` has failed: whoever comes next loads it anew, and is told what is wrong. While storage fails it
   * stays, for those who are here and need nothing read; false then.
   */
  fail(content: Content, error: unknown): boolean {
    const open = this.open
    if (open?.content !== content) return true
    if (this.#context.store.state.state === 'failed') return false
    this.#context.logger.error({ workspace: this.#workspace, err: error }, 'reading the workspace failed')
    void this.#end(
      open,
      new ServerError('load_failed', 'the workspace could not be read: it is loaded again when you are back'),
    )
    return true
  }

  /** Called about once a second. `mayCool` is false while somebody needs the document to stay. */
  sweep(nowMs: number, mayCool: () => boolean): void {
    if (this.#isUsed) this.#usedAtMs = nowMs
    this.#isUsed = false
    const open = this.open
    if (open === undefined || open.content instanceof ColdDocument) return
    open.content.sweep()
    // What is given back now could not be read again.
    if (this.#context.store.state.state !== 'open') return
    this.#keepUpIfDue(open, nowMs)
    if (nowMs - this.#usedAtMs >= this.#context.limits.coolAfterMs && mayCool()) this.#cool(open, open.content)
  }

  /** Something was logged: a snapshot may be due. */
  grown(): void {
    this.#isUsed = true
    const open = this.open
    if (open !== undefined) this.#keepUpIfDue(open, Date.now())
  }

  /** Takes a snapshot, and does what follows from it. Never rejects. */
  async maintain(): Promise<void> {
    const open = this.open
    if (open === undefined || this.#keepingUp !== undefined) return
    this.#keepingUp = this.#keepUp(open)
    await this.#keepingUp
    this.#keepingUp = undefined
  }

  /** Gives the log back and frees the document, then runs `after`. Rejects only with what `after` throws. */
  close(refusal?: ServerError, after?: () => Promise<void>): Promise<void> {
    if (this.#state.state === 'closing') return this.#state.closed
    return this.#end(this.open, refusal, after)
  }

  async #load(opened: OpenContent | undefined): Promise<void> {
    try {
      const loaded = await loadRoom(this.#workspace, opened?.log, this.#context)
      this.#loading = undefined
      // Who closes it meanwhile waits for this.
      if (this.#state.state === 'closing') return await loaded.log.close()
      if (loaded.damage !== undefined) this.#sayDamaged(loaded.damage)
      this.#open(loaded)
    } catch (error) {
      this.#loading = undefined
      if (this.#state.state === 'closing') return
      const level = error instanceof LogError && error.code === 'deleted' ? 'info' : 'error'
      this.#context.logger[level]({ workspace: this.#workspace, err: error }, 'loading the workspace failed')
      void this.#end(undefined, refusalOf(error))
    }
  }

  #open(open: OpenContent): void {
    this.#state = { state: 'open', open }
    if (open.content instanceof RoomDocument) this.#usedAtMs = this.#snapshotAtMs = Date.now()
    this.#settle()
    this.#owner.opened(open)
  }

  async #warm(cold: ColdDocument): Promise<void> {
    const open = this.open
    if (open?.content !== cold) return
    try {
      const document = await warmUp(open.log, cold, this.#context)
      if (this.open !== open) return document.destroy()
      cold.letGo()
      this.#open({ ...open, content: document })
    } catch (error) {
      if (!this.fail(cold, error)) throw error
    }
  }

  #cool(open: OpenContent, document: RoomDocument): void {
    if (this.#keepingUp !== undefined) return
    if (this.#isWorthKeeping(open)) return this.#context.upkeep.add(this)
    const cold = new ColdDocument(open.log, this.#context.cache, document.stateVector())
    this.#context.clientIds.keep(open.log.generation, document.clientIds)
    document.destroy()
    this.#context.counters.coolings++
    this.#open({ ...open, content: cold })
  }

  #keepUpIfDue({ log, content, damage }: OpenContent, nowMs: number): void {
    if (damage !== undefined || this.#keepingUp !== undefined || !(content instanceof RoomDocument)) return
    const { records, bytes } = log.sinceSnapshot
    if (records === 0 || records < this.#retryAtRecords) return
    const ms = nowMs - this.#snapshotAtMs
    const recordsPerSecond = (records * 1_000) / Math.max(ms, 1_000)
    const sinceSnapshot = { records, bytes, ms, stateBytes: content.stateBytes, recordsPerSecond }
    if (isSnapshotDue(sinceSnapshot, this.#context.snapshots)) this.#context.upkeep.add(this)
  }

  #isWorthKeeping({ log, content, damage }: OpenContent): boolean {
    if (damage !== undefined || !(content instanceof RoomDocument)) return false
    return this.#context.store.state.state === 'open' && isWorthKeeping(log.sinceSnapshot, content.stateBytes)
  }

  async #keepUp({ log, content, damage }: OpenContent): Promise<void> {
    if (damage !== undefined || !(content instanceof RoomDocument)) return
    this.#snapshotAtMs = Date.now()
    try {
      await keepUp(log, content, this.#context)
      this.#retryAtRecords = 0
    } catch (err) {
      // The records are all there: it is a load that takes longer, until the next snapshot. Not at every edit, though.
      this.#retryAtRecords = log.sinceSnapshot.records * RETRY_GROWTH
      this.#context.logger.warn(
        { workspace: this.#workspace, err },
        'a snapshot could not be taken, or records not be packed',
      )
      this.#isUsed = true
    }
  }

  #end(open: OpenContent | undefined, refusal: ServerError | undefined, after?: () => Promise<void>): Promise<void> {
    const closed = this.#release(open, this.#loading, after)
    // Whoever asked for more than the log to be given back hears when that fails; the others only wait.
    this.#state = { state: 'closing', closed: closed.catch(() => undefined), refusal }
    this.#settle()
    if (refusal !== undefined) this.#owner.failed(refusal)
    return closed
  }

  async #release(
    open: OpenContent | undefined,
    loading: Promise<void> | undefined,
    after: (() => Promise<void>) | undefined,
  ): Promise<void> {
    try {
      await loading
      if (open !== undefined) {
        await this.#leaveSnapshot(open)
        release(open)
        if (open.content instanceof RoomDocument) {
          this.#context.clientIds.keep(open.log.generation, open.content.clientIds)
        }
        await open.log.close()
      }
    } catch (err) {
      this.#context.logger.error({ workspace: this.#workspace, err }, 'closing the log failed')
    }
    try {
      await after?.()
    } finally {
      this.#owner.closed()
    }
  }

  async #leaveSnapshot(open: OpenContent): Promise<void> {
    const { store, isInHurry } = this.#context
    if (this.#keepingUp !== undefined) await whileStorageWorks(store, this.#keepingUp)
    if (this.#isWorthKeeping(open) && !isInHurry()) await whileStorageWorks(store, this.#keepUp(open))
  }

  #settle(): void {
    this.#whenSettled?.resolve()
    this.#whenSettled = undefined
  }

  #sayDamaged(damage: LogError): void {
    this.#context.counters.quarantined++
    this.#context.logger.error(
      { workspace: this.#workspace, err: damage },
      'the workspace is damaged: it is served for reading only',
    )
  }
}

function release({ content }: OpenContent): void {
  if (content instanceof ColdDocument) content.letGo()
  else content.destroy()
}
