import { type EventStore, LogError, type SteadyClock, systemLogOf, systemSteadyClock } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Logger } from 'pino'
import { Counters } from '../counters.ts'
import { ServerError } from '../server-error.ts'
import { LeaseBook, type LeaseCounts, type LeaseLimits } from './lease-book.ts'
import { LEASES_LOG, LeaseJournal } from './lease-journal.ts'

/** Time for which a book without leases stays open, ms. */
const IDLE_MS = 30_000

export interface LeasesOptions {
  readonly store: EventStore
  readonly limits: LeaseLimits
  readonly logger: Logger
  readonly clock?: SteadyClock
  /** Counts of its own by default. */
  readonly counters?: Counters
}

/** A book that is open, or being opened. */
interface OpenBook {
  readonly book: Promise<LeaseBook>
  loaded: LeaseBook | undefined
  users: number
  /** Since when nobody needs it, ms of the monotonic clock. */
  idleSinceMs: number | undefined
}

/** The leases of all workspaces: opens the book of a workspace while somebody uses it, or a lease stands. */
export class Leases {
  readonly #options: LeasesOptions
  readonly #clock: SteadyClock
  readonly #counters: Counters
  readonly #books = new Map<WorkspaceId, OpenBook>()
  /** Workspaces whose books may not be opened until the promise resolves. */
  readonly #reserved = new Map<WorkspaceId, Promise<void>>()
  #isClosed = false

  constructor(options: LeasesOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemSteadyClock
    this.#counters = options.counters ?? new Counters()
  }

  /** Number of open books. */
  get size(): number {
    return this.#books.size
  }

  /** The leases that stand, and those who wait, in the open books: every lease that somebody has asked for since the start. */
  get counts(): LeaseCounts {
    let [leases, leaseWaiters] = [0, 0]
    for (const { loaded } of this.#books.values()) {
      leases += loaded?.counts.leases ?? 0
      leaseWaiters += loaded?.counts.leaseWaiters ?? 0
    }
    return { leases, leaseWaiters }
  }

  /** Runs `work` on the workspace's leases, whose book stays open meanwhile. Rejects with the log's error. */
  async use<T>(workspace: WorkspaceId, work: (book: LeaseBook) => T | Promise<T>): Promise<T> {
    for (let busy = this.#reserved.get(workspace); busy !== undefined; busy = this.#reserved.get(workspace)) await busy
    if (this.#isClosed) throw new LogError('closed', 'the server is closed')
    const open = this.#openBook(workspace)
    open.users++
    try {
      return await work(await open.book)
    } finally {
      open.users--
    }
  }

  /**
   * Runs `write` in the workspace. `write` calls its argument in the turn in which it writes: that throws `lease_lost` unless the
   * lease of the token stands then. Without a token nothing is asked.
   */
  async under<T>(
    workspace: WorkspaceId,
    token: string | undefined,
    write: (assertStands: () => void) => Promise<T>,
  ): Promise<T> {
    if (token === undefined) return write(() => undefined)
    return this.use(workspace, async (book) => {
      try {
        return await write(() => book.assertStands(token))
      } catch (error) {
        // Nobody is told of the end of a lease that a crash could take back.
        if (error instanceof ServerError && error.code === 'lease_lost') await book.durable
        throw error
      }
    })
  }

  /** Runs `work` while the workspace's book is closed. Callers that wait for a lease of it fail with `error`. */
  async whileClosed<T>(workspace: WorkspaceId, error: ServerError, work: () => Promise<T>): Promise<T> {
    for (let busy = this.#reserved.get(workspace); busy !== undefined; busy = this.#reserved.get(workspace)) await busy
    const done = Promise.withResolvers<void>()
    this.#reserved.set(workspace, done.promise)
    try {
      await this.#close(workspace, error)
      return await work()
    } finally {
      this.#reserved.delete(workspace)
      done.resolve()
    }
  }

  /** Closes the books that nobody needs. Called about once a second. */
  sweep(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const [workspace, open] of this.#books) {
      const { loaded, users } = open
      loaded?.sweep()
      const isNeeded = loaded === undefined || users > 0 || (loaded.isOurs && !loaded.isIdle)
      open.idleSinceMs = isNeeded ? undefined : (open.idleSinceMs ?? nowMs)
      if (open.idleSinceMs === undefined || nowMs - open.idleSinceMs < IDLE_MS) continue
      void this.whileClosed(workspace, restart(), async () => undefined)
    }
  }

  /** Closes all books. The leases stay in their logs. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#reserved.values()])
    await Promise.all(Array.from(this.#books.keys(), (workspace) => this.#close(workspace, restart())))
  }

  #openBook(workspace: WorkspaceId): OpenBook {
    const known = this.#books.get(workspace)
    if (known !== undefined && known.loaded?.isOurs !== false) return known
    const open: OpenBook = {
      book: this.#load(workspace, known),
      loaded: undefined,
      users: 0,
      idleSinceMs: undefined,
    }
    this.#books.set(workspace, open)
    open.book.then(
      (book) => {
        open.loaded = book
      },
      () => {
        if (this.#books.get(workspace) === open) this.#books.delete(workspace)
      },
    )
    return open
  }

  async #load(workspace: WorkspaceId, lost: OpenBook | undefined): Promise<LeaseBook> {
    await lost?.loaded?.close(restart())
    const { store, limits, logger } = this.#options
    const journal = await LeaseJournal.open(store, systemLogOf(LEASES_LOG, workspace), logger)
    return new LeaseBook(journal, store.copy, limits, this.#clock, this.#counters)
  }

  async #close(workspace: WorkspaceId, error: ServerError): Promise<void> {
    const open = this.#books.get(workspace)
    if (open === undefined) return
    this.#books.delete(workspace)
    // A book that could not be opened has nothing to close.
    const book = await open.book.catch(() => undefined)
    await book?.close(error)
  }
}

function restart(): ServerError {
  return new ServerError('restart', 'the server goes down for a restart: ask again')
}
