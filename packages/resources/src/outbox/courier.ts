import type { LogRecord } from '@joinery/log'
import { Batch, hasKind } from './batch.ts'
import { Bell } from './bell.ts'
import type { Delivery, LaneEvent, LaneFold, Place, Tried } from './lane-fold.ts'
import type { Sent } from './send.ts'
import type { ChangeKind, Subscription } from './subscription-config.ts'
import { resourceKeyOf, type Told, type ToldList, toldIn } from './told-statuses.ts'

/** Time for which other changes than those of contents are gathered, ms: an edit of a person is often several records. */
const GATHER_MS = 100
/** Pause after an error of the server itself, ms. */
const AGAIN_MS = 5_000

/** The workspace's part that a courier works in. */
export interface CourierLane {
  readonly workspace: string
  readonly generation: string | undefined
  /** LSN of the last record that is in the log. */
  readonly head: number
  /** True while the workspace is deleted. */
  readonly isPaused: boolean
  readonly fold: LaneFold
  readonly signal: AbortSignal
  append(event: LaneEvent): void
  tail(options: { readonly after: number; readonly signal: AbortSignal }): AsyncIterable<LogRecord>
  /** LSN of the first record that can be read. */
  firstLsn(): Promise<number>
  /** The statuses of blocks, as they are shown now. */
  statusesOf(blocks: readonly string[]): Promise<readonly object[]>
  /** Told when the courier has nothing to do. */
  rest(): void
}

/** The endpoint, which a courier shares with those of other workspaces. */
export interface CourierEndpoint {
  readonly name: string
  readonly subscription: Subscription
  readonly isDisabled: boolean
  /** Makes an attempt when the endpoint has a turn. Rejects with the reason of `signal`. */
  attempt(delivery: Delivery, signal: AbortSignal): Promise<Sent>
  works(): void
  fails(): void
  disable(why: string): void
  /** Counts what has become of a delivery. */
  count(outcome: Sent['outcome'] | 'dead'): void
}

export interface CourierOptions {
  readonly lane: CourierLane
  readonly endpoint: CourierEndpoint
  readonly logger: { warn(about: object, message: string): void }
}

/**
 * Tells one endpoint of one workspace: one delivery after the other, in the order of the log. A delivery is journalled before it is sent,
 * so that every attempt of it has the same id and the same bytes, also after a crash.
 */
export class Courier {
  readonly endpoint: CourierEndpoint
  readonly #lane: CourierLane
  readonly #logger: CourierOptions['logger']
  readonly #kinds: ReadonlySet<ChangeKind>
  readonly #bell = new Bell()
  readonly #stop = new AbortController()
  /** Ends with the lane, or before. */
  readonly #signal: AbortSignal
  /** LSN up to which the log was read; the journal may be behind it. */
  #read = 0
  /** The next attempt of a delivery, on the monotonic clock: setting the wall clock delays nothing. */
  #due: { readonly of: Tried; readonly atMs: number } | undefined
  #running: Promise<void> | undefined

  constructor({ lane, endpoint, logger }: CourierOptions) {
    this.#lane = lane
    this.endpoint = endpoint
    this.#signal = AbortSignal.any([lane.signal, this.#stop.signal])
    this.#logger = logger
    this.#kinds = new Set(endpoint.subscription.events)
  }

  get name(): string {
    return this.endpoint.name
  }

  /** Whether nothing is to be told. */
  get isIdle(): boolean {
    const { fold, head } = this.#lane
    return this.#place?.plan === undefined && fold.againOf(this.name) === undefined && this.#reached >= head
  }

  /** Number of records that are not told yet. */
  get lag(): number {
    return Math.max(0, this.#lane.head - (this.#place?.through ?? this.#lane.head))
  }

  /** LSN up to which everything is told, or matters to nobody. */
  get #reached(): number {
    return Math.max(this.#read, this.#place?.through ?? 0)
  }

  get #place(): Place | undefined {
    return this.#lane.fold.places.get(this.name)
  }

  start(): void {
    this.#running = this.#run()
  }

  wake(): void {
    this.#bell.ring()
  }

  /** Whether a record is to be told. */
  wants(touched: readonly string[]): boolean {
    return hasKind(touched, this.#kinds)
  }

  /** Brings the journal to the record that was read. */
  settle(): void {
    const through = this.#place?.through ?? 0
    if (this.#read > through) this.#lane.append({ type: 'moved', subscription: this.name, through: this.#read })
  }

  /** Ends what is under way: the next courier of the endpoint makes it again. Resolves when its work is over. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#bell.ring()
    await this.#running
  }

  async #run(): Promise<void> {
    const { workspace } = this.#lane
    const signal = this.#signal
    while (!signal.aborted) {
      let waitMs = 0
      try {
        waitMs = await this.#step()
      } catch (error) {
        if (signal.aborted) return
        waitMs = AGAIN_MS
        this.#logger.warn({ workspace, subscription: this.name, error }, 'webhooks of a workspace go on later')
      }
      if (waitMs === Number.POSITIVE_INFINITY && this.isIdle) this.#lane.rest()
      if (waitMs > 0) await this.#bell.wait(waitMs)
    }
  }

  /** Does the next thing. Resolves with the time to wait until there may be another, ms. */
  async #step(): Promise<number> {
    const { isPaused, fold, head, generation } = this.#lane
    const place = this.#place
    if (isPaused || this.endpoint.isDisabled || place === undefined) return Number.POSITIVE_INFINITY
    const again = fold.againOf(this.name)
    if (again !== undefined) return await this.#deliver(again, true)
    if (place.plan !== undefined) {
      const leftMs = this.#dueMs(place.plan) - performance.now()
      return leftMs > 0 ? leftMs : await this.#deliver(place.plan, false)
    }
    if (generation !== undefined && place.generation !== generation) {
      // Another history has the name now: what was told is of the old one.
      return this.#planGap(1, head)
    }
    if (this.#reached >= head) return Number.POSITIVE_INFINITY
    return await this.#gather(place)
  }

  #dueMs(plan: Tried): number {
    if (this.#due?.of !== plan) this.#due = { of: plan, atMs: performance.now() + (plan.nextAt - Date.now()) }
    return this.#due.atMs
  }

  /** Reads what comes next in the log, and plans a delivery of it. */
  async #gather({ generation }: Place): Promise<number> {
    const lane = this.#lane
    const batch = new Batch(this.#kinds)
    const full = new AbortController()
    const signal = AbortSignal.any([this.#signal, full.signal])
    let timer: NodeJS.Timeout | undefined
    let isHasty = false
    let through = this.#reached
    try {
      for await (const record of lane.tail({ after: through, signal })) {
        through = record.lsn
        batch.add(record)
        if (batch.from === undefined) {
          if (through >= lane.head) break
          continue
        }
        if (batch.isFull) break
        if (timer !== undefined && (isHasty || !batch.hasOthers)) continue
        isHasty = batch.hasOthers
        clearTimeout(timer)
        const { coalesceMs } = this.endpoint.subscription
        timer = setTimeout(() => full.abort(), isHasty ? Math.min(GATHER_MS, coalesceMs) : coalesceMs)
      }
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code === 'history_dropped') return this.#planGap(through + 1, (await lane.firstLsn()) - 1)
      if (code === 'unknown_lsn') return this.#planGap(1, lane.head)
      throw error
    } finally {
      clearTimeout(timer)
    }
    if (this.#signal.aborted) return 0
    this.#read = through
    if (batch.from === undefined) return 0
    const { from, paths, isCut, at } = batch
    const shown = await lane.statusesOf(batch.blocksWithStatus)
    const statuses = shown.map((status) => ({ ...status, before: this.#before(status) }))
    this.#plan(
      { generation, from, through },
      { type: 'joinery.changed', timestamp: new Date(at).toISOString() },
      { paths, isCut, statuses },
      toldIn(shown),
    )
    return 0
  }

  /** Tells that records can't be told: they are not kept any more, or another history took their place. */
  #planGap(from: number, through: number): number {
    const generation = this.#lane.generation ?? this.#place?.generation ?? ''
    this.#plan({ generation, from, through }, { type: 'joinery.gap', timestamp: new Date().toISOString() }, {})
    this.#read = 0
    return 0
  }

  /** The status that the delivery before told of a resource; null if that is not known. */
  #before(status: object): Told | null {
    const key = resourceKeyOf(status)
    return (key === undefined ? undefined : this.#lane.fold.toldOf(this.name, key)) ?? null
  }

  #plan(
    range: Pick<Delivery, 'generation' | 'from' | 'through'>,
    head: object,
    data: object,
    told: ToldList = [],
  ): void {
    const { workspace } = this.#lane
    const { generation, from, through } = range
    const body = JSON.stringify({ ...head, data: { workspace, generation, lsn: { from, through }, ...data } })
    const id = `evt_${generation}_${from}-${through}_${this.name}`
    this.#lane.append({
      type: 'planned',
      subscription: this.name,
      id,
      ...range,
      body,
      ...(told.length > 0 && { told }),
    })
  }

  async #deliver(delivery: Tried, isAgain: boolean): Promise<number> {
    const lane = this.#lane
    const endpoint = this.endpoint
    const sent: Sent = await endpoint.attempt(delivery, this.#signal)
    const about = { subscription: this.name, id: delivery.id }
    if (sent.outcome === 'sent' || sent.outcome === 'refused') {
      lane.append({ type: sent.outcome, ...about })
      endpoint.works()
      endpoint.count(sent.outcome)
      return 0
    }
    endpoint.count(sent.outcome)
    if (sent.outcome === 'gone') {
      endpoint.disable(sent.why)
      if (!isAgain) lane.append({ type: 'failed', ...about, nextAt: Date.now(), why: sent.why })
      return 0
    }
    endpoint.fails()
    const pauseMs = endpoint.subscription.retryMs[delivery.attempts]
    if (isAgain || pauseMs === undefined) {
      lane.append({ type: 'dead', ...about, why: sent.why })
      endpoint.count('dead')
      return 0
    }
    // Many that fail at once do not come back at once.
    const waitMs = Math.max(pauseMs * (0.9 + Math.random() * 0.2), sent.retryAfterMs ?? 0)
    lane.append({ type: 'failed', ...about, nextAt: Date.now() + Math.ceil(waitMs), why: sent.why })
    return 0
  }
}
