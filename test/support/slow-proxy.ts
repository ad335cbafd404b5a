import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A proxy of bytes that lets through so many a second, each way: a mobile network at the edge of its cell. */
export interface SlowProxy extends AsyncDisposable {
  readonly url: string
  /** Connections taken so far. */
  readonly connections: number
}

/** Starts one on a free port before `port`. */
export async function startSlowProxy(port: number, bytesPerSecond: number): Promise<SlowProxy> {
  let connections = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    connections++
    const upstream = connect(port, '127.0.0.1')
    const end = (): void => {
      for (const socket of [client, upstream]) socket.destroy()
    }
    const relay = (from: Socket, to: Socket): void => {
      open.add(from)
      from.on('error', end)
      from.on('close', () => {
        open.delete(from)
        end()
      })
      from.on('data', (chunk: Buffer) => {
        to.write(chunk)
        from.pause()
        setTimeout(() => from.resume(), (chunk.length / bytesPerSecond) * 1_000)
      })
    }
    relay(client, upstream)
    relay(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return connections
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}
