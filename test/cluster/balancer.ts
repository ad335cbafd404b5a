import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface BalancerOptions {
  /** Port that each connection goes to while it is up. By default all take turns. */
  readonly first?: number
  /** Whether a node takes clients, as far as its balancer knows. */
  readonly isUp?: (port: number) => boolean
}

/**
 * A balancer before a cluster's nodes: it gives each connection to the next node in turn that takes it, as load balancers
 * do. It knows nothing of workspaces.
 */
export class Balancer {
  readonly #server: Server
  readonly #ports: readonly number[]
  readonly #options: BalancerOptions
  readonly #sockets = new Set<Socket>()
  #next = 0

  private constructor(server: Server, ports: readonly number[], options: BalancerOptions) {
    this.#server = server
    this.#ports = ports
    this.#options = options
    server.on('connection', (client) => this.#pass(client, this.#order()))
  }

  static async start(ports: readonly number[], options: BalancerOptions = {}): Promise<Balancer> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new Balancer(server, ports, options)
  }

  /** `127.0.0.1:port` */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  /** The nodes that are up, in the order in which they are tried. */
  #order(): number[] {
    const { first, isUp = () => true } = this.#options
    const start = first === undefined ? this.#next++ : this.#ports.indexOf(first)
    const order = this.#ports.map((_, n) => this.#ports[(start + n) % this.#ports.length] ?? 0)
    return order.filter(isUp)
  }

  #pass(client: Socket, [port, ...others]: readonly number[]): void {
    client.on('error', () => client.destroy())
    if (port === undefined || client.destroyed) return void client.destroy()
    const upstream = connect(port, '127.0.0.1')
    const failed = (): void => this.#pass(client, others)
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
