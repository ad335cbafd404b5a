import { verifyDirectory } from '@joinery/log/operations'
import { loadLimitsOf } from './load-limits.mts'
import { withLoadThread } from './load-threads.mts'
import { trySystemLog } from './try-system-log.mts'

/*
 * A program: `verify-child.mts DIRECTORY` verifies a directory, damaged tables included, and prints the report as JSON.
 * It is a process of its own, because LevelDB may end the process that reads such tables.
 */
const [directory = ''] = process.argv.slice(2)
const report = await withLoadThread({ limits: loadLimitsOf(process.env) }, (load) =>
  verifyDirectory(directory, { load, loadSystemLog: trySystemLog, dares: true }),
)
process.stdout.write(JSON.stringify(report))
