import type { WorkspaceId } from '@joinery/server'
import { API_LIMITS } from '../api-limits.ts'
import { FREE_COSTS, PayingCallers, type RequestWork } from '../request-work.ts'

/** The work of a request for which nobody pays. */
export function freeWork(workspace: WorkspaceId): RequestWork {
  return new PayingCallers(FREE_COSTS, API_LIMITS).begin({ principal: 'ada', workspace })
}
