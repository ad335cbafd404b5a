import type { WorkspaceLog } from '@joinery/log'
import type { Frame, JoineryMessage, WorkspaceId } from '@joinery/protocol'
import { ColdDocument } from '../content/cold-document.ts'
import { isEmptyUpdate } from '../content/empty-update.ts'
import { type ContentOwner, type OpenContent, RoomContent, type RoomContentContext } from '../content/room-content.ts'
import type { RoomDocument } from '../content/room-document.ts'
import { beingLoaded, quarantined, ServerError } from '../server-error.ts'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Backlog } from './backlog.ts'
import type { Connection } from './connection.ts'
import { type Audience, sendToAll } from './fan-out.ts'
import { greet, writableOf } from './greeting.ts'
import type { KeyedUpdates } from './keyed-updates.ts'
import { type OpenRoom, openRoom } from './open-room.ts'
import { Presence } from './presence.ts'
import { ProvenanceFeed } from './provenance-feed.ts'
import { answerSyncStep1, catchUp, withStamps } from './room-answers.ts'
import type { RoomFollower } from './room-follower.ts'
import { WritePath } from './write-path.ts'

/** What every room of a server shares. */
export interface RoomContext extends RoomContentContext {
  readonly acknowledgements: Acknowledgements
  readonly backlog: Backlog
  readonly keyed: KeyedUpdates
  readonly relaysUntilMs: number
  /** Asks for one flush of `room` at the end of this tick. */
  schedule(room: Room): void
  /** The room is gone: the next join of its workspace makes a new one. */
  closed(room: Room): void
}

/**
 * The live side of one workspace: its only writer. It loads once, and whoever joins waits for that load. What a tick
 * brings is applied, logged and forwarded at the tick's end. What few rooms need is made when it is needed: most rooms
 * are one idle connection.
 */
export class Room implements ContentOwner {
  readonly workspace: WorkspaceId
  /** Set by whoever schedules flushes: this room is on the list. */
  isScheduled = false
  readonly #context: RoomContext
  readonly #content: RoomContent
  readonly #connections = new Set<Connection>()
  /** Joined, not let in yet: their sockets rest. */
  #waiting: Set<Connection> | undefined
  #presence: Presence | undefined
  #writes: WritePath | undefined
  #provenance: ProvenanceFeed | undefined
  #audience: Audience | undefined
  /** Updates wait until what is stored has been looked at. */
  #isSettling = false
  /** Programs inside the server that use the room now: it is not idle. */
  #guests = 0
  /** Programs that hear of its records: it is not idle, and may be cold. */
  #followers: Set<RoomFollower> | undefined
  /** When the last connection left, ms; undefined while somebody is here. */
  #emptySinceMs: number | undefined = Date.now()

  constructor(workspace: WorkspaceId, context: RoomContext) {
    this.workspace = workspace
    this.#context = context
    this.#content = new RoomContent(workspace, context, this)
  }

  get connectionCount(): number {
    return this.#connections.size + (this.#waiting?.size ?? 0)
  }

  /** Resolves when the room has given its log back; undefined while it takes joins. */
  get closing(): Promise<void> | undefined {
    return this.#content.closing
  }

  /** Undefined while it is loaded or closed. */
  get open(): OpenContent | undefined {
    return this.#content.open
  }

  join(connection: Connection): void {
    this.#emptySinceMs = undefined
    const { open } = this.#content
    if (open !== undefined) this.#admit(connection, open)
    else this.#wait(connection)
  }

  leave(connection: Connection, nowMs: number): void {
    this.#connections.delete(connection)
    this.#waiting?.delete(connection)
    this.#presence?.release(connection)
    this.#provenance?.leave(connection)
    if (this.#presence?.hasNews) this.#context.schedule(this)
    if (this.connectionCount === 0) this.#emptySinceMs = nowMs
  }

  /**
   * Runs `use` on the room's document, flushed, and keeps the room open meanwhile. Rejects with `quarantined`,
   * `workspace_deleted` or `load_failed` when it can't be loaded, and with what `use` throws.
   */
  visit<T>(use: (room: OpenRoom) => T | Promise<T>): Promise<T> {
    return this.#asGuest(async () => {
      for (;;) {
        const open = await this.#content.whenOpen()
        const { content } = open
        if (content instanceof ColdDocument) {
          await this.#content.warm(content)
          continue
        }
        this.#content.use()
        this.flush()
        if (this.#content.open === open) return await use(this.#openRoom(open, content))
      }
    })
  }

  /** Runs `use` on the room's log, which stays open meanwhile; rejects like {@link visit}. No document is made for it. */
  hold<T>(use: (log: WorkspaceLog) => T | Promise<T>): Promise<T> {
    return this.#asGuest(async () => {
      const { log } = await this.#content.whenOpen()
      return await use(log)
    })
  }

  /**
   * Tells `follower` of each record from here on, and keeps the room open. Resolves, with unfollow, when the room is open;
   * rejects like {@link visit}, and with `quarantined` for a damaged workspace, to which nothing is ever appended.
   */
  follow(follower: RoomFollower): Promise<() => void> {
    return this.#asGuest(async () => {
      for (;;) {
        const open = await this.#content.whenOpen()
        if (this.#content.open === open) return this.#follow(follower, open)
      }
    })
  }

  /** Takes one frame of a connection that has joined. */
  receive(connection: Connection, frame: Frame): void {
    switch (frame.type) {
      case 'syncStep1':
        return answerSyncStep1(this.#content, connection, frame.stateVector, this.#writes?.shown)
      case 'syncStep2':
      case 'update':
        this.#writePath().receive(connection, frame.type, frame.update)
        this.#context.backlog.hold(connection)
        return this.#context.schedule(this)
      case 'awareness':
        return this.#receiveAwareness(connection, frame.update)
      case 'queryAwareness': {
        // A byte asks for everybody's state: who does not read the answers gets no more of them.
        const everybody = connection.isFull ? undefined : this.#presence?.everybody()
        if (everybody !== undefined) connection.send(everybody)
        return
      }
      case 'joinery':
        this.#context.backlog.hold(connection)
        return this.#receiveJoinery(connection, frame.message)
      case 'auth':
        return connection.refuse(new ServerError('bad_frame', 'a client does not send auth messages'))
    }
  }

  /** Ends the tick: applies, logs and forwards what it brought. */
  flush(): void {
    const { open } = this.#content
    if (open === undefined) return
    if (this.#writes?.hasWork) this.#flushWrites(open, this.#writes)
    if (this.#presence?.hasNews) sendToAll(this.#presence.takeNews(), this.#audienceOf())
  }

  /** Storage has failed, or works again: says so, and then asks everybody for what was dropped meanwhile. */
  storageChanged(): void {
    const { open } = this.#content
    if (open === undefined || open.damage !== undefined) return
    const message = writableOf(this.#context.store.state)
    const step1 = open.content.syncStep1()
    for (const connection of this.#connections) {
      connection.tell(message)
      if (!message.isWritable || !connection.hasDropped) continue
      connection.awaitsSyncStep2 = true
      connection.send(step1)
    }
  }

  /** Called about once a second: gives back what nobody has used for a while. */
  sweep(nowMs: number): void {
    const { limits, store } = this.#context
    const isFree = this.#guests === 0 && this.#followers === undefined && store.state.state === 'open'
    const isIdle = this.#emptySinceMs !== undefined && nowMs - this.#emptySinceMs >= limits.roomIdleMs
    if (isFree && isIdle && this.#content.open !== undefined) return void this.close()
    this.#content.sweep(nowMs, () => this.#guests === 0 && !this.#writes?.hasWork && !this.#hasLaggards())
  }

  /**
   * Flushes, gives the log back and frees the document, then runs `after`. Joins that come meanwhile wait for all that.
   * With a `refusal`, connections are turned away by it. Rejects only with what `after` throws.
   */
  close(refusal?: ServerError, after?: () => Promise<void>): Promise<void> {
    this.flush()
    this.#endFollowers(refusal ?? new ServerError('restart', 'the server goes down for a restart'))
    return this.#content.close(refusal, after)
  }

  opened(open: OpenContent): void {
    if (open.damage !== undefined) this.#endFollowers(quarantined(open.damage.message))
    for (const connection of this.#connections) connection.resume()
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const connection of waiting) {
      connection.resume()
      this.#admit(connection, open)
    }
    if (this.#writes?.hasWork) this.#context.schedule(this)
  }

  failed(refusal: ServerError): void {
    this.#endFollowers(refusal)
    for (const connection of [...this.#connections, ...(this.#waiting ?? [])]) connection.refuse(refusal)
  }

  closed(): void {
    this.#provenance?.close()
    this.#context.closed(this)
  }

  #follow(follower: RoomFollower, { log, damage }: OpenContent): () => void {
    if (damage !== undefined) throw quarantined(damage.message)
    const writes = this.#writePath()
    const unlisten = writes.listen((record, durable) => follower.appended(record, durable))
    this.#followers ??= new Set()
    this.#followers.add(follower)
    follower.opened(log, writes.durable)
    return () => {
      unlisten()
      this.#followers?.delete(follower)
      if (this.#followers?.size === 0) this.#followers = undefined
      if (this.connectionCount === 0) this.#emptySinceMs ??= Date.now()
    }
  }

  #endFollowers(reason: ServerError): void {
    const followers = this.#followers ?? []
    this.#followers = undefined
    for (const follower of followers) follower.closed(reason)
  }

  async #asGuest<T>(use: () => Promise<T>): Promise<T> {
    this.#guests++
    this.#emptySinceMs = undefined
    try {
      return await use()
    } finally {
      this.#guests--
      if (this.connectionCount === 0) this.#emptySinceMs ??= Date.now()
    }
  }

  #flushWrites({ log, content, damage }: OpenContent, writes: WritePath): void {
    if (damage !== undefined) return writes.turnAway(quarantined(damage.message))
    if (this.#context.store.state.state !== 'open') return writes.drop()
    if (content instanceof ColdDocument) {
      if (writes.settleRepeats(log, isEmptyUpdate)) void this.#settle(content, log, writes)
      return
    }
    const spoilt = writes.flush(log, content, this.#audienceOf())
    if (spoilt !== undefined) this.#rebuild(spoilt)
    else this.#content.grown()
  }

  /** Somebody brings something to a cold room: unless that is stored already, it becomes a document first. */
  async #settle(cold: ColdDocument, log: WorkspaceLog, writes: WritePath): Promise<void> {
    for (const connection of writes.writers) connection.pause()
    if (this.#isSettling) return
    this.#isSettling = true
    try {
      const stored = cold.atHand ?? (await cold.read())
      if (this.#content.open?.content !== cold) return
      if (writes.settleRepeats(log, (update) => stored.includes(update))) await this.#content.warm(cold)
      else for (const connection of this.#connections) connection.resume()
    } catch (error) {
      // While storage fails the next flush drops what waits, to ask for it again.
      if (this.#content.fail(cold, error)) return
      for (const connection of this.#connections) connection.resume()
      this.#context.schedule(this)
    } finally {
      this.#isSettling = false
    }
  }

  #rebuild(cause: Error): void {
    for (const connection of this.#connections) connection.pause()
    this.#content.rebuild(cause)
  }

  #openRoom({ log, damage }: OpenContent, document: RoomDocument): OpenRoom {
    return openRoom({
      log,
      document,
      damage,
      isBehind: () => this.#context.backlog.isFull,
      connectionCount: this.connectionCount,
      audience: () => this.#audienceOf(),
      writes: () => this.#writePath(),
      grown: () => this.#content.grown(),
      failed: (error) => {
        if (this.#context.store.state.state === 'open') this.#rebuild(error)
      },
    })
  }

  #wait(connection: Connection): void {
    connection.pause()
    this.#waiting ??= new Set()
    this.#waiting.add(connection)
  }

  /** Lets one connection in; one that will keep a copy only after the workspace's generation is safe from a crash. */
  #admit(connection: Connection, open: OpenContent): void {
    const { log } = open
    if (!connection.wantsJoinery || log.generation !== undefined) {
      this.#connections.add(connection)
      return greet(connection, open, this.#presence?.everybody(), this.#context)
    }
    this.#wait(connection)
    log.create().then(
      () => {
        if (!this.#waiting?.delete(connection)) return
        connection.resume()
        this.join(connection)
      },
      (error: unknown) => {
        if (!this.#content.fail(open.content, error)) connection.refuse(beingLoaded())
      },
    )
  }

  #receiveJoinery(connection: Connection, message: JoineryMessage | undefined): void {
    if (message?.type === 'watch' && connection.wantsJoinery) return this.#watch(connection)
    if (message?.type === 'keyed' && connection.wantsJoinery)
      return this.#context.keyed.receive(this, connection, message)
    if (message?.type === 'conflict' && connection.wantsJoinery && connection.identity.access === 'write') {
      this.#context.counters.conflicts++
      for (const other of this.#connections) if (other !== connection) other.tell(message)
      return
    }
    connection.refuse(new ServerError('bad_frame', `a client does not send ${message?.type ?? 'such'} messages`))
  }

  #watch(connection: Connection): void {
    withStamps(this.#content, connection, (stamps) => {
      if (this.#connections.has(connection)) this.#provenanceFeed().watch(connection, stamps)
    })
  }

  #receiveAwareness(connection: Connection, update: Uint8Array): void {
    this.#presence ??= new Presence(this.#context.limits)
    try {
      this.#presence.receive(update, connection)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      return connection.refuse(error)
    }
    if (this.#presence.hasNews) this.#context.schedule(this)
  }

  #hasLaggards(): boolean {
    for (const connection of this.#connections) if (connection.laggingFrom !== undefined) return true
    return false
  }

  #writePath(): WritePath {
    this.#writes ??= new WritePath(this.workspace, this.#context)
    return this.#writes
  }

  #provenanceFeed(): ProvenanceFeed {
    if (this.#provenance !== undefined) return this.#provenance
    const feed = new ProvenanceFeed()
    this.#writePath().listen((record) => feed.note(record))
    this.#provenance = feed
    return feed
  }

  #audienceOf(): Audience {
    this.#audience ??= {
      connections: this.#connections,
      stateVector: () => this.#content.open?.content.stateVector(),
      catchUp: (connection, stateVector) => catchUp(this.#content, connection, stateVector, this.#writes?.shown),
    }
    return this.#audience
  }
}
