import { type LogRecord, type Lsn, ServerError, type WorkspaceId, type Workspaces } from '@joinery/server'
import type { Logger } from 'pino'
import type { ApiLimits } from './api-limits.ts'
import { ChangeReader } from './change-event.ts'
import { encodeChange, KEEP_ALIVE } from './event-frame.ts'
import { EventRing } from './event-ring.ts'
import type { Position } from './known-workspace.ts'
import { paced } from './paced.ts'

export interface FeedOptions {
  readonly workspaces: Workspaces
  readonly workspace: WorkspaceId
  readonly limits: ApiLimits
  readonly logger: Logger
  /** The feed can't go on, or nobody listens: the next consumer needs a new one. */
  onEnded(feed: Feed): void
}

/** Who listens, as the feed sees it. */
export interface FeedListener {
  /** There may be news. */
  wake(): void
  /** To be passed on at once, if there is room. */
  send(bytes: Buffer): void
  end(): void
}

/** The records that become durable together. */
interface Group {
  readonly durable: Promise<void>
  through: number
}

/** In whose name the feed asks whether what is there is durable. The edit is empty and leaves no record. */
const WRITER = { actor: 'change-feed', source: 'polling_sync' }

/**
 * One workspace's changes for all who listen. It keeps a document of its own, fed by the records, so that an event is the
 * same whether told live or while catching up. Nothing is told before it is durable: a consumer's LSN must mean the same
 * record after a crash.
 */
export class Feed {
  readonly workspace: WorkspaceId
  readonly ring: EventRing
  readonly #options: FeedOptions
  readonly #consumers = new Set<FeedListener>()
  readonly #keepAlive: NodeJS.Timeout
  #reader: ChangeReader | undefined
  #waiting: (readonly [LogRecord, Promise<void>])[] = []
  #generation: string | undefined
  #group: Group | undefined
  #durableThrough = 0
  #isEnded = false
  #idleSinceMs = performance.now()
  #stop: (() => void) | undefined

  private constructor(options: FeedOptions) {
    this.#options = options
    this.workspace = options.workspace
    this.ring = new EventRing(options.limits.feedEventsMax, options.limits.feedBytesMax)
    this.#keepAlive = setInterval(() => void this.#beat(), options.limits.feedKeepAliveMs)
    this.#keepAlive.unref()
  }

  /** Begins with the latest records, for those who come back after a restart. */
  static async open(options: FeedOptions): Promise<Feed> {
    const feed = new Feed(options)
    try {
      const { workspaces, workspace } = options
      feed.#stop = await workspaces.follow(workspace, (record, durable) => feed.#take(record, durable))
      const { lsn } = await workspaces.write(workspace, { writer: WRITER, via: 'feed', run: () => undefined })
      feed.#generation = (await workspaces.position(workspace)).generation
      const reader = await feed.#startBefore(lsn)
      feed.ring.skip(reader.lsn)
      const range = { after: reader.lsn as Lsn, through: lsn as Lsn }
      for await (const record of paced(workspaces.records(workspace, range))) feed.#tell(reader, record)
      feed.#durableThrough = lsn
      feed.#reader = reader
      const waiting = feed.#waiting
      feed.#waiting = []
      for (const [record, durable] of waiting) if (record.lsn > lsn) feed.#take(record, durable)
      return feed
    } catch (error) {
      feed.end()
      throw error
    }
  }

  /** LSN up to which events may be told. */
  get durableThrough(): number {
    return this.#durableThrough
  }

  get isEnded(): boolean {
    return this.#isEnded
  }

  /** False when records have gone by unheard: a room that failed takes its followers with it, and so does a deletion. */
  hears({ head, generation }: Position): boolean {
    return head <= this.ring.last && generation === this.#generation
  }

  add(consumer: FeedListener): void {
    this.#consumers.add(consumer)
  }

  remove(consumer: FeedListener): void {
    if (this.#consumers.delete(consumer) && this.#consumers.size === 0) this.#idleSinceMs = performance.now()
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#keepAlive)
    this.#stop?.()
    this.#reader?.end()
    for (const consumer of this.#consumers) consumer.end()
    this.#consumers.clear()
    this.#options.onEnded(this)
  }

  async #startBefore(lsn: number): Promise<ChangeReader> {
    const { workspaces, workspace, limits } = this.#options
    try {
      return new ChangeReader(await workspaces.past(workspace, { lsn: Math.max(0, lsn - limits.feedEventsMax) }))
    } catch (error) {
      if (!(error instanceof ServerError && error.code === 'history_dropped')) throw error
      return new ChangeReader(await workspaces.past(workspace, { lsn }))
    }
  }

  #take(record: LogRecord, durable: Promise<void>): void {
    if (this.#isEnded) return
    if (this.#reader === undefined) {
      this.#waiting.push([record, durable])
      return
    }
    this.#tell(this.#reader, record)
    if (this.#group?.durable === durable) this.#group.through = record.lsn
    else void this.#whenDurable({ durable, through: record.lsn })
  }

  #tell(reader: ChangeReader, record: LogRecord): void {
    this.ring.push(record.lsn, encodeChange(reader.take(record)))
  }

  async #whenDurable(group: Group): Promise<void> {
    this.#group = group
    try {
      await group.durable
    } catch (err) {
      this.#options.logger.warn({ workspace: this.workspace, err }, 'a change feed ends: its storage is closed')
      return this.end()
    }
    // In memory all share one promise, which is resolved already.
    if (this.#group === group) this.#group = undefined
    // One that asked for more than the others may come after them.
    this.#durableThrough = Math.max(this.#durableThrough, group.through)
    for (const consumer of this.#consumers) consumer.wake()
  }

  async #beat(): Promise<void> {
    for (const consumer of this.#consumers) consumer.send(KEEP_ALIVE)
    const isIdle = this.#consumers.size === 0 && performance.now() - this.#idleSinceMs > this.#options.limits.feedIdleMs
    try {
      const position = await this.#options.workspaces.position(this.workspace)
      if (isIdle || (this.#reader !== undefined && !this.hears(position))) this.end()
    } catch (err) {
      this.#options.logger.warn({ workspace: this.workspace, err }, 'a change feed has lost its workspace')
      this.end()
    }
  }
}
