import type { IncomingMessage } from 'node:http'
import type { ClaimList } from '@joinery/blocks'
import type { LeaseAsk, LeasedWork } from '@joinery/protocol'
import type { BoardSearch, Files, Outbox, OutsideReads } from '@joinery/resources'
import type { Durability, Revocations, SignedHeads, Workspaces } from '@joinery/server'
import type { Tasks } from '@joinery/tasks'
import type { ApiLimits } from '../api-limits.ts'
import type { BytesInFlight } from '../bytes-in-flight.ts'
import type { CallerLives } from '../caller-lives.ts'
import type { Feeds } from '../feed/feeds.ts'
import type { History } from '../history/history.ts'
import type { Redact } from '../tasks/told-words.ts'
import type { Writes } from '../writes/writes.ts'

/** Takes the steps of one call of a worker from this process, by `own`, and from others. `caller` is the worker's request. */
export type GiveSharedWork = (
  ask: LeaseAsk,
  own: (ask: LeaseAsk, signal: AbortSignal) => Promise<LeasedWork[]>,
  caller: IncomingMessage,
  signal: AbortSignal,
) => Promise<LeasedWork[]>

/** The subscriptions of outbound webhooks. */
export type Subscribed = Pick<Outbox, 'subscriptions' | 'fold' | 'put' | 'remove'>

/** The parts of the API that handlers use. */
export interface Services {
  readonly workspaces: Workspaces
  readonly history: History
  readonly writes: Writes
  readonly feeds: Feeds
  readonly lives: CallerLives
  readonly revocations: Revocations
  readonly updatesInFlight: BytesInFlight
  /** The lists of claims of a block. */
  readonly lists: readonly ClaimList[]
  readonly limits: ApiLimits
  readonly durability: Durability
  /** Undefined where the server signs no heads. */
  readonly heads: Pick<SignedHeads, 'of'> | undefined
  /** Undefined where the API serves no tasks. */
  readonly tasks: Tasks | undefined
  /** Gives workers steps of other processes, too; undefined where this one gives out all. */
  readonly sharedWork: GiveSharedWork | undefined
  /** Sagas that the server's own worker alone runs in development mode. */
  readonly ownSagas: readonly string[]
  /** Takes secrets out of the words of workers and jobs. */
  readonly redact: Redact
  /** Undefined where the API serves no files. */
  readonly files: Files | undefined
  /** Undefined where the server tells nobody of changes. */
  readonly subscribed: Subscribed | undefined
  readonly search: Pick<BoardSearch, 'search'>
  /** Undefined where the server asks no service by itself. */
  readonly outside: Pick<OutsideReads, 'has' | 'read' | 'forget'> | undefined
}
