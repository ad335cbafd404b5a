import { createApi, openServedTasks } from '@joinery/api'
import { CLAIM_LISTS, documentRules } from '@joinery/blocks'
import { openLevelStore, openMemoryStore } from '@joinery/log'
import { createAuthenticator, createServer } from '@joinery/server'
import pino from 'pino'
import type { ApiServerConfig } from './api-process.ts'

/** A server with the HTTP face in a process of its own, as a test or the bench asks for it. Prints one line when it serves. */
const config: ApiServerConfig & { port: number } = JSON.parse(process.argv[2] ?? '{}')
const { directory, durability = 'async', limits = {}, secret } = config
const logger = pino({ level: 'warn' }, pino.destination({ fd: 2, sync: true }))
const store = durability === 'memory' ? openMemoryStore() : await openLevelStore({ directory, durability })
const authenticator = secret === undefined ? undefined : createAuthenticator({ secret })
const server = createServer({
  port: config.port,
  store,
  rules: documentRules,
  logger,
  ...(authenticator && { authenticator }),
  request: (request, response) => {
    if (!api.handle(request, response)) response.writeHead(404).end()
  },
})
const served = await openServedTasks({ server, store, lists: CLAIM_LISTS, limits: {}, logger })
const api = await createApi({
  tasks: served.tasks,
  workspaces: server.workspaces,
  durability,
  logger,
  limits,
  ...(authenticator && { authenticator }),
})
process.once('SIGTERM', async () => {
  await api.close()
  await served.close()
  await server.close()
  await store.close()
})
await server.listen()
console.log(`listening on ${server.url}`)
