import { once } from 'node:events'
import { createServer } from 'node:net'
import { randomBelow } from './seeded-random.ts'

/**
 * Kernels give outgoing connections a port from 32,768 or 49,152 on. While a server is down, one of those connections could
 * take the server's port; a client that tries again and again to reach it could even connect to itself.
 */
const [FIRST, END] = [10_000, 32_768]
/** Each worker of a test run has a range of its own, so that no two choose one port between a look and a start. */
const WORKERS_MAX = 8
const RANGE = Math.floor((END - FIRST) / WORKERS_MAX)
const worker = Number(process.env.VITEST_POOL_ID ?? 0) % WORKERS_MAX
const given = new Set<number>()

/** A loopback port that was free a moment ago, for a server that has to have the same port after a restart. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + worker * RANGE + randomBelow(Math.random, RANGE)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
