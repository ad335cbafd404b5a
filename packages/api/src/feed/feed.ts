import type { ClaimList } from '@joinery/blocks'
import { type LogRecord, type Lsn, type Pace, ServerError, type WorkspaceId, type Workspaces } from '@joinery/server'
import type { Logger } from 'pino'
import type { ApiLimits } from '../api-limits.ts'
import { paced } from '../history/paced.ts'
import type { RequestWork } from '../request-work.ts'
import { ChangeReader } from './change-event.ts'
import { encodeChange, KEEP_ALIVE } from './event-frame.ts'
import { EventRing } from './event-ring.ts'

export interface FeedOptions {
  readonly workspaces: Workspaces
  readonly workspace: WorkspaceId
  /** The work of making events while consumers are live: the feed pays, from the budget of its workspace. */
  readonly work: RequestWork
  /** The lists of claims that blocks have. */
  readonly lists: readonly ClaimList[]
  readonly limits: ApiLimits
  readonly logger: Logger
  /** Called when the feed can't go on, or has no consumers: the next consumer needs a new feed. */
  onEnded(feed: Feed): void
}

/** A consumer as the feed sees it. */
export interface FeedListener {
  /** Called when there may be new events. */
  wake(): void
  /** Sends bytes at once, unless the socket is full. */
  send(bytes: Buffer): void
  end(): void
}

/** Codes of errors that end a feed in the normal course: the workspace was deleted, or the server goes down. */
const EXPECTED_ENDS: ReadonlySet<string> = new Set(['workspace_deleted', 'restart'])

/**
 * One workspace's changes for all its consumers. It keeps a document of its own, fed by the workspace's tail, so that an
 * event is the same whether it is sent live or while a consumer catches up. No event is sent before its record is durable: a
 * consumer's LSN must mean the same record after a crash.
 */
export class Feed {
  readonly workspace: WorkspaceId
  readonly ring: EventRing
  readonly #options: FeedOptions
  readonly #consumers = new Set<FeedListener>()
  readonly #keepAlive: NodeJS.Timeout
  readonly #reader: ChangeReader
  readonly #stop = new AbortController()
  #durableThrough = 0
  #isEnded = false
  #idleSinceMs = performance.now()

  private constructor(options: FeedOptions, reader: ChangeReader) {
    this.#options = options
    this.workspace = options.workspace
    this.#reader = reader
    this.ring = new EventRing(options.limits.feedEventsMax, options.limits.feedBytesMax)
    this.ring.skip(reader.lsn)
    this.#keepAlive = setInterval(() => this.#beat(), options.limits.feedKeepAliveMs)
    this.#keepAlive.unref()
  }

  /**
   * A feed whose ring holds the latest records up to `head`, for consumers that reconnect. It sends none of them before the
   * tail has said that they are durable. It is made at the pace of the request that asked for it.
   */
  static async open(options: FeedOptions, head: Lsn, pace: Pace): Promise<Feed> {
    const { workspaces, workspace } = options
    const feed = new Feed(options, await readerBefore(options, head, pace))
    try {
      const range = { after: feed.#reader.lsn as Lsn, through: head }
      for await (const record of paced(workspaces.records(workspace, range), () => pace.pause()))
        pace.part(() => feed.#push(record))
    } catch (error) {
      feed.end()
      throw error
    }
    void feed.#run(head)
    return feed
  }

  /** The lists of claims in the events. */
  get lists(): readonly ClaimList[] {
    return this.#options.lists
  }

  /** LSN of the last record that is durable: its event may be sent, and those before it. */
  get durableThrough(): number {
    return this.#durableThrough
  }

  get isEnded(): boolean {
    return this.#isEnded
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
    this.#stop.abort()
    this.#reader.end()
    for (const consumer of this.#consumers) consumer.end()
    this.#consumers.clear()
    this.#options.onEnded(this)
  }

  /** Follows the workspace until the feed ends. The tail begins with the record at `head` again, to learn when it is durable. */
  async #run(head: Lsn): Promise<void> {
    const { workspaces, logger } = this.#options
    const after = Math.max(0, head - 1) as Lsn
    try {
      for await (const record of paced(workspaces.tail(this.workspace, { after, signal: this.#stop.signal }))) {
        if (this.#isEnded) return
        if (record.lsn > this.ring.last) this.#options.work.part(() => this.#push(record))
        this.#durableThrough = record.lsn
        for (const consumer of this.#consumers) consumer.wake()
      }
    } catch (err) {
      const isExpected = err instanceof ServerError && EXPECTED_ENDS.has(err.code)
      logger[isExpected ? 'info' : 'warn']({ workspace: this.workspace, err }, 'a change feed ends')
    }
    this.end()
  }

  #push(record: LogRecord): void {
    this.ring.push(record.lsn, encodeChange(this.#reader.take(record)))
  }

  #beat(): void {
    for (const consumer of this.#consumers) consumer.send(KEEP_ALIVE)
    const isIdle = this.#consumers.size === 0 && performance.now() - this.#idleSinceMs > this.#options.limits.feedIdleMs
    if (isIdle) this.end()
  }
}

/** A reader of the document before the latest records, or of the present one where those records were dropped. */
async function readerBefore(
  { workspaces, workspace, lists, limits }: FeedOptions,
  head: Lsn,
  pace: Pace,
): Promise<ChangeReader> {
  try {
    const before = Math.max(0, head - limits.feedEventsMax)
    return new ChangeReader(await workspaces.past(workspace, { lsn: before }, pace), lists)
  } catch (error) {
    if (!(error instanceof ServerError && error.code === 'history_dropped')) throw error
    return new ChangeReader(await workspaces.past(workspace, { lsn: head }, pace), lists)
  }
}
