import { setInterval } from 'node:timers'
import { LogError } from '../log-error.ts'
import { openLevelStore } from '../store/level-store.ts'
import { sampleUpdate } from './sample-update.ts'

/**
 * A program for tests: `store-holder.ts DIRECTORY RECORDS` makes a store, appends, prints "ready" and holds the store
 * until it is killed. Exits with 3 if another process has it.
 */
const [directory = '', records = '0'] = process.argv.slice(2)
try {
  const store = await openLevelStore({ directory, durability: 'async' })
  const log = await store.open('w0')
  const stamp = { actor: 'ann', source: 'user_action', connection: 'c1', touched: [] }
  for (let lsn = 1; lsn <= Number(records); lsn++)
    await log.append({ ...stamp, update: sampleUpdate('w0', lsn) }).durable
  process.stdout.write('ready\n')
  setInterval(() => undefined, 60_000)
} catch (error) {
  if (!(error instanceof LogError) || error.code !== 'locked') throw error
  process.exitCode = 3
}
