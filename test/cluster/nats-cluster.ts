import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Child, startChild } from '../support/child-process.ts'
import { freePort } from '../support/free-port.ts'
import { WAIT_MS } from '../support/patience.ts'
import { LinkProxy } from './link-proxy.ts'

export const SERVERS = [0, 1, 2] as const
export type ServerIndex = (typeof SERVERS)[number]

const LOOK_MS = 50

interface Ports {
  readonly client: number
  readonly route: number
  readonly monitor: number
}

/** Three NATS servers with JetStream, each a process; what they say to each other goes through proxies, if they are to be cut. */
export class NatsCluster {
  readonly #path: string
  readonly #directory: string
  readonly #ports: readonly Ports[]
  /** By the server that connects and the one that it reaches, as `0>1`. */
  readonly #routes: ReadonlyMap<string, LinkProxy>
  readonly #children: (Child | undefined)[] = []

  private constructor(path: string, directory: string, ports: readonly Ports[], routes: Map<string, LinkProxy>) {
    this.#path = path
    this.#directory = directory
    this.#ports = ports
    this.#routes = routes
  }

  /** Starts all three below `directory`, and waits until they are healthy. Without proxies nothing can be cut, and nothing is slowed. */
  static async start(path: string, directory: string, { isProxied = true } = {}): Promise<NatsCluster> {
    const ports: Ports[] = []
    for (const _ of SERVERS) {
      ports.push({ client: await freePort(), route: await freePort(), monitor: await freePort() })
    }
    const routes = new Map<string, LinkProxy>()
    for (const from of SERVERS) {
      for (const to of SERVERS) {
        if (isProxied && from !== to) routes.set(`${from}>${to}`, await LinkProxy.start(ports[to]?.route ?? 0))
      }
    }
    const cluster = new NatsCluster(path, directory, ports, routes)
    await Promise.all(SERVERS.map((server) => cluster.startServer(server)))
    for (const server of SERVERS) await cluster.untilHealthy(server)
    return cluster
  }

  /** Port for clients. */
  portOf(server: ServerIndex): number {
    return this.#ports[server]?.client ?? 0
  }

  monitorOf(server: ServerIndex): string {
    return `http://127.0.0.1:${this.#ports[server]?.monitor}`
  }

  storeOf(server: ServerIndex): string {
    return join(this.#directory, `nats-${server}`)
  }

  /** All that a running server has said. */
  outputOf(server: ServerIndex): string {
    return this.#children[server]?.output() ?? ''
  }

  pidOf(server: ServerIndex): number | undefined {
    return this.#children[server]?.pid
  }

  nameOf(server: ServerIndex): string {
    return `nats-${server}`
  }

  async startServer(server: ServerIndex): Promise<void> {
    if (this.#children[server] !== undefined) return
    const { client, route, monitor } = this.#ports[server] as Ports
    const others = SERVERS.filter((other) => other !== server)
    const routes = others.map((other) => `"nats://${this.#addressOfRoute(server, other)}"`)
    const config = [
      `server_name: ${this.nameOf(server)}`,
      `listen: "127.0.0.1:${client}"`,
      `http: "127.0.0.1:${monitor}"`,
      `jetstream { store_dir: ${JSON.stringify(this.storeOf(server))}, sync_interval: always }`,
      'cluster {',
      '  name: joinery',
      `  listen: "127.0.0.1:${route}"`,
      '  no_advertise: true',
      `  routes: [${routes.join(', ')}]`,
      '}',
    ]
    await mkdir(this.storeOf(server), { recursive: true })
    const file = join(this.#directory, `nats-${server}.conf`)
    await writeFile(file, `${config.join('\n')}\n`)
    this.#children[server] = startChild({ command: this.#path, args: ['-c', file] })
  }

  #addressOfRoute(from: ServerIndex, to: ServerIndex): string {
    return this.#routes.get(`${from}>${to}`)?.address ?? `127.0.0.1:${this.#ports[to]?.route}`
  }

  /** Ends a server, by SIGKILL unless told otherwise. */
  async end(server: ServerIndex, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#children[server]
    this.#children[server] = undefined
    await child?.end(signal)
  }

  /** Removes what a stopped server has stored. */
  async deleteStore(server: ServerIndex): Promise<void> {
    await rm(this.storeOf(server), { recursive: true, force: true })
  }

  /** Waits until a server takes part: it knows the others, and its streams have all that they need. */
  async untilHealthy(server: ServerIndex): Promise<void> {
    const endsAtMs = performance.now() + WAIT_MS
    let last = 'no answer'
    while (performance.now() < endsAtMs) {
      try {
        const response = await fetch(`${this.monitorOf(server)}/healthz`, { signal: AbortSignal.timeout(2_000) })
        if (response.ok) return
        last = await response.text()
      } catch (error) {
        last = String(error)
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    throw new Error(`NATS server ${server} was not healthy within ${WAIT_MS} ms: ${last}`)
  }

  /** The proxies between a server and the others. */
  routesOf(server: ServerIndex): LinkProxy[] {
    return [...this.#routes].filter(([key]) => key.includes(String(server))).map(([, proxy]) => proxy)
  }

  /** Holds what `from` says to the others, and lets it hear them. */
  mute(from: ServerIndex): void {
    for (const [key, proxy] of this.#routes) {
      if (key.startsWith(`${from}>`)) proxy.hold('up')
      else if (key.endsWith(`>${from}`)) proxy.hold('down')
    }
  }

  healRoutes(): void {
    for (const proxy of this.#routes.values()) proxy.heal()
  }

  async stop(): Promise<void> {
    await Promise.all(SERVERS.map((server) => this.end(server)))
    await Promise.all([...this.#routes.values()].map((proxy) => proxy.stop()))
  }
}
