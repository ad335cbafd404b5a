import { type EventStore, LogError, type WorkspaceLog } from '@joinery/log'
import type { Frame, JoineryMessage, WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import type { Acknowledgements } from './acknowledgements.ts'
import type { Connection } from './connection.ts'
import type { Counters } from './counters.ts'
import type { DocumentRules } from './document-rules.ts'
import { type Audience, sendToAll } from './fan-out.ts'
import { greet, writableOf } from './greeting.ts'
import type { ServerLimits } from './limits.ts'
import { Presence } from './presence.ts'
import { ProvenanceFeed } from './provenance-feed.ts'
import { RoomDocument } from './room-document.ts'
import { ServerError } from './server-error.ts'
import { type RecordListener, type RoomEdit, WritePath } from './write-path.ts'

/** What every room of a server shares. */
export interface RoomContext {
  readonly store: EventStore
  readonly rules: DocumentRules
  readonly limits: ServerLimits
  readonly logger: Logger
  readonly acknowledgements: Acknowledgements
  readonly counters: Counters
  /** Asks for one flush of `room` at the end of this tick. */
  schedule(room: Room): void
  /** The room is gone: the next join of its workspace makes a new one. */
  closed(room: Room): void
}

/** What a program inside the server may do in a room. Good until the next `await`: an update may have the document rebuilt. */
export interface OpenRoom {
  readonly log: WorkspaceLog
  readonly document: RoomDocument
  readonly connectionCount: number
  edit: <T>(edit: RoomEdit<T>) => { value: T; lsn: number; durable: Promise<void> }
  /** Calls `listener` with each record from here on. Returns unsubscribe. */
  follow(listener: RecordListener): () => void
}

type RoomState =
  | { readonly state: 'loading' }
  | { readonly state: 'open'; readonly log: WorkspaceLog; readonly document: RoomDocument }
  | { readonly state: 'closing'; readonly closed: Promise<void> }

/**
 * The live side of one workspace: its only writer. It loads once, and whoever joins waits for that load. What a tick
 * brings is applied, logged and forwarded at the tick's end.
 */
export class Room {
  readonly workspace: WorkspaceId
  /** Set by whoever schedules flushes: this room is on the list. */
  isScheduled = false
  readonly #context: RoomContext
  readonly #connections = new Set<Connection>()
  /** Joined, not let in yet: their sockets rest. */
  readonly #waiting = new Set<Connection>()
  readonly #presence: Presence
  readonly #writes: WritePath
  readonly #provenance = new ProvenanceFeed()
  readonly #audience: Audience
  #state: RoomState = { state: 'loading' }
  /** Programs inside the server that use the room now: it is not idle. */
  #guests = 0
  #whenOpen = Promise.withResolvers<void>()
  /** Settles when the load that runs, or ran last, is over. Never rejects. */
  #loading: Promise<void>
  /** When the last connection left, ms; undefined while somebody is here. */
  #emptySinceMs: number | undefined

  constructor(workspace: WorkspaceId, context: RoomContext) {
    this.workspace = workspace
    this.#context = context
    this.#presence = new Presence(context.limits)
    this.#writes = new WritePath({ ...context, workspace })
    this.#writes.listeners.add((record) => this.#provenance.note(record))
    this.#audience = {
      connections: this.#connections,
      document: () => (this.#state.state === 'open' ? this.#state.document : undefined),
      sendBufferBytesMax: context.limits.sendBufferBytesMax,
    }
    // Nobody has to wait for it, and then its rejection is nobody's: connections are refused with the same reason.
    this.#whenOpen.promise.catch(() => undefined)
    this.#loading = this.#load(undefined)
  }

  get connectionCount(): number {
    return this.#connections.size + this.#waiting.size
  }

  /** Resolves when the room has given its log back; undefined while it takes joins. */
  get closing(): Promise<void> | undefined {
    return this.#state.state === 'closing' ? this.#state.closed : undefined
  }

  join(connection: Connection): void {
    this.#emptySinceMs = undefined
    if (this.#state.state === 'open') return this.#admit(connection, this.#state.log, this.#state.document)
    connection.pause()
    this.#waiting.add(connection)
  }

  leave(connection: Connection, nowMs: number): void {
    this.#connections.delete(connection)
    this.#waiting.delete(connection)
    this.#presence.release(connection)
    this.#provenance.leave(connection)
    if (this.#presence.hasNews) this.#context.schedule(this)
    if (this.connectionCount === 0) this.#emptySinceMs = nowMs
  }

  /**
   * Runs `use` on the open room, flushed, and keeps it open meanwhile. Rejects with `quarantined` or `load_failed` when it
   * can't be loaded, and with what `use` throws.
   */
  async visit<T>(use: (room: OpenRoom) => T | Promise<T>): Promise<T> {
    this.#guests++
    this.#emptySinceMs = undefined
    try {
      await this.#whenOpen.promise
      this.flush()
      return await use(this.#openRoom())
    } finally {
      this.#guests--
      if (this.connectionCount === 0) this.#emptySinceMs ??= Date.now()
    }
  }

  /** Takes one frame of a connection that has joined. */
  receive(connection: Connection, frame: Frame): void {
    switch (frame.type) {
      case 'syncStep1':
        return this.#answerSyncStep1(connection, frame.stateVector)
      case 'syncStep2':
      case 'update':
        this.#writes.receive(connection, frame.type, frame.update)
        return this.#context.schedule(this)
      case 'awareness':
        return this.#receiveAwareness(connection, frame.update)
      case 'queryAwareness': {
        const everybody = this.#presence.everybody()
        if (everybody !== undefined) connection.send(everybody)
        return
      }
      case 'joinery':
        return this.#receiveJoinery(connection, frame.message)
      case 'auth':
        return connection.refuse(new ServerError('bad_frame', 'a client does not send auth messages'))
    }
  }

  /** Ends the tick: applies, logs and forwards what it brought. */
  flush(): void {
    if (this.#state.state !== 'open') return
    const { log, document } = this.#state
    if (this.#writes.hasWork) {
      const spoilt = this.#writes.flush(log, document, this.#audience)
      if (spoilt !== undefined) this.#rebuild(spoilt, log, document)
    }
    if (this.#presence.hasNews) sendToAll(this.#presence.takeNews(), this.#audience)
  }

  /** Storage has failed, or works again: says so, and then asks everybody for what was dropped meanwhile. */
  storageChanged(): void {
    if (this.#state.state !== 'open') return
    const message = writableOf(this.#context.store.state)
    const step1 = this.#state.document.syncStep1()
    for (const connection of this.#connections) {
      connection.tell(message)
      if (!message.isWritable || !connection.hasDropped) continue
      connection.awaitsSyncStep2 = true
      connection.send(step1)
    }
  }

  /** Closes the room if nobody has been here for `roomIdleMs`. */
  closeIfIdle(nowMs: number): void {
    if (this.#emptySinceMs === undefined || this.#guests > 0 || this.#state.state !== 'open') return
    if (nowMs - this.#emptySinceMs >= this.#context.limits.roomIdleMs) void this.close()
  }

  /** Flushes, gives the log back and frees the document. Joins that come meanwhile wait for it. Never rejects. */
  close(): Promise<void> {
    if (this.#state.state === 'closing') return this.#state.closed
    this.flush()
    if (this.#state.state === 'open') return this.#end(this.#state.log, this.#state.document)
    // A load under way sees that the room is closing, and gives the log back itself.
    return this.#end(undefined, undefined, this.#loading)
  }

  #end(log: WorkspaceLog | undefined, document: RoomDocument | undefined, before?: Promise<void>): Promise<void> {
    const closed = this.#release(log, document, before)
    this.#state = { state: 'closing', closed }
    return closed
  }

  async #release(
    log: WorkspaceLog | undefined,
    document: RoomDocument | undefined,
    before: Promise<void> | undefined,
  ): Promise<void> {
    await before
    document?.destroy()
    this.#provenance.close()
    try {
      await log?.close()
    } catch (err) {
      this.#context.logger.error({ workspace: this.workspace, err }, 'closing the log failed')
    }
    this.#context.closed(this)
  }

  /** Builds the document from the log: once, and again when an update has spoilt it. A failure never leads to a write. */
  async #load(opened: WorkspaceLog | undefined): Promise<void> {
    let log = opened
    try {
      log ??= await this.#context.store.open(this.workspace)
      const document = new RoomDocument(this.#context.rules)
      if (log.head > 0) await document.replay(log.read())
      if (this.#state.state === 'closing') return await log.close()
      this.#state = { state: 'open', log, document }
      this.#whenOpen.resolve()
      if (this.connectionCount === 0) this.#emptySinceMs ??= Date.now()
      this.#admitWaiting(log, document)
      if (this.#writes.hasWork) this.#context.schedule(this)
    } catch (error) {
      this.#fail(error, log)
    }
  }

  #rebuild(cause: Error, log: WorkspaceLog, document: RoomDocument): void {
    this.#context.logger.warn(
      { workspace: this.workspace, err: cause },
      'an update spoilt the document: rebuilding it from the log',
    )
    this.#state = { state: 'loading' }
    this.#whenOpen = Promise.withResolvers()
    this.#whenOpen.promise.catch(() => undefined)
    document.destroy()
    this.#context.counters.rebuilds++
    for (const connection of this.#connections) connection.pause()
    this.#loading = this.#load(log)
  }

  /** The room can't be served: its clients are told why, and the next join tries again. */
  #fail(error: unknown, log: WorkspaceLog | undefined): void {
    const isDamaged = !(error instanceof LogError) || error.code === 'corrupted'
    const message = error instanceof Error ? error.message : String(error)
    this.#context.logger.error({ workspace: this.workspace, err: error }, 'loading the workspace failed')
    const refusal = isDamaged
      ? new ServerError('quarantined', `what is stored of this workspace is damaged: ${message}`)
      : new ServerError('load_failed', `the workspace can't be loaded now: ${message}`)
    for (const connection of [...this.#connections, ...this.#waiting]) connection.refuse(refusal)
    this.#whenOpen.reject(refusal)
    void this.#end(log, undefined)
  }

  #openRoom(): OpenRoom {
    if (this.#state.state !== 'open') throw new ServerError('load_failed', 'the workspace is being loaded again')
    const { log, document } = this.#state
    return {
      log,
      document,
      connectionCount: this.connectionCount,
      edit: (edit) => {
        try {
          return this.#writes.edit(edit, { log, document, audience: this.#audience })
        } catch (error) {
          const cause = error instanceof Error ? error : new Error(String(error))
          if (this.#context.store.state.state === 'open') this.#rebuild(cause, log, document)
          throw error
        }
      },
      follow: (listener) => {
        this.#guests++
        this.#writes.listeners.add(listener)
        return () => {
          if (this.#writes.listeners.delete(listener)) this.#guests--
        }
      },
    }
  }

  #admitWaiting(log: WorkspaceLog, document: RoomDocument): void {
    for (const connection of this.#connections) connection.resume()
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const connection of waiting) {
      connection.resume()
      this.#admit(connection, log, document)
    }
  }

  /** Lets one connection in; one that will keep a copy only after the workspace's generation is safe from a crash. */
  #admit(connection: Connection, log: WorkspaceLog, document: RoomDocument): void {
    if (!connection.wantsJoinery || log.generation !== undefined) return this.#greet(connection, log, document)
    connection.pause()
    this.#waiting.add(connection)
    log.create().then(
      () => {
        if (!this.#waiting.delete(connection)) return
        connection.resume()
        this.join(connection)
      },
      (error: unknown) => this.#fail(error, log),
    )
  }

  #greet(connection: Connection, log: WorkspaceLog, document: RoomDocument): void {
    this.#connections.add(connection)
    greet(connection, { log, document, presence: this.#presence }, this.#context)
  }

  #answerSyncStep1(connection: Connection, stateVector: Uint8Array): void {
    if (this.#state.state !== 'open')
      return connection.refuse(new ServerError('load_failed', 'the workspace is being loaded again'))
    let frame: Uint8Array
    try {
      frame = this.#state.document.syncStep2(stateVector)
    } catch {
      return connection.refuse(new ServerError('bad_frame', 'SyncStep1 holds no Yjs state vector'))
    }
    connection.send(frame)
  }

  #receiveJoinery(connection: Connection, message: JoineryMessage | undefined): void {
    if (message?.type === 'watch' && connection.wantsJoinery && this.#state.state === 'open') {
      return this.#provenance.watch(connection, this.#state.document.stamps)
    }
    if (message?.type === 'conflict' && connection.wantsJoinery && connection.identity.access === 'write') {
      this.#context.counters.conflicts++
      for (const other of this.#connections) if (other !== connection) other.tell(message)
      return
    }
    connection.refuse(new ServerError('bad_frame', `a client does not send ${message?.type ?? 'such'} messages`))
  }

  #receiveAwareness(connection: Connection, update: Uint8Array): void {
    try {
      this.#presence.receive(update, connection)
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      return connection.refuse(error)
    }
    if (this.#presence.hasNews) this.#context.schedule(this)
  }
}
