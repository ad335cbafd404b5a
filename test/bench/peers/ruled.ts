/**
 * Joinery's server with the rules of blocks, or with none, all else the same.
 * usage: node ruled.ts PORT DIRECTORY blocks|open
 */
import { documentRules } from '@joinery/blocks'
import { openLevelStore } from '@joinery/log'
import { createServer, openRules } from '@joinery/server'

const [port, directory, name] = process.argv.slice(2)
if (directory === undefined || (name !== 'blocks' && name !== 'open')) throw new Error('PORT DIRECTORY blocks|open')
const store = await openLevelStore({ directory, durability: 'async' })
const server = createServer({ port: Number(port), store, rules: name === 'blocks' ? documentRules : openRules })
await server.listen()
console.log('ruled server listening')
process.once('SIGTERM', async () => {
  await server.close()
  await store.close()
  process.exit(0)
})
