/**
 * Joinery's server with blocks' rules, whose rooms take snapshots, seal, drop history, cool down and close as often as they
 * can: all upkeep of a history happens within a second. At each change the server prints its counts since its start as
 * "upkeep SNAPSHOTS SEALED DROPPED"; the latter two count records.
 * usage: node busy-upkeep.ts PORT DIRECTORY async|sync
 */
import { documentRules } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { createServer } from '@joinery/server'

const LOOK_MS = 5

const [port, directory, durability] = process.argv.slice(2)
if (directory === undefined || (durability !== 'async' && durability !== 'sync')) {
  throw new Error('usage: PORT DIRECTORY async|sync')
}
const store = await openLevelStore({ directory, durability })
const server = createServer({
  port: Number(port),
  store,
  rules: documentRules,
  snapshots: { records: 20, ms: 500 },
  keepHistory: { events: 40 },
  // Rooms are looked at as often as hearts beat.
  limits: { roomIdleMs: 0, coolAfterMs: 50, heartbeatMs: 250 },
})
await server.listen()
console.log('busy server listening')
let last = ''
const looking = setInterval(() => {
  const { snapshots, sealed, dropped } = server.counters
  const line = `upkeep ${snapshots} ${sealed} ${dropped}`
  if (line !== last) console.log(line)
  last = line
}, LOOK_MS)
process.once('SIGTERM', async () => {
  await server.close()
  await store.close()
  clearInterval(looking)
  process.exit(0)
})
