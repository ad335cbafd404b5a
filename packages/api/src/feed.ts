import type { Workspaces } from '@joinery/server'
import type { Logger } from 'pino'
import type { ApiLimits } from './api-limits.ts'
import { ChangeReader } from './change-event.ts'
import { encodeChange, KEEP_ALIVE } from './event-frame.ts'
import { EventRing } from './event-ring.ts'
import type { FeedConsumer } from './feed-consumer.ts'
import { paced } from './paced.ts'
import type { LogRecord, Lsn, WorkspaceId } from './workspace-name.ts'

/** How long after a failed look at storage the feed looks again, ms. */
const RETRY_MS = 1_000

export interface FeedOptions {
  readonly workspaces: Workspaces
  readonly workspace: WorkspaceId
  readonly limits: ApiLimits
  readonly logger: Logger
  /** The feed can't go on, or nobody listens: the next consumer needs a new one. */
  onEnded(feed: Feed): void
}

/**
 * One workspace's changes for all who listen. It keeps a document of its own, fed by the records, so that an event is the
 * same whether told live or while catching up. Nothing is told before it is durable: a consumer's LSN must mean the same
 * record after a crash.
 */
export class Feed {
  readonly workspace: WorkspaceId
  readonly ring: EventRing
  readonly #options: FeedOptions
  readonly #reader = new ChangeReader()
  readonly #consumers = new Set<FeedConsumer>()
  readonly #keepAlive: NodeJS.Timeout
  #waiting: LogRecord[] | undefined = []
  #durableThrough = 0
  #isLooking = false
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

  static async open(options: FeedOptions): Promise<Feed> {
    const feed = new Feed(options)
    try {
      const { workspaces, workspace, limits } = options
      feed.#stop = await workspaces.follow(workspace, (record) => feed.#take(record))
      const head = await workspaces.read(workspace, (view) => view.head)
      for await (const record of paced(workspaces.records(workspace, { through: head as Lsn }))) {
        feed.#tell(record, record.lsn > head - limits.feedEventsMax)
      }
      const waiting = feed.#waiting ?? []
      feed.#waiting = undefined
      for (const record of waiting) if (record.lsn > feed.#reader.lsn) feed.#tell(record, true)
      await feed.#look()
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

  add(consumer: FeedConsumer): void {
    this.#consumers.add(consumer)
  }

  remove(consumer: FeedConsumer): void {
    if (this.#consumers.delete(consumer) && this.#consumers.size === 0) this.#idleSinceMs = performance.now()
  }

  end(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    clearInterval(this.#keepAlive)
    this.#stop?.()
    this.#reader.end()
    for (const consumer of this.#consumers) consumer.end()
    this.#consumers.clear()
    this.#options.onEnded(this)
  }

  #take(record: LogRecord): void {
    if (this.#isEnded) return
    if (this.#waiting !== undefined) {
      this.#waiting.push(record)
      return
    }
    this.#tell(record, true)
    void this.#look()
  }

  #tell(record: LogRecord, isKept: boolean): void {
    const event = this.#reader.take(record)
    if (isKept) this.ring.push(record.lsn, encodeChange(event))
    else this.ring.skip(record.lsn)
  }

  /** Waits until what is here is durable, by an edit of nothing, then wakes the consumers. One at a time. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const { workspaces, logger } = this.#options
    const writer = { actor: 'change-feed', source: 'polling_sync' }
    try {
      while (!this.#isEnded && this.#durableThrough < this.ring.last) {
        const edit = { writer, via: 'feed', run: () => undefined }
        const { lsn } = await workspaces.write(this.workspace, edit)
        this.#durableThrough = Math.min(lsn, this.ring.last)
        for (const consumer of this.#consumers) consumer.wake()
      }
    } catch (err) {
      logger.warn({ workspace: this.workspace, err }, 'a change feed waits for storage')
      setTimeout(() => void this.#look(), RETRY_MS).unref()
    } finally {
      this.#isLooking = false
    }
  }

  async #beat(): Promise<void> {
    for (const consumer of this.#consumers) consumer.send(KEEP_ALIVE)
    const isIdle =
      this.#consumers.size === 0 && performance.now() - this.#idleSinceMs > this.#options.limits.journalIdleMs
    try {
      // A room that failed takes its followers with it: records would go by unheard.
      const isDeaf = await this.#options.workspaces.read(this.workspace, ({ head }) => head > this.#reader.lsn)
      if (isDeaf || isIdle) this.end()
    } catch (err) {
      this.#options.logger.warn({ workspace: this.workspace, err }, 'a change feed has lost its workspace')
      this.end()
    }
  }
}
