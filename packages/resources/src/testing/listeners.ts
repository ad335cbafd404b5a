import type { LookupAddress } from 'node:dns'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createNetServer } from 'node:net'
import type { EgressOptions } from '../egress/egress.ts'

/** Ends of what a test has opened: {@link closeListeners} makes them. */
export const closing: (() => Promise<unknown>)[] = []

/** Ends what a test has opened. A file hands it to `afterEach`. */
export async function closeListeners(): Promise<void> {
  for (const close of closing.splice(0)) await close()
}

/** A listener on all addresses of loopback that counts its connections. */
export async function counter(): Promise<{ readonly port: number; connections: number }> {
  const found = { port: 0, connections: 0 }
  const server = createNetServer((socket) => {
    found.connections++
    socket.destroy()
  })
  server.listen(0, '::')
  await once(server, 'listening')
  found.port = (server.address() as AddressInfo).port
  closing.push(async () => server.close())
  return found
}

/** An HTTP service at loopback. Resolves with its port. */
export async function service(answer: RequestListener): Promise<number> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A resolver that gives the answers in turn, and the last one from then on. */
export function resolver(...answers: readonly string[][]): NonNullable<EgressOptions['resolve']> {
  let turn = 0
  return async () => {
    const addresses = answers[Math.min(turn++, answers.length - 1)] ?? []
    return addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }))
  }
}
