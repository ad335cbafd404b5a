import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Directions of a link: from the one that connects, or to it. */
export type Direction = 'up' | 'down'

/** Changes the bytes of one connection on their way. */
export type Filter = (chunk: Buffer) => Buffer

interface Pair {
  readonly client: Socket
  readonly upstream: Socket
}

/**
 * One way of a cluster's traffic: a proxy of bytes that can be cut, and that can hold the bytes of one direction back, as a
 * network does that loses them. Held bytes come late when the link is healed, or never when it is cut first.
 */
export class LinkProxy {
  readonly #server: Server
  readonly #targetPort: number
  readonly #pairs = new Set<Pair>()
  readonly #held = new Set<Direction>()
  #isCut = false
  #makeFilter: (() => Filter) | undefined

  private constructor(server: Server, targetPort: number) {
    this.#server = server
    this.#targetPort = targetPort
    server.on('connection', (client) => this.#pass(client))
  }

  /** Starts one before `targetPort` of this machine, where somebody may listen later. */
  static async start(targetPort: number): Promise<LinkProxy> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new LinkProxy(server, targetPort)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** Ends all connections. The bytes that the next ones send up go through a filter, each through its own. */
  filterUp(makeFilter: () => Filter): void {
    this.#makeFilter = makeFilter
    for (const pair of [...this.#pairs]) end(pair)
  }

  /** Ends all connections, and each new one at once. */
  cut(): void {
    this.#isCut = true
    for (const pair of [...this.#pairs]) end(pair)
  }

  /** Holds back what goes in these directions. */
  hold(...directions: readonly Direction[]): void {
    for (const direction of directions) this.#held.add(direction)
    this.#apply()
  }

  /** Everything passes again: what was held comes late. */
  heal(): void {
    this.#isCut = false
    this.#held.clear()
    this.#apply()
  }

  async stop(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #apply(): void {
    for (const { client, upstream } of this.#pairs) {
      this.#holdOrPass(client, 'up')
      this.#holdOrPass(upstream, 'down')
    }
  }

  #holdOrPass(from: Socket, direction: Direction): void {
    if (this.#held.has(direction)) from.pause()
    else from.resume()
  }

  #pass(client: Socket): void {
    if (this.#isCut) return void client.destroy()
    const upstream = connect(this.#targetPort, '127.0.0.1')
    const pair = { client, upstream }
    this.#pairs.add(pair)
    const forget = (): void => {
      this.#pairs.delete(pair)
      end(pair)
    }
    for (const [from, to, direction, filter] of [
      [client, upstream, 'up', this.#makeFilter?.()],
      [upstream, client, 'down', undefined],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk: Buffer) => {
        if (to.write(filter?.(chunk) ?? chunk)) return
        from.pause()
        to.once('drain', () => this.#holdOrPass(from, direction))
      })
      from.on('error', forget)
      from.on('close', forget)
    }
    this.#apply()
  }
}

function end({ client, upstream }: Pair): void {
  client.destroy()
  upstream.destroy()
}
