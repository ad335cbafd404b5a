import type { Workspaces } from '@joinery/server'
import type { ApiLimits } from './api-limits.ts'
import type { Feeds } from './feeds.ts'
import type { History } from './history.ts'
import type { Writes } from './writes.ts'

/** As on the server: what an acknowledged write survives. */
export type Durability = 'memory' | 'async' | 'sync'

/** What the routes work with. */
export interface Services {
  readonly workspaces: Workspaces
  readonly history: History
  readonly writes: Writes
  readonly feeds: Feeds
  readonly limits: ApiLimits
  readonly durability: Durability
}
