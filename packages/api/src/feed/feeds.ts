import type { ServerResponse } from 'node:http'
import type { ClaimList } from '@joinery/blocks'
import type { Lsn, Turn, Turns, WorkspaceId, Workspaces } from '@joinery/server'
import type { Logger } from 'pino'
import { ApiError } from '../api-error.ts'
import type { ApiLimits } from '../api-limits.ts'
import { historyDropped } from '../history/history.ts'

import { positionOf } from '../known-workspace.ts'
import type { PayingCallers, RequestWork } from '../request-work.ts'
import { Feed } from './feed.ts'
import { FeedConsumer } from './feed-consumer.ts'

/** Principals of feeds begin so: no actor's name can. */
const FEED = '\u0000feed:'

export interface FeedsOptions {
  readonly workspaces: Workspaces
  /** Turns for replays, to open a feed. */
  readonly turns: Turns
  /** Turns of consumers that catch up. */
  readonly catchUps: Turns
  readonly callers: PayingCallers
  readonly lists: readonly ClaimList[]
  readonly limits: ApiLimits
  readonly logger: Logger
}

/** The change feeds of all workspaces that have consumers. */
export class Feeds {
  readonly #options: FeedsOptions
  readonly #feeds = new Map<WorkspaceId, Promise<Feed>>()
  #consumers = 0
  #isClosed = false

  constructor(options: FeedsOptions) {
    this.#options = options
  }

  /**
   * Prepares a stream of the events after `after`; without `after`, of those from now on. The returned function starts it, and ends it when `life` aborts.
   * The caller pays for opening the feed and for catching up, as far as these take parts of `work`.
   * Before anything is sent, throws `busy`, `unknown_workspace`, `unknown_lsn`, `history_dropped`, and errors of loading.
   */
  async subscribe(
    workspace: WorkspaceId,
    after: number | undefined,
    work: RequestWork,
  ): Promise<(response: ServerResponse, life: AbortSignal) => Promise<void>> {
    const { limits, workspaces, catchUps } = this.#options
    if (this.#isClosed)
      throw new ApiError('unavailable', 'the server goes down: reconnect in a moment', { retryAfterSeconds: 1 })
    if (this.#consumers >= limits.feedConsumersMax) {
      throw new ApiError(
        'busy',
        `this server has ${limits.feedConsumersMax} consumers of change feeds, which is the most: try again later`,
        {
          retryAfterSeconds: 5,
        },
      )
    }
    const { head, firstLsn } = await positionOf(workspaces, workspace)
    if (after !== undefined && after + 1 < firstLsn) throw historyDropped(firstLsn, after + 1)
    const feed = await this.#open(workspace, head, work)
    if (after !== undefined && after > head) {
      const message = `the log ends at ${head}, before ${after}: begin after a smaller LSN`
      throw new ApiError('unknown_lsn', message, { details: { head } })
    }
    return async (response, life) => {
      this.#consumers++
      response.once('close', () => this.#consumers--)
      const from = { after: after ?? head, stallMs: limits.feedStallMs, turnMs: limits.catchUpTurnMs }
      await new FeedConsumer(feed, response, { ...from, work }, life).start(workspaces, catchUps)
    }
  }

  /** Ends all streams. Their consumers reconnect after the last event they got. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const result of await Promise.allSettled(this.#feeds.values())) {
      if (result.status === 'fulfilled') result.value.end()
    }
  }

  async #open(workspace: WorkspaceId, head: Lsn, work: RequestWork): Promise<Feed> {
    const known = await this.#feeds.get(workspace)
    if (known?.isEnded === false) return known
    return this.#feeds.get(workspace) ?? this.#create(workspace, head, work)
  }

  #create(workspace: WorkspaceId, head: Lsn, work: RequestWork): Promise<Feed> {
    const onEnded = () => {
      if (this.#feeds.get(workspace) === opened) this.#feeds.delete(workspace)
    }
    // Opening a feed makes a document and may read many records.
    const live = this.#options.callers.begin({ principal: `${FEED}${workspace}`, workspace })
    const options = { ...this.#options, workspace, work: live, onEnded }
    // The one who opens the feed pays, and does not rest meanwhile: others may wait for the same feed.
    const open = ({ giveUp }: Turn): Promise<Feed> =>
      Feed.open(options, head, { part: (part) => work.part(part), pause: () => giveUp() })
    const opened = this.#options.turns.take(open, work.payer.principal)
    this.#feeds.set(workspace, opened)
    opened.catch(onEnded)
    return opened
  }
}
