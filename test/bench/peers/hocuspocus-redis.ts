/**
 * One of several Hocuspocus servers: they tell each other by Redis, through the extension for it, and store into one SQLite file, as
 * hocuspocus.ts does. A real deployment has a database server in its place.
 * usage: node hocuspocus-redis.ts PORT DIRECTORY REDIS_PORT
 */
import { Redis } from '@hocuspocus/extension-redis'
import { Server } from '@hocuspocus/server'
import { sqliteStorage } from './hocuspocus-storage.ts'

/** Time that a process waits for another one that writes into the file, ms. */
const BUSY_MS = 5_000

const [port, directory, redisPort] = process.argv.slice(2)
if (port === undefined || directory === undefined || redisPort === undefined)
  throw new Error('usage: node hocuspocus-redis.ts PORT DIRECTORY REDIS_PORT')
const storage = sqliteStorage(directory, [`busy_timeout = ${BUSY_MS}`, 'journal_mode = wal'])
const between = new Redis({ host: '127.0.0.1', port: Number(redisPort) })
// Without a listener ioredis prints every try to reach Redis.
for (const link of [between.pub, between.sub]) link.on('error', () => undefined)
await new Server({ port: Number(port), address: '127.0.0.1', quiet: true, extensions: [between, storage] }).listen()
console.log('hocuspocus listening')
