import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { randomBelow } from './seeded-random.ts'

/**
 * Kernels give outgoing connections a port from 32,768 or 49,152 on. While a server is down, one of those connections could
 * take the server's port; a client that tries again and again to reach it could even connect to itself.
 */
const [FIRST, END] = [10_000, 32_768]

/**
 * A loopback port for a server that has to know its port before it starts, or to have the same one after a restart. Nobody else gets
 * it from here as long as this process lives.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + randomBelow(Math.random, END - FIRST)
    if ((await reserve(port)) && (await isFree(port))) return port
  }
}

/**
 * Takes the UDP port of this number, which no server of the tests uses, and keeps it. The kernel gives it to one process of the
 * machine, and takes it back when the process ends, however it ends. So a port stays with its test between this look and the start of
 * its server, which may be seconds, whatever other runs choose meanwhile.
 */
async function reserve(port: number): Promise<boolean> {
  const socket = createSocket('udp4').unref()
  try {
    socket.bind({ port, address: '127.0.0.1', exclusive: true })
    await once(socket, 'listening')
    return true
  } catch (error) {
    socket.close()
    if (isTaken(error)) return false
    throw error
  }
}

/** Whether no server listens there. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch (error) {
    if (isTaken(error)) return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
}
