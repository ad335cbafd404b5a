import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Lsn, Turn, Turns, Workspaces } from '@joinery/server'
import { ApiError } from '../api-error.ts'
import { paced } from '../history/paced.ts'
import type { RequestWork } from '../request-work.ts'
import { ChangeReader } from './change-event.ts'
import { encodeBehind, encodeChange, encodeUnauthorized, STREAM_START } from './event-frame.ts'
import type { Feed, FeedListener } from './feed.ts'

/** Errors of a consumer that must wait longer than it may: it is told to begin again. */
const MUST_WAIT: ReadonlySet<string> = new Set(['busy', 'over_budget'])

/** One open stream of events. Events that its socket can't take yet stay in the feed's ring, once for all consumers. */
export class FeedConsumer implements FeedListener {
  readonly #feed: Feed
  readonly #response: ServerResponse
  readonly #stallMs: number
  readonly #turnMs: number
  /** The work of the request that began the stream: its caller pays for catching up. */
  readonly #work: RequestWork
  readonly #closed: AbortController = new AbortController()
  #cursor: number
  #isBlocked = false
  #isLive = false

  /** `after` is the LSN of the last event that the client has. The stream ends when `life` aborts: its reason is the word that the client gets. */
  constructor(
    feed: Feed,
    response: ServerResponse,
    { after, stallMs, turnMs, work }: { after: number; stallMs: number; turnMs: number; work: RequestWork },
    life: AbortSignal,
  ) {
    this.#feed = feed
    this.#response = response
    this.#cursor = after
    this.#stallMs = stallMs
    this.#turnMs = turnMs
    this.#work = work
    response.on('drain', () => {
      this.#isBlocked = false
      this.wake()
    })
    const onLifeOver = (): void => this.#endWith(encodeUnauthorized(String(life.reason)))
    life.addEventListener('abort', onLifeOver)
    if (life.aborted) onLifeOver()
    response.on('close', () => {
      life.removeEventListener('abort', onLifeOver)
      this.#closed.abort()
      feed.remove(this)
    })
  }

  /** Catches up, then sends live events. Resolves when the stream is live or over. */
  async start(workspaces: Workspaces, turns: Turns): Promise<void> {
    if (this.#closed.signal.aborted) return
    this.#response.write(STREAM_START)
    this.#feed.add(this)
    if (this.#feed.isEnded) return this.end()
    if (this.#cursor + 1 < this.#feed.ring.first) await this.#catchUpInTurn(workspaces, turns)
    this.#isLive = true
    this.wake()
  }

  wake(): void {
    const { ring, durableThrough } = this.#feed
    // Checked even while the socket is full: a client that never reads would keep its place for good.
    if (this.#isLive && this.#cursor + 1 < ring.first) return this.#fallBehind()
    if (this.#isReady && this.#cursor < durableThrough) this.#work.part(() => this.#sendThrough(durableThrough))
  }

  get #isReady(): boolean {
    return this.#isLive && !this.#isBlocked && !this.#closed.signal.aborted
  }

  #sendThrough(lsn: number): void {
    while (this.#isReady && this.#cursor < lsn) {
      const bytes = this.#feed.ring.at(this.#cursor + 1)
      if (bytes === undefined) return this.#fallBehind()
      this.#cursor++
      this.send(bytes)
    }
  }

  send(bytes: Buffer): void {
    if (this.#isBlocked || this.#closed.signal.aborted) return
    this.#isBlocked = !this.#response.write(bytes)
  }

  end(): void {
    this.#response.end()
  }

  /** Catches up when the consumer has its turn. If that takes too long, tells the consumer to begin again. */
  async #catchUpInTurn(workspaces: Workspaces, turns: Turns): Promise<void> {
    try {
      await turns.take((turn) => this.#catchUp(workspaces, turn), this.#work.payer.principal)
    } catch (error) {
      if (!(error instanceof ApiError) || !MUST_WAIT.has(error.code)) throw error
      this.#fallBehind()
    }
  }

  /** Sends the events that the ring no longer holds, made from the log, with back-pressure. */
  async #catchUp(workspaces: Workspaces, turn: Turn): Promise<void> {
    if (this.#closed.signal.aborted) return
    const endsAtMs = performance.now() + this.#turnMs
    const { workspace, lists } = this.#feed
    const pace = this.#work.inTurns(turn)
    const reader = new ChangeReader(await workspaces.past(workspace, { lsn: this.#cursor }, pace), lists)
    const range = { after: reader.lsn as Lsn, signal: this.#closed.signal }
    try {
      for await (const record of paced(workspaces.tail(workspace, range), () => pace.pause())) {
        const event = pace.part(() => encodeChange(reader.take(record)))
        if (!(await this.#sendInTurn(record.lsn, event))) return
        if (reader.lsn + 1 >= this.#feed.ring.first) return
        if (turn.isWanted && performance.now() > endsAtMs) return this.#fallBehind()
      }
    } finally {
      reader.end()
    }
  }

  async #sendInTurn(lsn: number, bytes: Buffer): Promise<boolean> {
    if (this.#isBlocked) {
      const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(this.#stallMs)])
      try {
        await once(this.#response, 'drain', { signal })
      } catch {
        // The client has left or is too slow: `#fallBehind` tells a client that is still there.
        this.#fallBehind()
        return false
      }
      this.#isBlocked = false
    }
    this.#cursor = lsn
    this.send(bytes)
    return true
  }

  #fallBehind(): void {
    this.#endWith(encodeBehind(this.#cursor))
  }

  /** Ends the stream with a last event, and destroys it if the client does not read that. */
  #endWith(event: Buffer): void {
    this.#feed.remove(this)
    if (this.#closed.signal.aborted) return
    this.#closed.abort()
    this.#response.end(event)
    const timer = setTimeout(() => this.#response.destroy(), this.#stallMs)
    timer.unref()
    for (const over of ['finish', 'close']) this.#response.once(over, () => clearTimeout(timer))
  }
}
