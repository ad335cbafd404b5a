import { LogError, type LogState, type WorkspaceLog } from '@joinery/log'
import type { Frame, JoineryMessage, WorkspaceId } from '@joinery/protocol'
import { ColdDocument } from '../content/cold-document.ts'
import { isEmptyUpdate } from '../content/empty-update.ts'
import { type ContentOwner, RoomContent, type RoomContentContext } from '../content/room-content.ts'
import type { RoomDocument } from '../content/room-document.ts'
import type { Loaded } from '../content/room-loader.ts'
import { beingLoaded, isMemoryFull, moved, quarantined, ServerError } from '../server-error.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import { askForOwnEdits, noteAnnouncement, noteLeaving, noteNamedId, settleOwnId } from './announcing.ts'
import type { Backlog } from './backlog.ts'
import { type CostsContext, payForBuilding, payForVisit } from './building-costs.ts'
import { type EarlyReaders, withEarly } from './early-readers.ts'
import { greet, tellStorage } from './greeting.ts'
import { HeavyUpdates, type HeavyUpdatesContext } from './heavy-updates.ts'
import type { KeyedUpdates } from './keyed-updates.ts'
import { isLagging, type Member, type MemberRoom } from './member.ts'
import { mayCreate, type QuotaContext } from './quota-check.ts'
import type { RecordListeners } from './record-listeners.ts'
import { answerSyncStep1 } from './room-answers.ts'
import type { RoomFollower } from './room-follower.ts'
import { RoomFollowers } from './room-followers.ts'
import { RoomNews } from './room-news.ts'
import { makeVisit, type RoomVisit } from './room-visit.ts'
import { WritePath } from './write-path.ts'

export interface RoomContext extends RoomContentContext, HeavyUpdatesContext, QuotaContext, CostsContext {
  readonly acknowledgements: Acknowledgements
  readonly backlog: Backlog
  readonly keyed: KeyedUpdates
  readonly listeners: RecordListeners
  /** Asks for one flush of `room` at the end of this tick. */
  schedule(room: Room): void
  /** Called when `room` has closed: the next join of its workspace makes a new room. */
  closed(room: Room): void
}

/**
 * The live side of one workspace: its only writer. A room loads once, and every member that joins meanwhile waits for that load. At
 * the end of a tick the room applies, logs and forwards the tick's updates. Parts that few rooms need are made when needed.
 */
export class Room implements ContentOwner, MemberRoom {
  readonly workspace: WorkspaceId
  /** True while the room is on the list of rooms to flush. The scheduler of flushes sets it. */
  isScheduled = false
  readonly #context: RoomContext
  readonly #content: RoomContent
  readonly #members = new Set<Member>()
  /** Members that wait for the room to load or to be created: their wires are paused. */
  #waiting: Set<Member> | undefined
  #news: RoomNews | undefined
  #writes: WritePath | undefined
  #heavy: HeavyUpdates | undefined
  /** True while updates to a cold room wait for the stored state: it tells whether they bring anything new. */
  #isSettling = false
  #early: EarlyReaders | undefined
  /** Number of programs inside the server that use the room now. While there is one, the room is not idle. */
  #guests = 0
  #followers: RoomFollowers | undefined
  /** Time when the last member left, ms of `performance.now()`; undefined while there is a member. */
  #emptySinceMs: number | undefined = performance.now()

  constructor(workspace: WorkspaceId, context: RoomContext) {
    this.workspace = workspace
    this.#context = context
    this.#content = new RoomContent(workspace, context, this)
  }

  get memberCount(): number {
    return this.#members.size + (this.#waiting?.size ?? 0)
  }

  /** Resolves when the room has closed its log; undefined while the room takes joins. */
  get closing(): Promise<void> | undefined {
    return this.#content.closing
  }

  /** The log and content that the room serves now; undefined while they are being read or closed. */
  get loaded(): Loaded | undefined {
    return this.#content.loaded
  }

  join(member: Member): void {
    this.#emptySinceMs = undefined
    noteNamedId(member, this, this.#context.announced)
    this.loaded === undefined ? this.#wait(member) : this.#admit(member, this.loaded)
  }

  leave(member: Member, nowMs: number): void {
    this.#members.delete(member)
    this.#early?.delete(member)
    this.#waiting?.delete(member)
    noteLeaving(member, this.workspace, this.#context.announced)
    this.#news?.leave(member)
    this.#context.backlog.forget(member)
    if (this.#news?.hasPresence) this.#context.schedule(this)
    if (this.memberCount === 0) this.#emptySinceMs = nowMs
  }

  /**
   * Flushes the room, runs `use` on its document, and keeps the room open meanwhile. The principal `payer` pays if the document has to
   * be built. Rejects with `quarantined`, `workspace_deleted`, `moved` or `load_failed` when the room can't be loaded, and like `use`.
   */
  visit<T>(payer: string | undefined, use: (visit: RoomVisit) => T | Promise<T>): Promise<T> {
    return this.#asGuest(async () => {
      for (;;) {
        const loaded = await this.#content.whenLoaded()
        const { content } = loaded
        if (content instanceof ColdDocument) {
          await this.#content.warm(content)
          continue
        }
        this.#content.use()
        payForVisit(payer, this.workspace, content, this.#context.ledger)
        this.flush()
        if (this.#content.loaded === loaded) return await use(this.#visitOf(loaded, content))
      }
    })
  }

  /** Runs `use` on the room's log, which stays open meanwhile. Makes no document. Rejects like {@link visit}. */
  hold<T>(use: (log: WorkspaceLog) => T | Promise<T>): Promise<T> {
    return this.#asGuest(async () => await use((await this.#content.whenLoaded()).log))
  }

  /**
   * Tells `follower` of each record from now on, and keeps the room open. Resolves with unfollow when the room is loaded. Rejects
   * like {@link visit}, and with `quarantined` for a damaged workspace: nothing is ever appended to it.
   */
  follow(follower: RoomFollower): Promise<() => void> {
    return this.#asGuest(async () => {
      for (;;) {
        const loaded = await this.#content.whenLoaded()
        if (this.#content.loaded !== loaded) continue
        this.#followers ??= new RoomFollowers()
        const unfollow = this.#followers.add(follower, loaded, this.#writePath())
        return () => {
          unfollow()
          if (this.memberCount === 0) this.#emptySinceMs ??= performance.now()
        }
      }
    })
  }

  /** Takes one frame of a member. */
  receive(member: Member, frame: Frame): void {
    switch (frame.type) {
      case 'syncStep1':
        return answerSyncStep1(this.#content, member, frame.stateVector, () => this.#writes?.shown)
      case 'syncStep2':
      case 'update':
        this.#writePath().receive(member, frame.type, frame.update, frame.type === 'update' || this.#takesRecords())
        this.#context.backlog.hold(member)
        return this.#context.schedule(this)
      case 'awareness':
        return this.#receiveAwareness(member, frame.update)
      case 'queryAwareness':
        return this.#news?.tellEverybody(member)
      case 'joinery':
        this.#context.backlog.hold(member)
        return this.#receiveJoinery(member, frame.message)
      case 'unknown':
        return void this.#context.counters.unknownFrames++
      case 'auth':
        return member.refuse(new ServerError('bad_frame', 'the client sent an auth message: only servers may send one'))
    }
  }

  /** The updates that are tried before they are taken. */
  get heavy(): HeavyUpdates {
    this.#heavy ??= new HeavyUpdates(this, this.#context)
    return this.#heavy
  }

  /** Takes the updates of a member that waited for a trial, at the end of this tick. */
  takeAgain(member: Member): void {
    this.#writePath().takeAgain(member)
    this.#context.schedule(this)
  }

  /** Applies, logs and forwards this tick's updates. From `untilMs` on, those of further members wait for the next turn. */
  flush(untilMs = Number.POSITIVE_INFINITY): void {
    const { loaded } = this.#content
    if (loaded !== undefined && this.#writes?.hasWork) this.#flushWrites(loaded, this.#writes, untilMs)
    if (loaded !== undefined && this.#news?.hasPresence) this.#news.tellPresence()
  }

  /** Tells members that storage has failed, or that it works again. In the second case asks for the dropped updates. */
  storageChanged(): void {
    const { loaded } = this
    if (loaded !== undefined && loaded.damage === undefined) tellStorage(this.#members, loaded)
  }

  /** Closes an idle room, and frees unused content. Called about once a second. */
  sweep(nowMs: number): void {
    const { loaded } = this.#content
    this.#writes?.sweep(nowMs)
    const isFree = this.#guests === 0 && !this.#followers?.size && loaded?.log.state.state === 'open'
    const idleMs = this.#context.memory.isFull ? 0 : this.#context.limits.roomIdleMs
    const isIdle = this.#emptySinceMs !== undefined && nowMs - this.#emptySinceMs >= idleMs
    if (isFree && isIdle) return void this.close()
    const isUsed = () => this.#guests > 0 || this.#writes?.hasWork || [...this.#members].some(isLagging)
    this.#content.sweep(nowMs, () => !isUsed())
  }

  /**
   * Flushes everything, closes the log, frees the document, then runs `after`. Joins that come meanwhile wait for all of it. With a
   * `refusal`, members are refused by it. Rejects only with the error of `after`.
   */
  close(refusal?: ServerError, after?: () => Promise<void>): Promise<void> {
    do this.flush()
    while (this.#writes?.hasPostponed && this.loaded !== undefined)
    this.#followers?.end(refusal ?? new ServerError('restart', 'the server goes down for a restart: connect again'))
    return this.#content.close(refusal, after)
  }

  learnOwners(cold: ColdDocument): void {
    this.#content.warm(cold).catch((error: unknown) => this.#content.fail(cold, error))
  }

  keepOwner(member: Member, log: WorkspaceLog, document: RoomDocument): void {
    if (log.state.state === 'open') this.#writePath().recordOwner(member, { log, document, audience: this.#newsOf() })
  }

  contentLoaded(loaded: Loaded): void {
    if (loaded.damage !== undefined) this.#followers?.end(quarantined(loaded.damage.message))
    for (const member of this.#members) {
      settleOwnId(member, this, this.#context.announced)
      askForOwnEdits(member, this)
      member.resume()
    }
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    payForBuilding(waiting, loaded)
    for (const member of waiting) {
      member.resume()
      this.#admit(member, loaded)
    }
    if (this.#writes?.hasWork) this.#context.schedule(this)
  }

  contentFailed(refusal: ServerError): void {
    this.#followers?.end(refusal)
    for (const member of [...this.#members, ...(this.#waiting ?? [])]) member.refuse(refusal)
  }

  contentClosed(): void {
    this.#news?.close()
    this.#context.closed(this)
  }

  async #asGuest<T>(use: () => Promise<T>): Promise<T> {
    this.#guests++
    this.#emptySinceMs = undefined
    try {
      return await use()
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'fenced') throw error
      // A record beside an edit is another log's, which may be fenced alone.
      if (error.workspace !== undefined && error.workspace !== this.workspace) throw error
      this.#content.abandon()
      throw moved()
    } finally {
      this.#guests--
      if (this.memberCount === 0) this.#emptySinceMs ??= performance.now()
    }
  }

  #takesRecords(): boolean {
    // While the room is loading, updates wait, and a later flush decides.
    return (this.loaded?.log.state.state ?? 'open') === 'open'
  }

  #flushWrites({ log, content, damage }: Loaded, writes: WritePath, untilMs: number): void {
    if (damage !== undefined) return writes.rejectAll(quarantined(damage.message))
    const { state }: LogState = log.state
    if (state === 'fenced') return this.#content.abandon()
    if (state !== 'open') return writes.drop()
    if (content instanceof ColdDocument) {
      if (writes.settleRepeats(log, isEmptyUpdate)) void this.#settle(content, log, writes)
      return
    }
    const place = { log, document: content, audience: this.#newsOf() }
    const spoilt = writes.flush(place, this.#content.relaysUntilMs, untilMs)
    if (spoilt !== undefined) return this.#rebuild(spoilt)
    this.#content.grown()
    if (writes.hasWork) this.#context.schedule(this)
  }

  /** Handles updates to a cold room: acknowledges the stored ones, and builds the document when others are left. */
  async #settle(cold: ColdDocument, log: WorkspaceLog, writes: WritePath): Promise<void> {
    for (const member of writes.writers) member.pause()
    if (this.#isSettling) return
    this.#isSettling = true
    try {
      const stored = await cold.prepared()
      if (this.#content.loaded?.content !== cold) return
      if (writes.settleRepeats(log, (update) => stored.includes(update))) await this.#content.warm(cold)
      else for (const member of this.#members) member.resume()
      payForBuilding(writes.writers, this.loaded)
    } catch (error) {
      if (isMemoryFull(error)) writes.refuseAll(error)
      // While storage fails, the next flush drops the waiting updates; the room asks for them again later.
      else if (this.#content.fail(cold, error)) return
      for (const member of this.#members) member.resume()
      this.#context.schedule(this)
    } finally {
      this.#isSettling = false
    }
  }

  #rebuild(cause: Error): void {
    for (const member of this.#members) member.pause()
    this.#content.rebuild(cause)
  }

  #visitOf({ log, damage }: Loaded, document: RoomDocument): RoomVisit {
    return makeVisit({
      log,
      document,
      damage,
      isBehind: () => this.#context.backlog.isFull,
      memberCount: this.memberCount,
      relaysUntilMs: this.#content.relaysUntilMs,
      audience: () => this.#newsOf(),
      writes: () => this.#writePath(),
      grown: () => this.#content.grown(),
      failed: (error) => (log.state.state === 'open' ? this.#rebuild(error) : undefined),
      assertMine: () => {
        if (this.#content.isLost) throw moved()
      },
    })
  }

  #wait(member: Member): void {
    member.pause()
    this.#waiting = (this.#waiting ?? new Set()).add(member)
  }

  // A member that keeps a local copy waits until the workspace's generation would survive a crash. One that may only read makes no
  // workspace: it sees an empty one, and connects anew once the workspace exists.
  #admit(member: Member, loaded: Loaded): void {
    const { log } = loaded
    if (!member.wire.wantsJoinery || log.generation !== undefined || member.identity.access !== 'write') {
      this.#members.add(member)
      this.#early = withEarly(this.#early, member, log.generation)
      return greet(member, loaded, this.#news?.everybody() ?? [], this.#context)
    }
    if (!mayCreate(member, log, this.#context)) return
    this.#wait(member)
    log.create().then(
      () => {
        if (!this.#waiting?.delete(member)) return
        member.resume()
        this.join(member)
      },
      (error: unknown) => {
        if (!this.#content.fail(loaded.content, error)) member.refuse(beingLoaded())
      },
    )
  }

  #receiveJoinery(member: Member, message: JoineryMessage | undefined): void {
    if (member.wire.wantsJoinery) {
      if (message?.type === 'watch') return this.#newsOf().watch(member)
      if (message?.type === 'keyed') return this.#context.keyed.receive(this, member, message)
      if (message?.type === 'conflict' && member.identity.access === 'write') {
        return this.#newsOf().reportConflict(message, member)
      }
    }
    member.refuse(new ServerError('bad_frame', `a client may not send a message of type ${message?.type ?? 'unknown'}`))
  }

  #receiveAwareness(member: Member, update: Uint8Array): void {
    const news = this.#newsOf()
    const states = news.receiveAwareness(update, member)
    if (states !== undefined) noteAnnouncement(member, states, this, this.#context.announced)
    if (news.hasPresence) this.#context.schedule(this)
  }

  #writePath(): WritePath {
    this.#writes ??= new WritePath(this.workspace, this.#context, (member) => this.heavy.add(member))
    return this.#writes
  }

  #newsOf(): RoomNews {
    this.#news ??= new RoomNews({
      members: this.#members,
      content: this.#content,
      context: this.#context,
      beforeEdits: () => this.#early?.callAgain(),
      writes: () => this.#writePath(),
      shown: () => this.#writes?.shown,
      unshown: () => this.#writes?.unshown ?? [],
    })
    return this.#news
  }
}
