import { Journal, type JournalOptions, type LogRecord, systemLogOf, type WorkspaceLog } from '@joinery/log'
import { Courier, type CourierEndpoint, type CourierLane } from './courier.ts'
import { type LaneEvent, LaneFold, laneEvents, laneStates } from './lane-fold.ts'

/** Kind of the system logs of deliveries: `!outbox` is the server's own, `!outbox/<workspace>` a workspace's. */
export const OUTBOX_LOG = '!outbox'
export const OUTBOX_ENTRY = { actor: 'joinery', source: 'provider', connection: 'outbox:' } as const

export type LaneJournal = Journal<LaneEvent, LaneFold>
export type Atomically = JournalOptions<LaneEvent, LaneFold>['atomically']

/** Opens the journal of a workspace's deliveries. Rejects with the log's error. */
export function openLaneJournal(
  log: WorkspaceLog,
  atomically: Atomically,
  onUntidy: (error: unknown) => void,
): Promise<LaneJournal> {
  return Journal.open<LaneEvent, LaneFold>({
    ...{ log, atomically, onUntidy },
    events: laneEvents,
    states: laneStates,
    empty: () => new LaneFold(),
    touchedBy: ({ subscription }) => [`subscription/${subscription}`],
    // Bodies of deliveries are in the records: what was sent long ago is of no use.
    keepHistory: { events: 1_000 },
  })
}

/** Name of the log of a workspace's deliveries. */
export function laneLogOf(workspace: string): string {
  return systemLogOf(OUTBOX_LOG, workspace)
}

/** The workspaces whose changes are told. */
export interface ToldWorkspaces {
  tail(workspace: string, options: { readonly after: number; readonly signal: AbortSignal }): AsyncIterable<LogRecord>
  position(
    workspace: string,
  ): Promise<{ readonly head: number; readonly firstLsn: number; readonly generation: string | undefined }>
  /** The statuses of blocks, as they are shown now. */
  statusesOf(workspace: string, blocks: readonly string[]): Promise<readonly object[]>
}

export interface LaneOptions {
  readonly workspace: string
  readonly workspaces: ToldWorkspaces
  readonly openJournal: (release: () => Promise<void>) => Promise<LaneJournal>
  readonly endpoints: readonly CourierEndpoint[]
  readonly logger: { warn(about: object, message: string): void }
  /** Called in the turn in which everything is told. */
  readonly onIdle: (lane: Lane) => void
  /** Called in the turn in which the number of dead deliveries changes. */
  readonly onDead: (lane: Lane, count: number) => void
  readonly onClosed: (lane: Lane) => void
}

/** One workspace with its couriers, one for each subscription that is for it. */
export class Lane implements CourierLane {
  readonly workspace: string
  readonly #options: LaneOptions
  readonly #stop = new AbortController()
  #journal: LaneJournal | undefined
  #couriers: readonly Courier[] = []
  #generation: string | undefined
  #head = 0
  #isPaused = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.workspace = options.workspace
  }

  /**
   * Opens the journal, and starts. Subscriptions that are new to the workspace begin after `begin`, or with the next record. Rejects with the
   * errors of the workspace and of the log.
   */
  async open(begin: number | undefined): Promise<void> {
    const { openJournal, endpoints } = this.#options
    // Before the journal: a deleted workspace has none to be opened.
    await this.#look()
    const generation = this.#generation
    // Nothing was ever written in it: its first record opens it.
    if (generation === undefined) return await this.close()
    this.#journal = await openJournal(() => this.close())
    if (this.#stop.signal.aborted) return
    for (const courier of this.#take(endpoints, generation, begin ?? this.#head)) courier.start()
  }

  /** Goes on with these endpoints. Those that are new begin with the next record, or where one of their name was left. */
  async changeTo(endpoints: readonly CourierEndpoint[]): Promise<void> {
    const generation = this.#generation
    if (!this.isOpen || generation === undefined) return
    const before = this.#couriers
    this.#couriers = before.filter(({ endpoint }) => endpoints.includes(endpoint))
    const known = this.#couriers.map(({ endpoint }) => endpoint)
    // In this turn: a record that comes meanwhile is theirs.
    const taken = this.#take(
      endpoints.filter((endpoint) => !known.includes(endpoint)),
      generation,
      this.#head,
    )
    // Two of one name would make one delivery twice.
    await Promise.all(before.filter(({ endpoint }) => !known.includes(endpoint)).map((courier) => courier.stop()))
    if (!this.isOpen) return
    for (const courier of taken) courier.start()
    if (this.#couriers.length === 0) this.#options.onIdle(this)
  }

  /** Makes the couriers of endpoints. Those that are new to the workspace begin after `through`. */
  #take(endpoints: readonly CourierEndpoint[], generation: string, through: number): readonly Courier[] {
    const { logger } = this.#options
    const taken = endpoints.map((endpoint) => new Courier({ lane: this, endpoint, logger }))
    for (const { name } of taken) {
      if (!this.fold.places.has(name)) this.append({ type: 'begun', subscription: name, generation, through })
    }
    this.#couriers = [...this.#couriers, ...taken]
    return taken
  }

  get fold(): LaneFold {
    return this.journal.fold
  }

  get journal(): LaneJournal {
    if (this.#journal === undefined) throw new Error('the journal of deliveries is not open')
    return this.#journal
  }

  get isOpen(): boolean {
    return this.#journal !== undefined && !this.#stop.signal.aborted
  }

  get generation(): string | undefined {
    return this.#generation
  }

  get head(): number {
    return this.#head
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get signal(): AbortSignal {
    return this.#stop.signal
  }

  /** Records that are not told yet, of each courier. */
  get lags(): { readonly subscription: string; readonly lag: number }[] {
    return this.#couriers.map(({ name, lag }) => ({ subscription: name, lag }))
  }

  append(event: LaneEvent): void {
    const before = this.fold.deadCount
    this.journal.append([{ event, ...OUTBOX_ENTRY }])
    const count = this.fold.deadCount
    if (count !== before) this.#options.onDead(this, count)
  }

  tail(options: { readonly after: number; readonly signal: AbortSignal }): AsyncIterable<LogRecord> {
    return this.#options.workspaces.tail(this.workspace, options)
  }

  async firstLsn(): Promise<number> {
    return (await this.#options.workspaces.position(this.workspace)).firstLsn
  }

  statusesOf(blocks: readonly string[]): Promise<readonly object[]> {
    return blocks.length === 0 ? Promise.resolve([]) : this.#options.workspaces.statusesOf(this.workspace, blocks)
  }

  /** Hears of a record in the turn in which it is appended. */
  hear({ lsn, touched }: LogRecord): void {
    this.#head = Math.max(this.#head, lsn)
    for (const courier of this.#couriers) if (courier.wants(touched)) courier.wake()
  }

  wake(): void {
    for (const courier of this.#couriers) courier.wake()
  }

  rest(): void {
    if (!this.isOpen || !this.#couriers.every(({ isIdle }) => isIdle)) return
    for (const courier of this.#couriers) courier.settle()
    this.#options.onIdle(this)
  }

  /** Sends nothing while the workspace is deleted. */
  pause(): void {
    this.#isPaused = true
  }

  /** Goes on with the history that the workspace has now. */
  async resume(): Promise<void> {
    this.#head = 0
    await this.#look()
    this.#isPaused = false
    this.wake()
  }

  /** Stops what is under way: it is made again by the next who opens the workspace. Idempotent. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#couriers.map((courier) => courier.stop()))
    await this.#journal?.close()
    this.#options.onClosed(this)
  }

  async #look(): Promise<void> {
    const { head, generation } = await this.#options.workspaces.position(this.workspace)
    this.#head = Math.max(this.#head, head)
    this.#generation = generation
  }
}
