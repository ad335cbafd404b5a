import { isSnapshotDue, LogError, type SnapshotPolicy, whileStorageWorks } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { ServerLimits } from '../limits.ts'
import { moved, refusalOf, ServerError } from '../server-error.ts'
import { ColdDocument } from './cold-document.ts'
import type { Hold, Ownership } from './ownership.ts'
import { RoomDocument } from './room-document.ts'
import { type Content, type Loaded, type LoaderContext, loadRoom, warmUp } from './room-loader.ts'
import { isWorthKeeping, keepUp, type UpkeepOptions } from './room-upkeep.ts'
import type { Upkeep } from './upkeep.ts'

/** How much more there must be to tell before a snapshot that failed is tried again. */
const RETRY_GROWTH = 1.25

export interface RoomContentContext extends LoaderContext, UpkeepOptions {
  readonly limits: ServerLimits
  readonly ownership: Ownership
  readonly snapshots: SnapshotPolicy
  readonly upkeep: Upkeep
}

/** The room that a content belongs to. */
export interface ContentOwner {
  /** The content can be served: after the first load, after a rebuild, and when it has become a document or bytes. */
  contentLoaded(loaded: Loaded): void
  /** The content can't be served: the room refuses its members. The content closes by itself. */
  contentFailed(refusal: ServerError): void
  /** The log and the workspace are given back. */
  contentClosed(): void
}

type ContentState =
  | { readonly state: 'loading' }
  | { readonly state: 'loaded'; readonly loaded: Loaded }
  | { readonly state: 'closing'; readonly closed: Promise<void>; readonly refusal: ServerError | undefined }

/**
 * The stored side of a room, from the claim of its workspace to its release. It serves bytes as long as nobody writes,
 * makes a document for the first write, and drops that again after a while without writes.
 */
export class RoomContent {
  readonly #workspace: WorkspaceId
  readonly #context: RoomContentContext
  readonly #owner: ContentOwner
  #state: ContentState = { state: 'loading' }
  #hold: Hold | undefined
  /** Until when members may bring what others wrote and an earlier owner has lost, ms since epoch. */
  #relaysUntilMs = 0
  /** The workspace is lost to another process. */
  #isLost = false
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

  get isLost(): boolean {
    return this.#isLost
  }

  get relaysUntilMs(): number {
    return this.#relaysUntilMs
  }

  /** What the room serves now; undefined while it is being read or given back. */
  get loaded(): Loaded | undefined {
    return this.#state.state === 'loaded' ? this.#state.loaded : undefined
  }

  /** Resolves when the log is given back; undefined before {@link close}. */
  get closing(): Promise<void> | undefined {
    return this.#state.state === 'closing' ? this.#state.closed : undefined
  }

  /** Rejects with the reason when the workspace can't be loaded, or is being given back. */
  async whenLoaded(): Promise<Loaded> {
    for (;;) {
      if (this.#state.state === 'loaded') return this.#state.loaded
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
    const { loaded } = this
    if (loaded === undefined) return
    this.#context.logger.warn(
      { workspace: this.#workspace, err: cause },
      'an update spoilt the document: rebuilding it from the log',
    )
    this.#context.counters.rebuilds++
    this.#state = { state: 'loading' }
    release(loaded)
    this.#loading = this.#load(loaded)
  }

  /**
   * Reading `content` has failed: whoever comes next loads it anew, and is told what is wrong. While storage fails it
   * stays, for those who are here and need nothing read; false then.
   */
  fail(content: Content, error: unknown): boolean {
    const { loaded } = this
    if (loaded?.content !== content) return true
    const { state } = loaded.log.state
    if (state === 'failed') return false
    if (state === 'fenced') {
      this.abandon()
      return true
    }
    this.#context.logger.error({ workspace: this.#workspace, err: error }, 'reading the workspace failed')
    void this.#end(
      loaded,
      new ServerError('load_failed', 'the workspace could not be read: connect again to load it anew'),
    )
    return true
  }

  readonly #holdOnLost = (): void => this.abandon()

  /** Called about once a second. `mayCool` is false while somebody needs the document to stay. */
  sweep(nowMs: number, mayCool: () => boolean): void {
    if (this.#isUsed) this.#usedAtMs = nowMs
    this.#isUsed = false
    const { loaded } = this
    if (loaded === undefined) return
    const { state } = loaded.log.state
    if (state === 'fenced') return this.abandon()
    if (loaded.content instanceof ColdDocument) return
    loaded.content.sweep()
    // A document that is dropped now could not be read again.
    if (state !== 'open') return
    this.#keepUpIfDue(loaded, nowMs)
    if (nowMs - this.#usedAtMs >= this.#context.limits.coolAfterMs && mayCool()) this.#cool(loaded, loaded.content)
  }

  /** Something was logged: a snapshot may be due. */
  grown(): void {
    this.#isUsed = true
    const { loaded } = this
    if (loaded !== undefined) this.#keepUpIfDue(loaded, Date.now())
  }

  /** Takes a snapshot, and does what follows from it. Never rejects. */
  async maintain(): Promise<void> {
    const { loaded } = this
    if (loaded === undefined || this.#keepingUp !== undefined) return
    this.#keepingUp = this.#keepUp(loaded)
    await this.#keepingUp
    this.#keepingUp = undefined
  }

  /** Gives the log back and frees the document, then runs `after`. Rejects only with what `after` throws. */
  close(refusal?: ServerError, after?: () => Promise<void>): Promise<void> {
    if (this.#state.state === 'closing') return this.#state.closed
    return this.#end(this.loaded, refusal, after)
  }

  /**
   * Another process holds the workspace now. The room writes nothing more: no record, no snapshot, no acknowledgement; its
   * own client ids are forgotten, since what was written under them may be lost.
   */
  abandon(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#context.counters.abandons++
    this.#context.logger.warn({ workspace: this.#workspace }, 'the workspace is lost to another process')
    if (this.#state.state !== 'closing') void this.#end(this.loaded, moved())
  }

  async #load(before: Loaded | undefined): Promise<void> {
    try {
      if (this.#hold === undefined) await this.#claim()
      const loaded = await loadRoom(this.#workspace, before?.log, this.#context)
      this.#loading = undefined
      // The close that came meanwhile waits for this.
      if (this.#state.state === 'closing') return await loaded.log.close()
      if (loaded.damage !== undefined) this.#sayDamaged(loaded.damage)
      this.#serve(loaded)
    } catch (error) {
      this.#loading = undefined
      if (this.#state.state === 'closing') return
      const level = error instanceof LogError && error.code === 'deleted' ? 'info' : 'error'
      this.#context.logger[level]({ workspace: this.#workspace, err: error }, 'loading the workspace failed')
      void this.#end(undefined, refusalOf(error))
    }
  }

  async #claim(): Promise<void> {
    const claim = await this.#context.ownership.claim(this.#workspace)
    if ('at' in claim) throw moved()
    const { held } = claim
    this.#hold = held
    this.#relaysUntilMs = (held.sinceMs ?? Date.now()) + this.#context.limits.relayWaitMs
    if (held.lost?.aborted) this.#isLost = true
    if (this.#isLost) throw moved()
    held.lost?.addEventListener('abort', this.#holdOnLost)
  }

  #serve(loaded: Loaded): void {
    this.#state = { state: 'loaded', loaded }
    if (loaded.content instanceof RoomDocument) this.#usedAtMs = this.#snapshotAtMs = Date.now()
    this.#settle()
    this.#owner.contentLoaded(loaded)
  }

  async #warm(cold: ColdDocument): Promise<void> {
    const { loaded } = this
    if (loaded?.content !== cold) return
    try {
      const document = await warmUp(loaded.log, cold, this.#context)
      if (this.loaded !== loaded) return document.destroy()
      cold.letGo()
      this.#serve({ ...loaded, content: document })
    } catch (error) {
      if (!this.fail(cold, error)) throw error
    }
  }

  #cool(loaded: Loaded, document: RoomDocument): void {
    if (this.#keepingUp !== undefined) return
    if (this.#isWorthKeeping(loaded)) return this.#context.upkeep.add(this)
    const cold = new ColdDocument(loaded.log, this.#context.cache, document.stateVector())
    this.#context.clientIds.keep(loaded.log.generation, document.clientIds)
    document.destroy()
    this.#context.counters.coolings++
    this.#serve({ ...loaded, content: cold })
  }

  #keepUpIfDue({ log, content, damage }: Loaded, nowMs: number): void {
    if (damage !== undefined || this.#keepingUp !== undefined || !(content instanceof RoomDocument)) return
    const { records, bytes } = log.sinceSnapshot
    if (records === 0 || records < this.#retryAtRecords) return
    const ms = nowMs - this.#snapshotAtMs
    const recordsPerSecond = (records * 1_000) / Math.max(ms, 1_000)
    const sinceSnapshot = { records, bytes, ms, stateBytes: content.stateBytes, recordsPerSecond }
    if (isSnapshotDue(sinceSnapshot, this.#context.snapshots)) this.#context.upkeep.add(this)
  }

  #isWorthKeeping({ log, content, damage }: Loaded): boolean {
    if (damage !== undefined || !(content instanceof RoomDocument)) return false
    return log.state.state === 'open' && isWorthKeeping(log.sinceSnapshot, content.stateBytes)
  }

  async #keepUp({ log, content, damage }: Loaded): Promise<void> {
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

  #end(loaded: Loaded | undefined, refusal: ServerError | undefined, after?: () => Promise<void>): Promise<void> {
    const closed = this.#release(loaded, this.#loading, after)
    // Whoever asked for more than the log to be given back hears when that fails; the others only wait.
    this.#state = { state: 'closing', closed: closed.catch(() => undefined), refusal }
    this.#settle()
    if (refusal !== undefined) this.#owner.contentFailed(refusal)
    return closed
  }

  async #release(
    loaded: Loaded | undefined,
    loading: Promise<void> | undefined,
    after: (() => Promise<void>) | undefined,
  ): Promise<void> {
    try {
      await loading
      if (loaded !== undefined) await this.#closeLog(loaded)
    } catch (err) {
      this.#context.logger.error({ workspace: this.#workspace, err }, 'closing the log failed')
    }
    try {
      await after?.()
    } finally {
      await this.#giveBack()
      this.#owner.contentClosed()
    }
  }

  async #closeLog(loaded: Loaded): Promise<void> {
    const { clientIds } = this.#context
    if (!this.#isLost) await this.#leaveSnapshot(loaded)
    release(loaded)
    const { generation } = loaded.log
    if (this.#isLost) clientIds.forget(generation)
    else if (loaded.content instanceof RoomDocument) clientIds.keep(generation, loaded.content.clientIds)
    await loaded.log.close()
  }

  /** Ends without a snapshot when storage fails or the log is fenced: waiting for that must not keep the room from closing. */
  async #leaveSnapshot(loaded: Loaded): Promise<void> {
    const { log } = loaded
    if (log.state.state !== 'open') return
    const leave = async (signal: AbortSignal): Promise<void> => {
      await this.#keepingUp
      const isWanted = !signal.aborted && !this.#context.isInHurry()
      if (isWanted && this.#isWorthKeeping(loaded)) await this.#keepUp(loaded)
    }
    try {
      await whileStorageWorks(log, undefined, leave)
    } catch (error) {
      if (!(error instanceof LogError)) throw error
    }
  }

  async #giveBack(): Promise<void> {
    const hold = this.#hold
    if (hold === undefined) return
    hold.lost?.removeEventListener('abort', this.#holdOnLost)
    try {
      await hold.release()
    } catch (err) {
      this.#context.logger.error({ workspace: this.#workspace, err }, 'giving the workspace back failed')
    }
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

function release({ content }: Loaded): void {
  if (content instanceof ColdDocument) content.letGo()
  else content.destroy()
}
