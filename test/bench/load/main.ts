/**
 * The load generator: a process of its own, so that its work is not counted as the server's. Takes one job as JSON in
 * its argument, prints its figures as one line of JSON, exits 1 with the reason on stderr if the job failed.
 */
import { runColdSync } from './cold-sync.ts'
import { runConnect } from './connect.ts'
import { runFanOut } from './fan-out.ts'
import { fillHistory, fillRooms } from './fill.ts'
import { runHistory } from './history.ts'
import type { Figures, Job } from './job.ts'
import { runRecovery, typeRooms } from './recovery.ts'

function run({ target, work }: Job): Promise<Figures> {
  switch (work.kind) {
    case 'fanOut':
      return runFanOut(target, work)
    case 'connect':
      return runConnect(target, work)
    case 'history':
      return runHistory(target, work)
    case 'coldSync':
      return runColdSync(target, work)
    case 'fillHistory':
      return fillHistory(target, work)
    case 'fillRooms':
      return fillRooms(target, work)
    case 'typeRooms':
      return typeRooms(target, work)
    case 'recover':
      return runRecovery(target, work)
  }
}

try {
  console.log(JSON.stringify(await run(JSON.parse(process.argv[2] ?? ''))))
  process.exit(0)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
