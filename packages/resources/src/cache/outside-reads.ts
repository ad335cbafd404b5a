import type { Observed, ResourceAdapter, ResourceRef } from '../adapters/adapter.ts'
import type { Secrets } from '../secrets/secrets.ts'
import { Slots } from '../slots.ts'
import { type CachedRead, ReadCache, type ReadCacheOptions } from './read-cache.ts'

/** Calls at once: to all services, and to one. Those of tasks have bounds of their own. */
const CALLS = { all: 32, each: 8 } as const
/** Longest time of one call, ms: a person waits for it. */
const CALL_MS = 30_000

export interface OutsideReadsOptions {
  /** The adapters that may be asked by the server itself, by machine. */
  readonly adapters: ReadonlyMap<string, ResourceAdapter>
  readonly secrets: Secrets
  readonly cache?: ReadCacheOptions
}

/** The state of a resource at its service. */
export interface OutsideRead {
  /** Undefined: the service has no such resource. */
  readonly observed: Observed | undefined
  /** When the service said so, ms since epoch. */
  readonly observedAt: number
  readonly outcome: CachedRead<Told>['outcome']
}

/** An answer of a service, and when it came, ms since epoch. */
interface Told {
  readonly observed: Observed
  readonly at: number
}

/**
 * Asks services how resources are, for people who look. The answers are kept for a short time and stand for nothing: no status is written by
 * them, and steps of tasks, which run in processes of their own, have no way to them.
 */
export class OutsideReads {
  readonly #options: OutsideReadsOptions
  readonly #cache: ReadCache<Told>
  readonly #slots = new Slots(CALLS)

  constructor(options: OutsideReadsOptions) {
    this.#options = options
    this.#cache = new ReadCache(options.cache)
  }

  get counts(): ReadCache<Told>['counts'] {
    return this.#cache.counts
  }

  get size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#cache.entries, bytes: this.#cache.bytes }
  }

  /** Whether the service of a machine may be asked. */
  has(machine: string): boolean {
    const adapter = this.#options.adapters.get(machine)
    return adapter?.cache !== undefined && adapter.query !== undefined
  }

  /** The state of a resource by its id at the service. Rejects with the adapter's error, which holds no secret, or the reason of `signal`. */
  async read(resource: ResourceRef, externalId: string, signal: AbortSignal): Promise<OutsideRead> {
    const adapter = this.#options.adapters.get(resource.machine)
    if (adapter?.cache === undefined) throw new Error(`${resource.machine} is not read by the server`)
    const { host, cache: freshness } = adapter
    const { value, ageMs, outcome } = await this.#cache.read({
      ...{
        key: JSON.stringify([resource.machine, externalId, tagOf(resource)]),
        tag: tagOf(resource),
        freshness,
        signal,
      },
      load: (gone) => {
        const until = AbortSignal.any([gone, AbortSignal.timeout(CALL_MS)])
        return this.#slots.take(host, until, () => this.#ask(adapter, resource, externalId, until))
      },
    })
    return { observed: value?.observed, observedAt: value?.at ?? Date.now() - Math.round(ageMs), outcome }
  }

  /** Forgets what is known of the resources of a block: there is news of one. */
  forget(workspace: string, block: string): void {
    this.#cache.drop(tagOf({ workspace, block }))
  }

  async close(): Promise<void> {
    this.#cache.close()
    await Promise.all([...this.#options.adapters.values()].map((adapter) => adapter.close?.()))
  }

  async #ask(
    adapter: ResourceAdapter,
    resource: ResourceRef,
    externalId: string,
    signal: AbortSignal,
  ): Promise<Told | undefined> {
    try {
      const observed = await adapter.query?.({ resource, externalId, detail: {}, signal })
      return observed && { observed, at: Date.now() }
    } catch (error) {
      // Ours have `status`, those of Stripe's library `statusCode`.
      const { status, statusCode } = error as { readonly status?: unknown; readonly statusCode?: unknown }
      if ([404, 410].some((absent) => status === absent || statusCode === absent)) return undefined
      if (error instanceof Error) error.message = this.#options.secrets.redact(error.message)
      throw error
    }
  }
}

function tagOf({ workspace, block }: Pick<ResourceRef, 'workspace' | 'block'>): string {
  return JSON.stringify([workspace, block])
}
