import { verifyDirectory } from '@joinery/log/operations'
import { trialLoad } from './trial-load.mts'

/*
 * A program: `verify-child.mts DIRECTORY` verifies a directory, damaged tables included, and prints the report as JSON.
 * LevelDB may end it on such tables, which is why it is not done in the process that asks.
 */
const [directory = ''] = process.argv.slice(2)
const report = await verifyDirectory(directory, { load: trialLoad, dares: true })
process.stdout.write(JSON.stringify(report))
