import type { JsonObject } from '@joinery/blocks'
import type { z } from 'zod'
import type { Freshness } from '../cache/read-cache.ts'
import type { VectorStore } from '../search/vector-store.ts'
import type { Secrets } from '../secrets/secrets.ts'

/** One resource of a workspace: an entry of a block's statuses. */
export interface ResourceRef {
  readonly workspace: string
  readonly block: string
  /** Name of the machine, such as `payment@1`. */
  readonly machine: string
  readonly name: string
}

/** The state of a resource as the service tells it. */
export interface Observed {
  /** A status of the machine. */
  readonly status: string
  /** Id of the resource at the service. */
  readonly externalId?: string
  /** Time of the service, ms since epoch. */
  readonly at?: number
  readonly progress?: number
  readonly total?: number
  /** Whether it needs no more looks; by default whether the status is a result of the machine. */
  readonly isSettled?: boolean
  /** Only with a status that is a failure. */
  readonly error?: string
  /** For display: at most 4,096 characters of JSON. */
  readonly detail?: JsonObject
}

export interface CallContext {
  readonly resource: ResourceRef
  /** The details that the run was started with, or that were told last. */
  readonly detail: JsonObject
  /** Id of the resource at the service, if it is known. */
  readonly externalId?: string | undefined
  /** Aborts when the attempt must end. */
  readonly signal: AbortSignal
}

export interface SyncContext extends CallContext {
  /** Idempotency key: the same in every attempt, in every process and after every crash. */
  readonly key: string
  /** Number of the attempt, from 1. */
  readonly attempt: number
  /** Time of the server when the task was started, ms since epoch. */
  readonly startedAt: number
  /** Tells how far the work is. Costs nothing to call often. */
  beat(progress: { readonly progress?: number; readonly total?: number }): void
}

/** How often and how long an adapter looks at a resource that is not finished. */
export interface Poll {
  /** Time until the first look, ms: it doubles with each look, up to `maxMs`. */
  readonly firstMs: number
  readonly maxMs: number
  /** Time after which the resource is stalled, ms. */
  readonly timeoutMs: number
  /** Time after which it has failed, ms: it is looked at until then. Undefined: nobody looks at one that is stalled. */
  readonly giveUpAfterMs?: number | undefined
}

/**
 * Speaks to one service about the resources of one machine. Errors with a `class`, an HTTP status or a system code say whether to
 * try again, as those of a step do.
 */
export interface ResourceAdapter {
  readonly machine: string
  /** Name of the service, for the breaker and the bound of calls at once. */
  readonly host: string
  /** Makes the service do what the run asks for. Called more than once with the same key: the effect is one. */
  sync(context: SyncContext): Promise<Observed>
  /** The state at the service now. */
  query?(context: CallContext): Promise<Observed>
  /** Takes the effect of {@link sync} back. A resource that is gone is a success. */
  undo?(context: SyncContext): Promise<void>
  /** The resource that was made under a key; undefined if there is none. */
  find?(context: CallContext & { readonly key: string }): Promise<Observed | undefined>
  /** Time for which the service remembers a key, ms; it is for ever if undefined. */
  readonly keyLifetimeMs?: number
  /** Looks again at a resource that is not finished. */
  readonly poll?: Poll
  /** How a person has a resource looked at again that was not finished in the time of the poll, in words that end a sentence. */
  readonly lookAgain?: string
  /** How long an answer of {@link query} may be given to people who look; undefined: the server itself asks nothing. */
  readonly cache?: Freshness
  /** Releases connections. */
  close?(): Promise<void>
}

/** An event that a service has sent, with its signature checked. */
export interface HookEvent {
  readonly endpoint: string
  readonly id: string
  /** Type of the event as the service names it; empty if it names none. */
  readonly type: string
  readonly body: JsonObject
}

/** The resource that an event is about. */
export interface HookTarget {
  readonly resource: ResourceRef
  readonly run?: { readonly no: number; readonly id: string; readonly source: string }
  readonly externalId?: string
  /** The state that the event itself tells: it counts where the service can't be asked. */
  readonly observed?: Observed
}

/** The id at the service of the resource that an event is about, where the event does not say whose it is. */
export interface HookHint {
  readonly externalId: string
}

/** The things that an adapter is given at the start. */
export interface AdapterWorld {
  readonly machine: string
  readonly secrets: Secrets
  /** Hosts and networks that an operator has opened for calls, as `Egress` reads them. */
  readonly egressAllow?: string
  /** Proxy of those calls. */
  readonly egressProxy?: string
  /** Reads the texts that belong to a block: its own, and those of the blocks of a collection. Absent where no run is made. */
  texts?(workspace: string, block: string, signal: AbortSignal): Promise<readonly BlockText[]>
  /** The vectors of texts, on the disk of the server. */
  readonly vectors?: VectorStore
}

/** The text of one block. */
export interface BlockText {
  readonly block: string
  readonly text: string
}

/** A kind of adapter: the configuration names it by `kind`. */
export interface AdapterKind<Config = never> {
  readonly kind: string
  /** A strict object with the literal `kind`. Secrets in it are of {@link secretName}. */
  readonly config: z.ZodType<Config>
  /** Names of the secrets that the adapter reads. */
  secretsOf(config: Config): readonly string[]
  /**
   * The resource that an event is about, or its id at the service, by which the server finds it. `ignored`: events of this kind matter
   * to nobody. Runs in the server, and reads no secrets.
   */
  route?(event: HookEvent, config: Config, machine: string): HookTarget | HookHint | 'ignored'
  /** Throws {@link ResourceError} `misconfigured`, which names the field. Connects to nothing yet. */
  open(config: Config, world: AdapterWorld): ResourceAdapter
}
