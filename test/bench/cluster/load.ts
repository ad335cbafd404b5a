/**
 * The load on a fleet: a process of its own, so that its work is not counted as the servers'. Takes one job as JSON in its argument,
 * prints its figures as one line of JSON, and exits with 1 and the reason on stderr if the job failed.
 */
import type { ClusterFigures, ClusterJob } from './cluster-job.ts'
import { runIdle } from './idling.ts'
import { runTyping } from './typing.ts'

function run({ target, work }: ClusterJob): Promise<ClusterFigures> {
  return work.kind === 'type' ? runTyping(target, work) : runIdle(target, work)
}

try {
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? ''))))
  process.exit(0)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
