import { SERVER_LIMITS, type ServerLimits } from '@joinery/server'
import { readLimits } from '../limits-setting.mts'
import type { Environment } from '../setting.mts'

/** The limits that a server keeps when it loads a workspace. */
export type LoadLimits = Pick<
  ServerLimits,
  'loadMsMax' | 'trialHeapBytes' | 'trialsMax' | 'trialsWaitingMax' | 'trialWaitMs'
>

/** The limits of a server on this environment. Throws `AppError` `usage`. */
export function loadLimitsOf(environment: Environment): LoadLimits {
  return { ...SERVER_LIMITS, ...readLimits({}, environment, process.cwd()).server }
}
