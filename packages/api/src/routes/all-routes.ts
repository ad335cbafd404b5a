import { blockRoutes } from './block-routes.ts'
import { edgeRoutes } from './edge-routes.ts'
import { eventRoutes } from './event-routes.ts'
import { headRoutes } from './head-routes.ts'
import { historyRoutes } from './history-routes.ts'
import { indexingRoutes } from './indexing-routes.ts'
import { leaseRoutes } from './lease-routes.ts'
import { restoreRoutes } from './restore-routes.ts'
import { revocationRoutes } from './revocation-routes.ts'
import type { Route } from './route.ts'
import { searchRoutes } from './search-routes.ts'
import { statusRoutes } from './status-routes.ts'
import { transactionRoutes } from './transaction-routes.ts'
import { updateRoutes } from './update-routes.ts'
import { workspaceRoutes } from './workspace-routes.ts'

/** All routes of the API, in the order in which the description lists them. */
export const allRoutes: readonly Route[] = [
  ...workspaceRoutes,
  ...blockRoutes,
  ...edgeRoutes,
  ...indexingRoutes,
  ...statusRoutes,
  ...transactionRoutes,
  ...searchRoutes,
  ...historyRoutes,
  ...headRoutes,
  ...restoreRoutes,
  ...eventRoutes,
  ...updateRoutes,
  ...leaseRoutes,
  ...revocationRoutes,
]
