import { isSnapshotDue, LogError, type SnapshotPolicy, type WorkspaceLog, whileStorageWorks } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { ServerLimits } from '../limits.ts'
import { isMemoryFull, moved, refusalOf, ServerError } from '../server-error.ts'
import { ColdDocument } from './cold-document.ts'
import type { LoadTurns } from './load-turns.ts'
import { claimOf, type Hold, type Ownership, sinceOf } from './ownership.ts'
import { RoomDocument } from './room-document.ts'
import { type Content, type Loaded, type LoaderContext, loadRoom, warmUp } from './room-loader.ts'
import { isWorthKeeping, keepUp, type UpkeepOptions } from './room-upkeep.ts'
import type { Upkeep } from './upkeep.ts'

/** After a failed snapshot: the factor by which the records since the last snapshot must grow before the next try. */
const RETRY_GROWTH = 1.25

export interface RoomContentContext extends LoaderContext, UpkeepOptions {
  readonly limits: ServerLimits
  readonly ownership: Ownership
  readonly snapshots: SnapshotPolicy
  readonly upkeep: Upkeep
}

/** The room that owns a content. The content calls it when its state changes. */
export interface ContentOwner {
  /**
   * The content can be served now: after the first load, after a rebuild, and after a change between bytes and
   * document.
   */
  contentLoaded(loaded: Loaded): void
  /** The content can't be served: the room must refuse its members. The content closes by itself. */
  contentFailed(refusal: ServerError): void
  /** The log is closed, and the hold on the workspace is released. */
  contentClosed(): void
}

type ContentState =
  | { readonly state: 'loading' }
  | { readonly state: 'loaded'; readonly loaded: Loaded }
  | { readonly state: 'closing'; readonly closed: Promise<void>; readonly refusal: ServerError | undefined }

/**
 * The stored side of a room, from the claim of its workspace to the release. It serves bytes as long as nobody writes.
 * For the first write it builds a document, and after a while without writes it drops the document again.
 */
export class RoomContent {
  readonly #workspace: WorkspaceId
  readonly #context: RoomContentContext
  /** The turns in which long answers are made. */
  readonly turns: LoadTurns
  readonly #owner: ContentOwner
  #state: ContentState = { state: 'loading' }
  #hold: Hold | undefined
  /** Listens to the loss of the hold; undefined for a hold that can't be lost, so that most rooms keep no closure. */
  #holdOnLost: (() => void) | undefined
  /** Time until which a member may send edits of others that an earlier owner has lost, ms of `performance.now()`. */
  #relaysUntilMs = 0
  /** True when another process holds the workspace. */
  #isLost = false
  #whenSettled: PromiseWithResolvers<void> | undefined
  /** Pending while the log is being read; never rejects. */
  #loading: Promise<void> | undefined
  #warming: Promise<void> | undefined
  #keepingUp: Promise<void> | undefined
  /** Time of the last sweep that found the document in use, ms of `performance.now()`. */
  #usedAtMs = 0
  #isUsed = false
  #snapshotAtMs = 0
  /** Records since the last snapshot from which on a failed snapshot is tried again; 0 when none failed. */
  #retryAtRecords = 0

  constructor(workspace: WorkspaceId, context: RoomContentContext, owner: ContentOwner) {
    this.#workspace = workspace
    this.#context = context
    this.turns = context.loadTurns
    this.#owner = owner
    this.#loading = this.#load(undefined)
  }

  get isLost(): boolean {
    return this.#isLost
  }

  get relaysUntilMs(): number {
    return this.#relaysUntilMs
  }

  /** The log and content that the room serves now; undefined while they are being read or closed. */
  get loaded(): Loaded | undefined {
    return this.#state.state === 'loaded' ? this.#state.loaded : undefined
  }

  /** Resolves when the log is closed and the hold released; undefined before {@link close}. */
  get closing(): Promise<void> | undefined {
    return this.#state.state === 'closing' ? this.#state.closed : undefined
  }

  /** Waits until the content can be served. Rejects with the reason when loading fails or the content closes. */
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
   * Builds a document from `cold`, if the room still serves `cold`. Resolves when the content has changed, also when it
   * has failed. Rejects with the storage error while storage fails: the content is then unchanged.
   */
  warm(cold: ColdDocument): Promise<void> {
    this.#warming ??= this.#warm(cold).finally(() => {
      this.#warming = undefined
    })
    return this.#warming
  }

  /** Notes that the document is needed now, so that it stays for a while. */
  use(): void {
    this.#isUsed = true
  }

  /** Builds the document again from the log, after an update or a program has spoilt it. */
  rebuild(cause: Error): void {
    const { loaded } = this
    if (loaded === undefined) return
    this.#context.logger.warn(
      { workspace: this.#workspace, err: cause },
      'an update or a program spoilt the document: rebuilding it from the log',
    )
    this.#context.counters.rebuilds++
    this.#state = { state: 'loading' }
    release(loaded)
    this.#loading = this.#load(loaded)
  }

  /**
   * Handles a failed read of `content`. Normally the content closes, and the next join loads it anew and hears the
   * reason. While storage fails the content stays, for the members that need nothing from the disk.
   *
   * @returns false when the content stays
   */
  fail(content: Content, error: unknown): boolean {
    if (isMemoryFull(error)) return false
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

  /**
   * Takes a due snapshot, drops an unused document, and notices a lost log. Called about once a second. `mayCool`
   * returns false while somebody needs the document to stay.
   */
  sweep(nowMs: number, mayCool: () => boolean): void {
    const coolAfterMs = this.#context.memory.coolAfterMs(this.#context.limits.coolAfterMs)
    if (this.#isUsed) this.#usedAtMs = nowMs
    this.#isUsed = false
    const { loaded } = this
    if (loaded === undefined) return
    const { state } = loaded.log.state
    if (state === 'fenced') return this.abandon()
    if (loaded.content instanceof ColdDocument) return
    loaded.content.sweep()
    // While storage fails, a dropped document could not be read again.
    if (state !== 'open') return
    this.#keepUpIfDue(loaded, nowMs)
    if (nowMs - this.#usedAtMs >= coolAfterMs && mayCool()) this.#cool(loaded, loaded.content)
  }

  /** Notes that a record was logged, and takes a snapshot if one is due. */
  grown(): void {
    this.#isUsed = true
    const { loaded } = this
    if (loaded !== undefined) this.#keepUpIfDue(loaded, performance.now())
  }

  /** Takes a snapshot, packs the records it covers, and drops old history if so configured. Never rejects. */
  async maintain(): Promise<void> {
    const { loaded } = this
    if (loaded === undefined || this.#keepingUp !== undefined) return
    this.#keepingUp = this.#keepUp(loaded)
    await this.#keepingUp
    this.#keepingUp = undefined
  }

  /**
   * Closes the log, frees the document, runs `after`, then releases the hold. Rejects only with the error of `after`.
   */
  close(refusal?: ServerError, after?: () => Promise<void>): Promise<void> {
    if (this.#state.state === 'closing') return this.#state.closed
    return this.#end(this.loaded, refusal, after)
  }

  /**
   * Stops everything because another process holds the workspace now. The room writes no record, takes no snapshot and
   * sends no acknowledgement any more. Its own client ids are forgotten, since edits written under them may be lost.
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
      const loaded = await loadRoom(this.#workspace, before?.log ?? (await this.#claim()), this.#context)
      // A takeover may have taken a while: the clients of the owner before come from now on.
      if (before === undefined) this.#relaysUntilMs = sinceOf(this.#hold) + this.#context.limits.relayWaitMs
      this.#loading = undefined
      // A close that was called during the load waits for this line.
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

  async #claim(): Promise<WorkspaceLog | undefined> {
    const claim = await claimOf(this.#workspace, this.#context)
    if ('copy' in claim) return claim.copy
    const { held } = claim
    this.#hold = held
    if (held.lost?.aborted) this.#isLost = true
    if (this.#isLost) throw moved()
    if (held.lost === undefined) return undefined
    this.#holdOnLost = () => this.abandon()
    held.lost.addEventListener('abort', this.#holdOnLost)
    return undefined
  }

  #serve(loaded: Loaded): void {
    this.#state = { state: 'loaded', loaded }
    if (loaded.content instanceof RoomDocument) this.#usedAtMs = this.#snapshotAtMs = performance.now()
    this.#settle()
    this.#owner.contentLoaded(loaded)
  }

  async #warm(cold: ColdDocument): Promise<void> {
    const { loaded } = this
    if (loaded?.content !== cold) return
    try {
      const document = await warmUp(loaded.log, cold, this.#context)
      if (this.loaded !== loaded) return document.destroy()
      cold.discard()
      this.#serve({ ...loaded, content: document })
    } catch (error) {
      // The room goes on with the bytes: those who only read need no more.
      if (isMemoryFull(error) || !this.fail(cold, error)) throw error
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
    this.#snapshotAtMs = performance.now()
    try {
      await keepUp(log, content, this.#context)
      this.#retryAtRecords = 0
    } catch (err) {
      // No record is lost: without the snapshot only the next load takes longer. But a try at every edit would cost too
      // much.
      this.#retryAtRecords = log.sinceSnapshot.records * RETRY_GROWTH
      this.#context.logger.warn(
        { workspace: this.#workspace, err },
        'taking a snapshot or packing records failed: all records are kept, and it is tried again later',
      )
      this.#isUsed = true
    }
  }

  #end(loaded: Loaded | undefined, refusal: ServerError | undefined, after?: () => Promise<void>): Promise<void> {
    const closed = this.#release(loaded, this.#loading, after)
    // Only the caller that gave `after` hears that it failed; every other caller just waits for the end.
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

  /**
   * Ends without a snapshot when storage fails or the log is fenced: waiting for that must not keep the room from
   * closing.
   */
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
    if (this.#holdOnLost !== undefined) hold.lost?.removeEventListener('abort', this.#holdOnLost)
    try {
      await hold.release()
    } catch (err) {
      this.#context.logger.error({ workspace: this.#workspace, err }, 'releasing the hold on the workspace failed')
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
  if (content instanceof ColdDocument) content.discard()
  else content.destroy()
}
