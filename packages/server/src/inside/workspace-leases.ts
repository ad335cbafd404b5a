import { LogError } from '@joinery/log'
import type { WorkspaceId } from '@joinery/protocol'
import type { Lease } from '../leases/lease.ts'
import type { Acquired, LeaseBook, LeaseRequest, LeaseView } from '../leases/lease-book.ts'
import type { LeaseAuthor } from '../leases/lease-journal.ts'
import type { Leases } from '../leases/leases.ts'
import { countCreation } from '../room/quota-check.ts'
import type { Rooms } from '../room/rooms.ts'
import type { ServerError } from '../server-error.ts'

/** A lease that its holder shows the token of. */
export interface HeldLease {
  readonly name: string
  readonly token: string
  readonly author: LeaseAuthor
}

/**
 * The leases of workspaces, for programs inside the server. Each answer is given once its cause is on the disk. All methods reject
 * as those of `Workspaces` do when the workspace can't be loaded.
 */
export class WorkspaceLeases {
  readonly #rooms: Rooms
  readonly #leases: Leases

  constructor(rooms: Rooms, leases: Leases) {
    this.#rooms = rooms
    this.#leases = leases
  }

  /**
   * Gives a lease to the caller, at once or within `waitMs` in order of asking. Makes the workspace if there is none. Rejects with
   * `too_many_leases`, with the storage error, and with `quota_workspaces`.
   *
   * @param principal the principal whose quotas count; nobody's by default
   */
  async acquire(workspace: WorkspaceId, request: LeaseRequest, principal?: string): Promise<Acquired> {
    return this.#leases.use(workspace, async (book) => {
      await this.#rooms.hold(workspace, (log) => {
        if (principal !== undefined) countCreation(principal, log, this.#rooms.quotas)
        return log.create()
      })
      // In the turn in which the workspace is known not to be deleted.
      const asked = await this.#rooms.hold(workspace, () => ({ acquired: book.acquire(request) }))
      return asked.acquired
    })
  }

  /** Renews a lease, with its TTL or another. Rejects with `lease_lost`. */
  async renew(workspace: WorkspaceId, held: HeldLease, ttlMs: number | undefined): Promise<LeaseView> {
    const { name, token, author } = held
    return this.#leases.use(workspace, (book) =>
      this.#whenStored(book, () => book.view(book.renew(name, token, ttlMs, author))),
    )
  }

  /** Ends a lease, so that the next may have it. Rejects with `lease_lost`. */
  async release(workspace: WorkspaceId, { name, token, author }: HeldLease): Promise<void> {
    await this.#leases.use(workspace, (book) => this.#whenStored(book, () => book.release(name, token, author)))
  }

  /** Ends the lease of a name of any holder. Resolves with it; with undefined while nobody holds it. */
  async evict(workspace: WorkspaceId, name: string, author: LeaseAuthor): Promise<Lease | undefined> {
    return this.#leases.use(workspace, (book) => this.#whenStored(book, () => book.evict(name, author)))
  }

  /** The leases that stand, in byte order of their names. */
  async list(workspace: WorkspaceId): Promise<readonly LeaseView[]> {
    return this.#leases.use(workspace, (book) => this.#whenStored(book, () => book.list()))
  }

  /** The lease of a name; undefined while nobody holds it. */
  async find(workspace: WorkspaceId, name: string): Promise<LeaseView | undefined> {
    return this.#leases.use(workspace, (book) => this.#whenStored(book, () => book.find(name)))
  }

  /** Rejects with `lease_lost` unless the lease of the token stands. Without a token nothing is asked. */
  async assertStands(workspace: WorkspaceId, token: string | undefined): Promise<void> {
    await this.#leases.under(workspace, token, async (assertStands) => assertStands())
  }

  /** Ends all leases of a workspace if the one of the token stands, and fails all that wait with `error`. */
  async endAll(workspace: WorkspaceId, error: ServerError, lease: string | undefined): Promise<void> {
    const end = (book: LeaseBook): void => {
      if (lease !== undefined) book.assertStands(lease)
      book.endAll('deleted', { actor: 'joinery', source: 'server' }, error)
    }
    try {
      await this.#leases.use(workspace, (book) => this.#whenStored(book, () => end(book)))
    } catch (failure) {
      // No lease of a damaged log stands, and a damaged workspace can be deleted.
      const isDamaged = failure instanceof LogError && failure.code === 'corrupted'
      if (lease !== undefined || !isDamaged) throw failure
    }
  }

  async #whenStored<T>(book: LeaseBook, decide: () => T): Promise<T> {
    try {
      return decide()
    } finally {
      await book.durable
    }
  }
}
