import type { IncomingMessage, ServerResponse } from 'node:http'
import { CLAIM_LISTS, type ClaimList } from '@joinery/blocks'
import { BoardSearch, type Files, type OutsideReads, withoutSecrets } from '@joinery/resources'
import {
  type Authenticator,
  type Costs,
  type Durability,
  developmentAuthenticator,
  Revocations,
  type SignedHeads,
  type Workspaces,
} from '@joinery/server'
import type { Tasks } from '@joinery/tasks'
import pino, { type Logger } from 'pino'
import { API_LIMITS, type ApiLimits } from '../api-limits.ts'
import { BytesInFlight } from '../bytes-in-flight.ts'
import { CallerLives } from '../caller-lives.ts'
import { Feeds } from '../feed/feeds.ts'
import { History } from '../history/history.ts'
import { catchUpTurns, replayTurns } from '../history/replay-turns.ts'
import { FREE_COSTS, PayingCallers } from '../request-work.ts'
import { allRoutes } from '../routes/all-routes.ts'
import { fileRoutes } from '../routes/file-routes.ts'
import { outsideRoutes } from '../routes/outside-routes.ts'
import type { GiveSharedWork, Subscribed } from '../routes/services.ts'
import { subscriptionRoutes } from '../routes/subscription-routes.ts'
import { taskActionRoutes } from '../routes/task-action-routes.ts'
import { taskRoutes } from '../routes/task-routes.ts'
import { workRoutes } from '../routes/work-routes.ts'
import type { Redact } from '../tasks/told-words.ts'
import { Writes } from '../writes/writes.ts'
import { createHttpApp } from './http-app.ts'
import type { Origins } from './origin-check.ts'
import { type OwnWork, withOwnWork } from './own-work.ts'
import { RequestRate } from './request-rate.ts'

export interface ApiOptions {
  /** The workspaces of a server. Its rules must be the document rules of blocks, which say which blocks a record touched. */
  readonly workspaces: Workspaces
  /** The lists of claims that blocks have: the table of the server's rules. Joinery's own by default. */
  readonly lists?: readonly ClaimList[]
  /** The ledger of a server: callers pay for what their requests cost. Without it, every caller may use any share. */
  readonly costs?: Costs
  /** The durability that the server's store promises. */
  readonly durability: Durability
  /** The authenticator of the server. Without one, the API runs in development mode and lets everybody in. */
  readonly authenticator?: Authenticator
  /** Tokens that were taken back, the same as the authenticator's and the server's. */
  readonly revocations?: Revocations
  /** Exact origins of the pages that may call. Default: any page with an authenticator, pages of this machine without one. */
  readonly origins?: readonly string[]
  /** The tasks of the server. Without them, the API has no routes for tasks and workers. */
  readonly tasks?: Tasks
  /**
   * Sagas that the server's own worker alone runs in development mode, with those whose names begin with theirs and a dot, and the
   * bearer token by which that worker is known. With an authenticator the claim `work` of a token decides.
   */
  readonly ownWork?: OwnWork
  /** The files of the server, whose work its tasks do. Without them, the API has no routes for files. */
  readonly files?: Files
  /** The subscriptions of outbound webhooks. Without them, the API has no routes for these. */
  readonly subscribed?: Subscribed
  /** Searches the texts of workspaces: by letters by default. */
  readonly search?: Pick<BoardSearch, 'search'>
  /** Asks services how resources are, for people who look. Without it, the API has no routes for that. */
  readonly outside?: Pick<OutsideReads, 'has' | 'read' | 'forget'>
  /** Signs the heads of workspaces. Without it, `GET …/head` answers `no_head_key`. */
  readonly heads?: Pick<SignedHeads, 'of'>
  /**
   * Passes a request on that another process of a cluster has to answer; resolves with false if this one answers it. Asked once the
   * caller is let in, before the body is read. Without it, every request is answered here.
   */
  readonly passOn?: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>
  /**
   * Gives workers the steps of other processes of a cluster, too. Without it, those of {@link tasks} alone. A caller whose request another
   * process makes for it gets those of this process alone.
   */
  readonly sharedWork?: GiveSharedWork
  /** Takes secrets out of the words of workers and jobs. By default it finds those that look like secrets. */
  readonly redact?: Redact
  /** Silent by default. */
  readonly logger?: Logger
  readonly limits?: Partial<ApiLimits>
  /** The version that the OpenAPI description names. */
  readonly version?: string
}

export interface Api {
  /** Numbers of refused requests since the start, by error code. */
  readonly refused: ReadonlyMap<string, number>
  /** Answers a request whose path is `/v1` or below it. Returns false, and does nothing, for any other path. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  /** Ends all streams and accepts no more. Call it before you close the server. Idempotent. */
  close(): Promise<void>
}

const ofTasks = [...taskRoutes, ...taskActionRoutes, ...workRoutes]

/** Makes the HTTP API of a server's workspaces. Resolves when it can answer requests. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const {
    workspaces,
    durability,
    tasks,
    lists = CLAIM_LISTS,
    logger = pino({ level: 'silent' }),
    version = '0.1.0',
  } = options
  const limits = { ...API_LIMITS, ...options.limits }
  const origins: Origins = options.origins ?? (options.authenticator === undefined ? 'loopback' : 'any')
  const turns = replayTurns(limits)
  const history = new History({
    workspaces,
    turns,
    pageRecordsMax: limits.pageRecordsMax,
    pageBytesMax: limits.pageBytesMax,
  })
  const writes = new Writes({ workspaces, history, lists, limits, tasks })
  const callers = new PayingCallers(options.costs ?? FREE_COSTS, limits)
  const feeds = new Feeds({ workspaces, callers, turns, catchUps: catchUpTurns(limits), lists, limits, logger })
  const updatesInFlight = new BytesInFlight({
    what: 'Yjs updates',
    all: limits.updatesInFlightBytesMax,
    perActor: limits.updatesInFlightPerActorBytesMax,
  })
  const bodiesInFlight = new BytesInFlight({
    what: 'bodies',
    all: limits.bodiesInFlightBytesMax,
    perActor: limits.bodiesInFlightPerActorBytesMax,
  })
  const answersInFlight = new BytesInFlight({
    what: 'answers',
    all: limits.answersInFlightBytesMax,
    perActor: limits.answersInFlightPerActorBytesMax,
  })
  const revocations = options.revocations ?? new Revocations()
  const lives = new CallerLives(revocations)
  const refused = new Map<string, number>()
  const app = createHttpApp({
    routes: [
      ...allRoutes,
      ...(tasks === undefined ? [] : ofTasks),
      ...(options.files === undefined ? [] : fileRoutes),
      ...(options.outside === undefined ? [] : outsideRoutes),
      ...(options.subscribed === undefined ? [] : subscriptionRoutes),
    ],
    services: {
      workspaces,
      lives,
      revocations,
      history,
      writes,
      feeds,
      updatesInFlight,
      lists,
      limits,
      durability,
      heads: options.heads,
      tasks,
      sharedWork: options.sharedWork,
      ownSagas: options.ownWork?.sagas ?? [],
      redact: options.redact ?? withoutSecrets,
      files: options.files,
      subscribed: options.subscribed,
      search: options.search ?? new BoardSearch(),
      outside: options.outside,
    },
    authenticate: options.authenticator ?? withOwnWork(developmentAuthenticator(), options.ownWork),
    origins,
    isDevelopment: options.authenticator === undefined,
    callers,
    bodiesInFlight,
    answersInFlight,
    rate: new RequestRate(limits.requestsPerSecond, limits.requestsBurst),
    passOn: options.passOn,
    logger,
    refused,
    limits,
    version,
  })
  await app.ready()
  let closed: Promise<void> | undefined
  return {
    refused,
    handle(request, response) {
      if (!/^\/v1(?:[/?]|$)/.test(request.url ?? '')) return false
      app.routing(request, response)
      return true
    },
    close() {
      closed ??= (async () => {
        lives.close()
        callers.close()
        await feeds.close()
        await app.close()
      })()
      return closed
    },
  }
}
