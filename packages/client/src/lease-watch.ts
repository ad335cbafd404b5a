import { ClientError } from './client-error.ts'
import type { LeaseStatus } from './lease.ts'
import { type Observable, ObservableValue } from './observable-value.ts'
import type { Workspace } from './workspace.ts'

/** A lease as a page shows it, without the times that change at each renewal: `workspace.leases.status(name)` tells them. */
export type ShownLease = Omit<LeaseStatus, 'expiresAt' | 'remainingMs'>

/** The leases of a workspace as the server has last told them. */
export interface LeasesView {
  /** In the order of their names; undefined until the server has answered. A lease that stays the same stays the same object. */
  readonly list: readonly ShownLease[] | undefined
  /** The reason why the server did not answer the last time; undefined when it did. */
  readonly error: ClientError | undefined
}

/** Time between two looks, ms: leases change outside of the document, and nobody is told of it. */
const LOOK_MS = 2_000

const watches = new WeakMap<Workspace, LeaseWatch>()

/** The leases of a workspace, asked for again and again while somebody subscribes. Each call returns the same object. */
export function leasesIn(workspace: Workspace): Observable<LeasesView> {
  const known = watches.get(workspace) ?? new LeaseWatch(workspace)
  watches.set(workspace, known)
  return known
}

class LeaseWatch implements Observable<LeasesView> {
  readonly #workspace: Workspace
  readonly #view = new ObservableValue<LeasesView>({ list: undefined, error: undefined }, isSameView)
  #subscribers = 0
  #looking: AbortController | undefined

  constructor(workspace: Workspace) {
    this.#workspace = workspace
  }

  readonly get = (): LeasesView => this.#view.get()

  readonly subscribe = (listener: () => void): (() => void) => {
    const unsubscribe = this.#view.subscribe(listener)
    let isSubscribed = true
    if (this.#subscribers++ === 0) this.#start()
    return () => {
      if (!isSubscribed) return
      isSubscribed = false
      unsubscribe()
      if (--this.#subscribers === 0) this.#looking?.abort()
    }
  }

  #start(): void {
    const looking = new AbortController()
    this.#looking = looking
    void this.#look(looking.signal)
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { list } = this.#view.get()
    try {
      const now = await this.#workspace.leases.list({ signal })
      if (!signal.aborted) this.#view.set({ list: sameAs(list, now.map(shown)), error: undefined })
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ClientError)) throw error
      this.#view.set({ list, error })
      if (error.code === 'closed') return
    }
    const timer = setTimeout(() => void this.#look(signal), LOOK_MS)
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true })
  }
}

function isSameView(a: LeasesView, b: LeasesView): boolean {
  return a.list === b.list && a.error?.message === b.error?.message
}

function shown({ expiresAt: _expiresAt, remainingMs: _remainingMs, ...lease }: LeaseStatus): ShownLease {
  return lease
}

/** The new list, with the old objects where nothing has changed; the old list where nothing at all has. */
function sameAs(old: readonly ShownLease[] | undefined, list: readonly ShownLease[]): readonly ShownLease[] {
  if (old === undefined) return list
  const byName = new Map(old.map((lease) => [lease.name, lease]))
  const kept = list.map((lease) => {
    const before = byName.get(lease.name)
    const isSame = before?.fence === lease.fence && before.ttlMs === lease.ttlMs && before.waiting === lease.waiting
    return isSame ? before : lease
  })
  return kept.length === old.length && kept.every((lease, index) => lease === old[index]) ? old : kept
}
