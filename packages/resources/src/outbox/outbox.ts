import { Journal, type LogRecord, type WorkspaceLog } from '@joinery/log'
import type { Egress } from '../egress/egress.ts'
import { ResourceError } from '../resource-error.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { Slots } from '../slots.ts'
import { Endpoint } from './endpoint.ts'
import {
  type Atomically,
  Lane,
  laneLogOf,
  OUTBOX_ENTRY,
  OUTBOX_LOG,
  openLaneJournal,
  type ToldWorkspaces,
} from './lane.ts'
import {
  type DeliveryRow,
  type DeliveryView,
  decideDelivery,
  deliveriesIn,
  type FailingEndpoint,
} from './outbox-desk.ts'
import { type OutboxEvent, OutboxFold, outboxEvents, outboxStates } from './outbox-fold.ts'
import { isFor, type Subscription, type Subscriptions, secretsOfSubscriptions } from './subscription-config.ts'

/** Deliveries at once: in all, and to one endpoint. */
export const DELIVERIES = { all: 64, each: 4 } as const
/** Workspaces that are opened at once at a start. */
const OPENING_MAX = 8
/** Time until a workspace that could not be opened is tried again, ms. */
const AGAIN_MS = 30_000

/** Subscriptions that operators make while a server runs: each is read by all records of its workspaces. */
const PUT_MAX = 1_000

/** A subscription with its name, and the place that it comes from. */
export interface NamedSubscription {
  readonly id: string
  readonly from: 'file' | 'api'
  readonly subscription: Subscription
}

/** Tells other servers of a subscription, or that there is none; resolves once a quorum knows. */
type ShareSubscription = (id: string, subscription: Subscription | undefined) => Promise<void>

export interface OutboxOptions {
  /** The subscriptions of the configuration, by name. */
  readonly subscriptions: Subscriptions
  readonly secrets: Secrets
  readonly egress: Pick<Egress, 'request' | 'check'>
  readonly workspaces: ToldWorkspaces & {
    /** Calls with each record in the turn in which it is appended. */
    listen(listener: (workspace: string, record: LogRecord) => void): () => void
    listenToFates(listener: (workspace: string, fate: string) => void | Promise<void>): () => void
  }
  readonly openLog: (name: string, release: () => Promise<void>) => Promise<WorkspaceLog>
  readonly atomically: Atomically
  readonly logger: { warn(about: object, message: string): void }
  /** Whether other servers may own workspaces: then {@link Outbox.adopt} is called for those of this one. */
  readonly isShared?: boolean
}

export type OutboxJournal = Journal<OutboxEvent, OutboxFold>

/** Opens the server's own journal of deliveries. Rejects with the log's error. */
export function openOutboxJournal(
  log: WorkspaceLog,
  atomically: Atomically,
  onUntidy: (error: unknown) => void,
): Promise<OutboxJournal> {
  return Journal.open<OutboxEvent, OutboxFold>({
    ...{ log, atomically, onUntidy },
    events: outboxEvents,
    states: outboxStates,
    empty: () => new OutboxFold(),
    touchedBy: (event) => ('workspace' in event ? [`workspace/${event.workspace}`] : []),
    keepHistory: { events: 1_000 },
  })
}

/**
 * Tells the endpoints of the configuration what has changed in workspaces. That a workspace has something to tell is written together with
 * the record; how far it was told is in a journal of the workspace, so that whichever server owns the workspace goes on there.
 */
export class Outbox {
  readonly #options: OutboxOptions
  readonly #journal: OutboxJournal
  readonly #endpoints: Map<string, Endpoint>
  readonly #slots: Slots
  readonly #lanes = new Map<string, Lane>()
  /** Workspaces that could not be opened, with the timers of their next attempts. */
  readonly #later = new Map<string, NodeJS.Timeout>()
  /** Workspaces that are being opened. */
  readonly #opening = new Map<string, Promise<void>>()
  readonly #unlisten: readonly (() => void)[]
  #share: ShareSubscription | undefined
  #changing: Promise<void> = Promise.resolve()
  #isClosed = false

  private constructor(options: OutboxOptions, journal: OutboxJournal) {
    this.#options = options
    this.#journal = journal
    const { workspaces } = options
    this.#slots = new Slots(DELIVERIES, (name) => journal.fold.failing.has(name))
    this.#endpoints = new Map(
      this.subscriptions.map(({ id, subscription }) => [id, this.#endpointOf(id, subscription)]),
    )
    this.#unlisten = [
      workspaces.listen((workspace, record) => this.#hear(workspace, record)),
      workspaces.listenToFates((workspace, fate) => this.#meet(workspace, fate)),
    ]
  }

  /** Opens the journal, and goes on with what was not told. Rejects with the log's error. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const { openLog, atomically, logger } = options
    let outbox: Outbox | undefined
    const log = await openLog(OUTBOX_LOG, async () => outbox?.close())
    const onUntidy = (error: unknown): void => logger.warn({ error }, 'the webhook outbox took no snapshot')
    outbox = new Outbox(options, await openOutboxJournal(log, atomically, onUntidy))
    void outbox.#goOn()
    return outbox
  }

  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values()
  }

  /** All subscriptions. One of the configuration stands before one of the same name that was put. */
  get subscriptions(): NamedSubscription[] {
    const ofFile = Object.entries(this.#options.subscriptions)
    const put = [...this.fold.subscriptions].filter(([id]) => !this.#isOfFile(id))
    return [
      ...ofFile.map(([id, subscription]) => ({ id, from: 'file' as const, subscription })),
      ...put.map(([id, subscription]) => ({ id, from: 'api' as const, subscription })),
    ]
  }

  /**
   * Makes a subscription, or puts another one in its place; resolves when it is on the disk. It begins with the next record. Rejects with
   * {@link ResourceError}: `misconfigured` for one of the configuration and for a secret that is not there, `refused_url`.
   */
  async put(id: string, subscription: Subscription): Promise<void> {
    this.#assertOwn(id)
    if (this.fold.subscriptions.size >= PUT_MAX && !this.fold.subscriptions.has(id))
      throw new ResourceError('misconfigured', `there are ${PUT_MAX} subscriptions, and more may not be: remove some`)
    this.#options.egress.check(subscription.url)
    this.#options.secrets.check(secretsOfSubscriptions({ [id]: subscription }))
    await this.#share?.(id, subscription)
    await this.learn(id, subscription)
  }

  /** Removes a subscription that was put; resolves when that is on the disk. False if there is none. Rejects as {@link put}. */
  async remove(id: string): Promise<boolean> {
    this.#assertOwn(id)
    if (!this.fold.subscriptions.has(id)) return false
    await this.#share?.(id, undefined)
    await this.learn(id, undefined)
    return true
  }

  /** Tells other servers of each subscription that is put or removed here from now on. */
  shareBy(share: ShareSubscription): void {
    this.#share = share
  }

  /** Takes what stands for a name now, also from another server; undefined for none. Resolves when it is on the disk. */
  async learn(id: string, subscription: Subscription | undefined): Promise<void> {
    const before = this.fold.subscriptions.get(id)
    if (this.#isClosed || JSON.stringify(before) === JSON.stringify(subscription)) return await this.#journal.durable
    const about = { subscription: id }
    const event: OutboxEvent =
      subscription === undefined ? { type: 'removed', ...about } : { type: 'put', ...about, given: subscription }
    const { durable } = this.#journal.append([{ event, ...OUTBOX_ENTRY }], { sync: true })
    if (!this.#isOfFile(id)) {
      if (subscription === undefined) this.#endpoints.delete(id)
      else this.#endpoints.set(id, this.#endpointOf(id, subscription))
      const changed = [before, subscription].filter((each) => each !== undefined)
      this.#changing = this.#changing
        .then(() => this.#changeLanes(changed))
        .catch((error: unknown) =>
          this.#options.logger.warn({ error, subscription: id }, 'webhooks go on after a restart'),
        )
    }
    await durable
  }

  get fold(): OutboxFold {
    return this.#journal.fold
  }

  /** Number of deliveries that have failed for good. */
  get dead(): number {
    return [...this.fold.dead.values()].reduce((sum, count) => sum + count, 0)
  }

  /** Records that are not told yet, the most of one workspace, by subscription. */
  get lags(): ReadonlyMap<string, number> {
    const lags = new Map([...this.#endpoints.keys()].map((name) => [name, 0]))
    for (const lane of this.#lanes.values()) {
      for (const { subscription, lag } of lane.lags) lags.set(subscription, Math.max(lags.get(subscription) ?? 0, lag))
    }
    return lags
  }

  /** Goes on with a workspace that this server owns now: another one may have left something untold. Does nothing if it is open. */
  async adopt(workspace: string): Promise<void> {
    if (this.#isClosed || this.#lanes.has(workspace) || this.#endpointsFor(workspace).length === 0) return
    await this.#open(workspace)
  }

  /** Endpoints to which nothing could be delivered. */
  get failing(): FailingEndpoint[] {
    return [...this.fold.failing].map(([subscription, rest]) => ({ subscription, ...rest }))
  }

  /** The deliveries that have failed. Rejects with the errors of the workspaces and of the log. */
  async deliveries(): Promise<DeliveryView[]> {
    for (const workspace of this.fold.dead.keys()) if (!this.#lanes.has(workspace)) await this.#open(workspace)
    return [...this.#lanes.values()].flatMap((lane) => (lane.isOpen ? deliveriesIn(lane.workspace, lane.fold) : []))
  }

  /** Decides about a delivery that was given up; resolves when that is on the disk. False if there is none. */
  async decide(delivery: DeliveryRow, ask: 'replay' | 'drop'): Promise<boolean> {
    const lane = this.#lanes.get(delivery.workspace)
    if (lane?.isOpen !== true || !(await decideDelivery(lane.journal, delivery, ask))) return false
    this.#note({ type: 'dead', workspace: lane.workspace, count: lane.fold.deadCount })
    lane.wake()
    return true
  }

  /** Sends to a disabled endpoint again. False if it is not disabled. */
  enable(subscription: string): boolean {
    if (this.fold.failing.get(subscription)?.disabled === undefined) return false
    this.#note({ type: 'enabled', subscription })
    for (const lane of this.#lanes.values()) lane.wake()
    return true
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#changing
    for (const unlisten of this.#unlisten) unlisten()
    for (const timer of this.#later.values()) clearTimeout(timer)
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()))
    await this.#journal.close()
  }

  /** In the turn of the record: the record and the note that it is to be told are one write. */
  #hear(workspace: string, record: LogRecord): void {
    this.#lanes.get(workspace)?.hear(record)
    const endpoints = this.#endpointsFor(workspace)
    if (!endpoints.some((endpoint) => endpoint.wants(record.touched))) return
    if (!this.fold.pending.has(workspace)) this.#note({ type: 'pending', workspace, from: record.lsn })
    if (!this.#lanes.has(workspace) && !this.#later.has(workspace)) void this.#tryOpen(workspace)
  }

  async #meet(workspace: string, fate: string): Promise<void> {
    if (this.#endpointsFor(workspace).length === 0) return
    const lane = this.#lanes.get(workspace)
    if (fate === 'deleted') lane?.pause()
    if (fate === 'replaced' || fate === 'undeleted') {
      if (lane !== undefined) await lane.resume()
      else if (this.fold.pending.has(workspace)) void this.#tryOpen(workspace)
    }
    if (fate === 'purged') await this.forget(workspace)
  }

  /** Nothing is left of a purged workspace, its name included. */
  async forget(workspace: string): Promise<void> {
    await this.#journal.erase(
      { event: { type: 'forgotten', workspace }, ...OUTBOX_ENTRY },
      { event: { type: 'erased' }, ...OUTBOX_ENTRY },
    )
  }

  async #goOn(): Promise<void> {
    if (this.#options.isShared === true) return
    const waiting = [...this.fold.pending.keys(), ...this.fold.dead.keys()]
    const next = async (): Promise<void> => {
      for (let workspace = waiting.shift(); workspace !== undefined; workspace = waiting.shift()) {
        if (this.#isClosed) return
        if (!this.#lanes.has(workspace)) await this.#tryOpen(workspace)
      }
    }
    await Promise.all(Array.from({ length: OPENING_MAX }, next))
  }

  #isOfFile(id: string): boolean {
    return Object.hasOwn(this.#options.subscriptions, id)
  }

  #assertOwn(id: string): void {
    if (this.#isOfFile(id))
      throw new ResourceError(
        'misconfigured',
        `the subscription ${id} is one of the configuration file: change it there`,
      )
  }

  #endpointOf(name: string, subscription: Subscription): Endpoint {
    const { secrets, egress } = this.#options
    return new Endpoint({
      ...{ name, subscription, secrets, egress, slots: this.#slots },
      failing: () => this.fold.failing.get(name),
      note: (event) => this.#note({ ...event, subscription: name }),
    })
  }

  /** Has the open workspaces that subscriptions are for go on with the endpoints that there are now. */
  async #changeLanes(changed: readonly Subscription[]): Promise<void> {
    for (const workspace of [...this.#lanes.keys()].filter((name) => changed.some((each) => isFor(each, name)))) {
      // One that can't be opened is opened later, with the endpoints of that time.
      await this.#opening.get(workspace)?.catch(() => undefined)
      await this.#lanes.get(workspace)?.changeTo(this.#endpointsFor(workspace))
    }
  }

  /** Opens a workspace, and tries again later if that fails. */
  async #tryOpen(workspace: string): Promise<void> {
    try {
      await this.#open(workspace)
      // It was purged, and a crash came before its name was forgotten.
      const isGone = !this.#lanes.has(workspace) && !this.#isClosed && this.#options.isShared !== true
      if (isGone) await this.forget(workspace)
    } catch (error) {
      if (this.#isClosed) return
      // One that is deleted is opened when that is taken back.
      if ((error as { code?: unknown }).code === 'workspace_deleted') return
      this.#options.logger.warn({ workspace, error }, 'the webhooks of a workspace are opened later')
      const again = (): void => {
        this.#later.delete(workspace)
        if (this.fold.pending.has(workspace) && !this.#lanes.has(workspace)) void this.#tryOpen(workspace)
      }
      this.#later.set(workspace, setTimeout(again, AGAIN_MS).unref())
    }
  }

  #open(workspace: string): Promise<void> {
    const opening = this.#openLane(workspace).finally(() => {
      if (this.#opening.get(workspace) === opening) this.#opening.delete(workspace)
    })
    this.#opening.set(workspace, opening)
    return opening
  }

  async #openLane(workspace: string): Promise<void> {
    const from = this.fold.pending.get(workspace)
    const { workspaces, openLog, atomically, logger } = this.#options
    const onUntidy = (error: unknown): void => logger.warn({ workspace, error }, 'deliveries took no snapshot')
    const lane = new Lane({
      ...{ workspace, workspaces, logger },
      openJournal: async (close) => {
        const release = async (): Promise<void> => {
          await close()
          // It is purged, or another server's.
          if (this.fold.pending.has(workspace)) this.#note({ type: 'idle', workspace })
        }
        return await openLaneJournal(await openLog(laneLogOf(workspace), release), atomically, onUntidy)
      },
      endpoints: this.#endpointsFor(workspace),
      onIdle: () => {
        if (this.fold.pending.has(workspace)) this.#note({ type: 'idle', workspace })
      },
      onDead: (_lane, count) => this.#note({ type: 'dead', workspace, count }),
      onClosed: (closed) => {
        if (this.#lanes.get(workspace) === closed) this.#lanes.delete(workspace)
      },
    })
    this.#lanes.set(workspace, lane)
    try {
      await lane.open(from === undefined ? undefined : from - 1)
    } catch (error) {
      if (this.#lanes.get(workspace) === lane) this.#lanes.delete(workspace)
      throw error
    }
  }

  #note(event: OutboxEvent): void {
    if (!this.#isClosed) this.#journal.append([{ event, ...OUTBOX_ENTRY }])
  }

  #endpointsFor(workspace: string): Endpoint[] {
    return [...this.#endpoints.values()].filter(({ subscription }) => isFor(subscription, workspace))
  }
}
