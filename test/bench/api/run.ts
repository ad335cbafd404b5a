import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startApiServer } from '../../api/api-process.ts'
import { startReadyChild } from '../../support/child-process.ts'
import { freePort } from '../../support/free-port.ts'
import { tempDirectory } from '../../support/temp-directory.ts'
import { loadFeed } from './feed-load.ts'
import { loadRequests } from './request-load.ts'

/**
 * Measures the HTTP face beside the same work on Fastify and SQLite: all of it, or `--work PATCH --durability async`, over
 * and over with `--rounds`, since only figures of one run compare. `--short` shows that it runs; its figures mean nothing.
 */
const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    work: { type: 'string', default: 'PATCH,GET,feed' },
    durability: { type: 'string', default: 'async,sync' },
    requests: { type: 'string', default: '30000' },
    rounds: { type: 'string', default: '1' },
  },
})
const isAsked = (given: string, one: string) => given.split(',').includes(one)
const CONNECTIONS = 64
const REQUESTS = values.short ? 128 : Number(values.requests)
const CONSUMERS = values.short ? 20 : 500
const WRITES = values.short ? 10 : 200
const LIMITS = { requestsPerSecond: 1e9, requestsBurst: 1e9 }
const PLAIN = fileURLToPath(new URL('plain-server.ts', import.meta.url))

type Durability = 'async' | 'sync'

async function startPlain(directory: string, durability: Durability) {
  const port = await freePort()
  const child = await startReadyChild({ args: [PLAIN, JSON.stringify({ directory, durability, port })] }, /listening/)
  return { child, url: `http://127.0.0.1:${port}` }
}

const servers = {
  joinery: (directory: string, durability: Durability) => startApiServer({ directory, durability, limits: LIMITS }),
  'fastify+sqlite': startPlain,
}

const rows: Record<string, string>[] = []

async function measureRequests(server: keyof typeof servers, durability: Durability, method: 'GET' | 'PATCH') {
  await using directory = await tempDirectory()
  const { child, url } = await servers[server](directory.path, durability)
  try {
    const figures = await loadRequests({ url, pid: child.pid, method, connections: CONNECTIONS, requests: REQUESTS })
    rows.push({
      server,
      durability,
      work: method,
      'per second': figures.perSecond.toFixed(0),
      'p50 ms': figures.p50Ms.toFixed(1),
      'p99 ms': figures.p99Ms.toFixed(1),
      'CPU µs each': figures.cpuMicrosPerRequest.toFixed(0),
    })
  } finally {
    await child.end('SIGKILL')
  }
}

async function measureFeed() {
  await using directory = await tempDirectory()
  await using server = await startApiServer({ directory: directory.path, limits: LIMITS })
  const feed = await loadFeed(server.url, server.child.pid, CONSUMERS, WRITES)
  rows.push({
    server: 'joinery',
    durability: 'async',
    work: `feed to ${CONSUMERS}`,
    'per second': feed.eventsPerSecond.toFixed(0),
    'p50 ms': feed.p50Ms.toFixed(1),
    'p99 ms': feed.p99Ms.toFixed(1),
    'CPU µs each': feed.cpuMicrosPerEvent.toFixed(1),
  })
}

for (let round = 0; round < Number(values.rounds); round++) {
  for (const durability of ['async', 'sync'] as const) {
    for (const method of ['PATCH', 'GET'] as const) {
      if (!isAsked(values.durability, durability) || !isAsked(values.work, method)) continue
      await measureRequests('joinery', durability, method)
      await measureRequests('fastify+sqlite', durability, method)
    }
  }
  if (isAsked(values.work, 'feed')) await measureFeed()
}
console.table(rows)
