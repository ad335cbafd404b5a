import { Journal, type LogRecord, type WorkspaceLog } from '@joinery/log'
import type { Egress } from '../egress/egress.ts'
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
import { isFor, type Subscriptions } from './subscription-config.ts'

/** Deliveries at once: in all, and to one endpoint. */
export const DELIVERIES = { all: 64, each: 4 } as const
/** Workspaces that are opened at once at a start. */
const OPENING_MAX = 8
/** Time until a workspace that could not be opened is tried again, ms. */
const AGAIN_MS = 30_000

export interface OutboxOptions {
  readonly subscriptions: Subscriptions
  readonly secrets: Secrets
  readonly egress: Pick<Egress, 'request'>
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
  readonly #endpoints: ReadonlyMap<string, Endpoint>
  readonly #lanes = new Map<string, Lane>()
  /** Workspaces that could not be opened, with the timers of their next attempts. */
  readonly #later = new Map<string, NodeJS.Timeout>()
  readonly #unlisten: readonly (() => void)[]
  #isClosed = false

  private constructor(options: OutboxOptions, journal: OutboxJournal) {
    this.#options = options
    this.#journal = journal
    const { subscriptions, secrets, egress, workspaces } = options
    const slots = new Slots(DELIVERIES, (name) => journal.fold.failing.has(name))
    this.#endpoints = new Map(
      Object.entries(subscriptions).map(([name, subscription]) => [
        name,
        new Endpoint({
          ...{ name, subscription, secrets, egress, slots },
          failing: () => journal.fold.failing.get(name),
          note: (event) => this.#note({ ...event, subscription: name }),
        }),
      ]),
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
    if (this.#isClosed || this.#lanes.has(workspace) || this.#namesFor(workspace).length === 0) return
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
    for (const unlisten of this.#unlisten) unlisten()
    for (const timer of this.#later.values()) clearTimeout(timer)
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()))
    await this.#journal.close()
  }

  /** In the turn of the record: the record and the note that it is to be told are one write. */
  #hear(workspace: string, record: LogRecord): void {
    const names = this.#namesFor(workspace)
    if (names.length === 0) return
    this.#lanes.get(workspace)?.hear(record)
    const isWanted = names.some((name) => this.#endpoints.get(name)?.wants(record.touched))
    if (!isWanted) return
    if (!this.fold.pending.has(workspace)) this.#note({ type: 'pending', workspace, from: record.lsn })
    if (!this.#lanes.has(workspace) && !this.#later.has(workspace)) void this.#tryOpen(workspace)
  }

  async #meet(workspace: string, fate: string): Promise<void> {
    if (this.#namesFor(workspace).length === 0) return
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

  async #open(workspace: string): Promise<void> {
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
      endpoints: this.#namesFor(workspace).flatMap((name) => this.#endpoints.get(name) ?? []),
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

  #namesFor(workspace: string): string[] {
    return [...this.#endpoints.values()]
      .filter(({ subscription }) => isFor(subscription, workspace))
      .map(({ name }) => name)
  }
}
