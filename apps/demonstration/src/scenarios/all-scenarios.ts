import { indexWaiting } from './index-waiting.ts'
import { killedJob } from './killed-job.ts'
import { latePoller } from './late-poller.ts'
import { rewriteWhileTyping } from './rewrite-while-typing.ts'
import type { Scenario } from './scenario.ts'
import { templateKilled, templateTakenBack } from './template-task.ts'
import { twoJobs } from './two-jobs.ts'
import { workday } from './workday.ts'

/** Scenarios in the order of their buttons. */
export const SCENARIOS = {
  workday,
  rewrite: rewriteWhileTyping,
  late_poller: latePoller,
  two_jobs: twoJobs,
  killed_job: killedJob,
  index_waiting: indexWaiting,
  template_killed: templateKilled,
  template_taken_back: templateTakenBack,
} as const satisfies Record<string, Scenario>
export type ScenarioName = keyof typeof SCENARIOS

export function isScenarioName(value: unknown): value is ScenarioName {
  return typeof value === 'string' && Object.hasOwn(SCENARIOS, value)
}
