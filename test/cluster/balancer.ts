import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/**
 * A balancer before a cluster's nodes: it gives each connection to the next node in turn that takes it, as load balancers
 * do. It knows nothing of workspaces.
 */
export class Balancer {
  readonly #server: Server
  readonly #ports: readonly number[]
  readonly #sockets = new Set<Socket>()
  #next = 0

  private constructor(server: Server, ports: readonly number[]) {
    this.#server = server
    this.#ports = ports
    server.on('connection', (client) => this.#pass(client, this.#ports.length))
  }

  static async start(ports: readonly number[]): Promise<Balancer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Balancer(server, ports)
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #pass(client: Socket, triesLeft: number): void {
    client.on('error', () => client.destroy())
    if (triesLeft === 0 || client.destroyed) return void client.destroy()
    const port = this.#ports[this.#next++ % this.#ports.length] ?? 0
    const upstream = connect(port, '127.0.0.1')
    const failed = (): void => this.#pass(client, triesLeft - 1)
    upstream.once('error', failed)
    upstream.once('connect', () => {
      upstream.off('error', failed)
      const end = (): void => {
        client.destroy()
        upstream.destroy()
      }
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket)
        socket.setNoDelay(true)
        socket.on('error', end)
        socket.on('close', () => {
          this.#sockets.delete(socket)
          end()
        })
      }
      client.pipe(upstream)
      upstream.pipe(client)
    })
  }
}
