import type { IncomingMessage, ServerResponse } from 'node:http'
import { CLAIM_LISTS, type ClaimList } from '@joinery/blocks'
import { type Authenticator, type Durability, developmentAuthenticator, type Workspaces } from '@joinery/server'
import pino, { type Logger } from 'pino'
import { API_LIMITS, type ApiLimits } from '../api-limits.ts'
import { Feeds } from '../feed/feeds.ts'
import { History } from '../history/history.ts'
import { replayTurns } from '../history/replay-turns.ts'
import { allRoutes } from '../routes/all-routes.ts'
import { Writes } from '../writes/writes.ts'
import { createHttpApp } from './http-app.ts'
import type { Origins } from './origin-check.ts'
import { RequestRate } from './request-rate.ts'

export interface ApiOptions {
  /** Of the server whose rooms these are; its rules have to be the document rules of blocks, which say what a record touched. */
  readonly workspaces: Workspaces
  /** The lists of claims that blocks have: the table of the server's rules. Joinery's own by default. */
  readonly lists?: readonly ClaimList[]
  /** What the server's store promises. */
  readonly durability: Durability
  /** The same as the server's; without it everyone is let in. */
  readonly authenticator?: Authenticator
  /** Pages that may call. By default any with an authenticator, those of this machine without. */
  readonly origins?: readonly string[]
  /** Silent by default. */
  readonly logger?: Logger
  readonly limits?: Partial<ApiLimits>
  /** What the description calls its version. */
  readonly version?: string
}

export interface Api {
  /** Answers a request whose path is `/v1` or under it. False, and nothing done, for any other. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  /** Ends streams and takes no more. Call it before the server closes; idempotent. */
  close(): Promise<void>
}

/** The HTTP face of a server's workspaces. Resolves when it can answer. */
export async function createApi(options: ApiOptions): Promise<Api> {
  const { workspaces, durability, lists = CLAIM_LISTS, logger = pino({ level: 'silent' }), version = '0.1.0' } = options
  const limits = { ...API_LIMITS, ...options.limits }
  const origins: Origins = options.origins ?? (options.authenticator === undefined ? 'loopback' : 'any')
  const turns = replayTurns(limits)
  const history = new History({ workspaces, turns, pageRecordsMax: limits.pageRecordsMax })
  const writes = new Writes({ workspaces, history, lists, limits })
  const feeds = new Feeds({ workspaces, turns, lists, limits, logger })
  const app = createHttpApp({
    routes: allRoutes,
    services: { workspaces, history, writes, feeds, lists, limits, durability },
    authenticate: options.authenticator ?? developmentAuthenticator(),
    origins,
    rate: new RequestRate(limits.requestsPerSecond, limits.requestsBurst),
    logger,
    limits,
    version,
  })
  await app.ready()
  let closed: Promise<void> | undefined
  return {
    handle(request, response) {
      if (!/^\/v1(?:[/?]|$)/.test(request.url ?? '')) return false
      app.routing(request, response)
      return true
    },
    close() {
      closed ??= (async () => {
        await feeds.close()
        await app.close()
      })()
      return closed
    },
  }
}
