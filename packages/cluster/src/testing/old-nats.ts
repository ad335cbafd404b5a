import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/**
 * A stand-in for a NATS server of an old version, which can't be installed beside a new one: it says what such a server says of
 * itself, and answers pings. No more of the protocol is needed to find out the version.
 */
export async function startOldNats(version: string): Promise<{ url: string; close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  const info = { server_id: 'old', server_name: 'old', version, proto: 1, headers: true, max_payload: 1_048_576 }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (bytes) => {
      if (bytes.includes('PING')) socket.write('PONG\r\n')
    })
    socket.write(`INFO ${JSON.stringify({ ...info, jetstream: true })}\r\n`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return { url: `nats://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}
