import type { ServerResponse } from 'node:http'
import type { Workspaces } from '@joinery/server'
import type { Logger } from 'pino'
import { ApiError } from './api-error.ts'
import type { ApiLimits } from './api-limits.ts'
import { Feed } from './feed.ts'
import { FeedConsumer } from './feed-consumer.ts'
import type { ReplayTurns } from './replay-turns.ts'
import type { WorkspaceId } from './workspace-name.ts'

export interface FeedsOptions {
  readonly workspaces: Workspaces
  readonly turns: ReplayTurns
  readonly limits: ApiLimits
  readonly logger: Logger
}

/** The change feeds of the workspaces that somebody listens to. */
export class Feeds {
  readonly #options: FeedsOptions
  readonly #feeds = new Map<WorkspaceId, Promise<Feed>>()
  #consumers = 0
  #isClosed = false

  constructor(options: FeedsOptions) {
    this.#options = options
  }

  /**
   * A consumer of the events after `after` (from now on when undefined), which has not started. Throws `busy`,
   * `unknown_lsn`, and what loading the workspace throws, before anything is sent.
   */
  async subscribe(
    workspace: WorkspaceId,
    after: number | undefined,
  ): Promise<(response: ServerResponse) => Promise<void>> {
    const { limits, workspaces, turns } = this.#options
    if (this.#isClosed) throw new ApiError('unavailable', 'the server goes down', { retryAfterSeconds: 1 })
    if (this.#consumers >= limits.feedConsumersMax) {
      throw new ApiError('busy', `this server feeds ${limits.feedConsumersMax} consumers: try later`, {
        retryAfterSeconds: 5,
      })
    }
    const feed = await this.#open(workspace)
    const head = feed.ring.last
    if (after !== undefined && after > head) {
      const message = `the log ends at ${head}, before ${after}: start again after a smaller LSN`
      throw new ApiError('unknown_lsn', message, { details: { head } })
    }
    return async (response) => {
      this.#consumers++
      response.once('close', () => this.#consumers--)
      await new FeedConsumer(feed, response, after ?? head).start(workspaces, turns)
    }
  }

  /** Ends all streams; their consumers come back where they were. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const result of await Promise.allSettled(this.#feeds.values())) {
      if (result.status === 'fulfilled') result.value.end()
    }
  }

  #open(workspace: WorkspaceId): Promise<Feed> {
    const known = this.#feeds.get(workspace)
    if (known !== undefined) return known
    const onEnded = () => {
      if (this.#feeds.get(workspace) === opened) this.#feeds.delete(workspace)
    }
    // Opening one reads the whole log.
    const opened = this.#options.turns.take(() => Feed.open({ ...this.#options, workspace, onEnded }))
    this.#feeds.set(workspace, opened)
    opened.catch(() => this.#feeds.delete(workspace))
    return opened
  }
}
