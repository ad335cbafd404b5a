import { type EventStore, LogError } from '@joinery/log'
import {
  type Lease,
  Leases,
  type LeaseView,
  parseWorkspaceName,
  SERVER_LIMITS,
  type WorkspaceLeases,
} from '@joinery/server'
import { pino } from 'pino'

/** One lease as operators see it. Times are ms; `acquiredAt` is since the epoch. */
export interface LeaseRow extends Pick<Lease, 'name' | 'holder' | 'actor' | 'fence' | 'ttlMs' | 'acquiredAt'> {
  /** Time until it ends unless its holder renews it. Without a server no time passes: its whole TTL. */
  readonly remainingMs: number
  readonly waiting: number
}

/** The leases of the workspaces of a store. */
export interface StoreLeases {
  list(workspace: string): Promise<readonly LeaseView[]>
  /** Ends the lease of a name. Resolves with false when nobody holds it. */
  release(workspace: string, name: string): Promise<boolean>
}

/** The author of the end of a lease that an operator releases. */
const OPERATOR = { actor: 'joinery', source: 'operator' } as const

/** The leases of a store that no server has open. */
export function directLeases(store: EventStore): StoreLeases {
  const using = async <T,>(
    name: string,
    work: (leases: Leases, workspace: ReturnType<typeof nameOf>) => Promise<T>,
  ) => {
    const leases = new Leases({ store, limits: SERVER_LIMITS, logger: pino({ level: 'silent' }) })
    try {
      return await work(leases, nameOf(name))
    } finally {
      await leases.close()
    }
  }
  return {
    list: (name) => using(name, (leases, workspace) => leases.use(workspace, async (book) => book.list())),
    release: (name, lease) =>
      using(name, (leases, workspace) =>
        leases.use(workspace, async (book) => {
          const ended = book.evict(lease, OPERATOR)
          await book.durable
          return ended !== undefined
        }),
      ),
  }
}

/** The leases of a server's store. Those who wait for a released lease have it at once. */
export function servedLeases(leases: WorkspaceLeases): StoreLeases {
  return {
    list: (name) => leases.list(nameOf(name)),
    release: async (name, lease) => (await leases.evict(nameOf(name), lease, OPERATOR)) !== undefined,
  }
}

/** The leases of a workspace, in byte order of their names. Rejects with `invalid` if there is no such workspace. */
export async function leasesOf(store: EventStore, leases: StoreLeases, workspace: string): Promise<LeaseRow[]> {
  await assertThere(store, workspace)
  return (await leases.list(workspace)).map(rowOf)
}

/** Ends a lease of any holder. Rejects with `invalid` if there is no such workspace, or nobody holds the lease. */
export async function releaseLease(
  store: EventStore,
  leases: StoreLeases,
  workspace: string,
  name: string,
): Promise<LeaseRow> {
  const held = (await leasesOf(store, leases, workspace)).find((lease) => lease.name === name)
  if (held === undefined || !(await leases.release(workspace, name))) throw noLease(workspace, name)
  return held
}

export function noLease(workspace: string, name: string): LogError {
  return new LogError('invalid', `nobody holds the lease ${JSON.stringify(name)} of ${workspace}`, { workspace })
}

async function assertThere(store: EventStore, workspace: string): Promise<void> {
  for await (const name of store.workspaces()) if (name === workspace) return
  throw new LogError('invalid', `there is no workspace ${workspace}`, { workspace })
}

function nameOf(name: string) {
  const workspace = parseWorkspaceName(name)
  if (workspace === undefined) throw new LogError('invalid', `there is no workspace ${name}`, { workspace: name })
  return workspace
}

function rowOf({ lease, remainingMs, waiting }: LeaseView): LeaseRow {
  const { name, holder, actor, fence, ttlMs, acquiredAt } = lease
  return { name, holder, actor, fence, ttlMs, acquiredAt, remainingMs: Math.ceil(remainingMs), waiting }
}
