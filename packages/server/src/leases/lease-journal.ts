import type { EventStore, WorkspaceLog } from '@joinery/log'
import type { Logger } from 'pino'
import { decodeLeaseEvent, decodeLeaseState, encodeLeaseEvent, encodeLeaseState } from './lease-record.ts'
import { type LeaseEvent, LeaseFold } from './lease-state.ts'

/** Records after which the log takes a snapshot: they are read in a few milliseconds. */
const SNAPSHOT_RECORDS = 1_000
/** Records that stay readable once a snapshot stands for them: what an operator looks at after an incident. */
const KEPT_RECORDS = 10_000

/** The author of an event, as the log keeps it. */
export interface LeaseAuthor {
  readonly actor: string
  readonly source: string
}

/** The log of one workspace's leases, and the state that its records make. */
export class LeaseJournal {
  readonly fold: LeaseFold
  readonly #store: EventStore
  readonly #log: WorkspaceLog
  readonly #logger: Logger
  #durable: Promise<void> = Promise.resolve()
  #tidying: Promise<void> | undefined

  private constructor(store: EventStore, log: WorkspaceLog, fold: LeaseFold, logger: Logger) {
    this.#store = store
    this.#log = log
    this.fold = fold
    this.#logger = logger
  }

  /** Opens the log. The first append makes it. Rejects with the log's error. */
  static async open(store: EventStore, name: string, logger: Logger): Promise<LeaseJournal> {
    const log = await store.open(name)
    try {
      const snapshot = await log.latestSnapshot()
      const fold = new LeaseFold(snapshot && decodeLeaseState(snapshot.state))
      for await (const { update } of log.read(snapshot && { after: snapshot.lsn })) fold.take(decodeLeaseEvent(update))
      return new LeaseJournal(store, log, fold, logger)
    } catch (error) {
      await log.close()
      throw error
    }
  }

  /** Id of the log, which no other server and workspace has; undefined before the first append. */
  get generation(): string | undefined {
    return this.#log.generation
  }

  /** False once the log takes no more appends for good: it was closed, or another process writes it. */
  get isOurs(): boolean {
    const { state } = this.#log.state
    return state === 'open' || state === 'failed'
  }

  /** Resolves when everything that was appended so far is on the disk. */
  get durable(): Promise<void> {
    return this.#durable
  }

  /** Appends the events as one write, and takes them into the state. Throws the log's error, and changes nothing then. */
  append(events: readonly LeaseEvent[], { actor, source }: LeaseAuthor): void {
    const entries = events.map((event) => {
      const update = encodeLeaseEvent(event)
      return { update, actor, source, connection: 'lease', touched: touchedBy(event) }
    })
    const receipts = this.#store.atomically(() => entries.map((entry) => this.#log.append(entry, { sync: true })))
    const durable = Promise.all(receipts.map((receipt) => receipt.durable)).then(() => undefined)
    // A caller that waits for a later append is told of the failure.
    durable.catch(() => undefined)
    this.#durable = durable
    for (const event of events) this.fold.take(event)
    if (this.#log.sinceSnapshot.records >= SNAPSHOT_RECORDS) this.#tidying ??= this.#tidy()
  }

  async close(): Promise<void> {
    await this.#tidying
    await this.#log.close()
  }

  async #tidy(): Promise<void> {
    try {
      await this.#log.snapshot({ lsn: this.#log.head, state: encodeLeaseState(this.fold.state) })
      const verify = (state: Uint8Array) => void decodeLeaseState(state)
      await this.#log.compact({ keepHistory: { events: KEPT_RECORDS }, verify })
    } catch (error) {
      // The records are all there: the next append tries again.
      this.#logger.warn({ log: this.#log.workspace, error }, 'the log of leases took no snapshot')
    } finally {
      this.#tidying = undefined
    }
  }
}

function touchedBy(event: LeaseEvent): string[] {
  switch (event.type) {
    case 'acquired':
      return [pathOf(event.lease.name)]
    case 'renewed':
      return [pathOf(event.name)]
    case 'ended':
      return event.leases.map(({ name }) => pathOf(name))
    case 'copied':
      return []
  }
}

function pathOf(name: string): string {
  return `lease/${name}`
}
