import { type EventStore, Journal, type JournalTrial, journalTrial } from '@joinery/log'
import type { Logger } from 'pino'
import { leaseEvents, leaseStates } from './lease-record.ts'
import { type LeaseEvent, LeaseFold } from './lease-state.ts'

/** Records after which the log takes a snapshot: they are read in a few milliseconds. */
const SNAPSHOT_RECORDS = 1_000
/** Records that stay readable once a snapshot stands for them: what an operator looks at after an incident. */
const KEPT_RECORDS = 10_000

/** Kind of the system logs of leases: `!leases/<workspace>`. */
export const LEASES_LOG = '!leases'

/** Begins the trial of a log of leases. */
export function tryLeaseJournal(): JournalTrial {
  return journalTrial({ events: leaseEvents, states: leaseStates })
}

/** The author of an event, as the log keeps it. */
export interface LeaseAuthor {
  readonly actor: string
  readonly source: string
}

/** The log of one workspace's leases, and the state that its records make. */
export class LeaseJournal {
  readonly #journal: Journal<LeaseEvent, LeaseFold>

  private constructor(journal: Journal<LeaseEvent, LeaseFold>) {
    this.#journal = journal
  }

  /** Opens the log. The first append makes it. Rejects with the log's error. */
  static async open(store: EventStore, name: string, logger: Logger): Promise<LeaseJournal> {
    const log = await store.open(name)
    try {
      const journal = await Journal.open<LeaseEvent, LeaseFold>({
        log,
        atomically: (work) => store.atomically(work),
        events: leaseEvents,
        states: leaseStates,
        empty: () => new LeaseFold(),
        touchedBy,
        keepHistory: { events: KEPT_RECORDS },
        snapshotRecords: SNAPSHOT_RECORDS,
        onUntidy: (error) => logger.warn({ log: name, error }, 'the log of leases took no snapshot'),
      })
      return new LeaseJournal(journal)
    } catch (error) {
      await log.close()
      throw error
    }
  }

  get fold(): LeaseFold {
    return this.#journal.fold
  }

  /** Id of the log, which no other server and workspace has; undefined before the first append. */
  get generation(): string | undefined {
    return this.#journal.log.generation
  }

  /** False once the log takes no more appends for good: it was closed, or another process writes it. */
  get isOurs(): boolean {
    return this.#journal.isOurs
  }

  /** Resolves when everything that was appended so far is on the disk. */
  get durable(): Promise<void> {
    return this.#journal.durable
  }

  /** Appends the events as one write, and takes them into the state. Throws the log's error, and changes nothing then. */
  append(events: readonly LeaseEvent[], { actor, source }: LeaseAuthor): void {
    const entries = events.map((event) => ({ event, actor, source, connection: 'lease' }))
    this.#journal.append(entries, { sync: true })
  }

  async close(): Promise<void> {
    await this.#journal.close()
    await this.#journal.log.close()
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
