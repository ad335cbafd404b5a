import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../support/free-port.ts'
import { type JoineryProcess, startJoinery } from '../support/joinery-process.ts'
import { WAIT_MS } from '../support/patience.ts'
import { within } from '../support/until.ts'
import { WrongClock } from '../support/wrong-clock.ts'
import { Balancer } from './balancer.ts'
import { LinkProxy } from './link-proxy.ts'
import { NatsCluster, SERVERS, type ServerIndex } from './nats-cluster.ts'

export const NODES = [0, 1, 2] as const
export type NodeIndex = (typeof NODES)[number]

interface NodeLinks {
  readonly port: number
  /** How the other nodes reach it. */
  readonly peers: LinkProxy
  /** How it reaches each NATS server. */
  readonly nats: readonly LinkProxy[]
  /** Its time of day, if a test may set that. */
  readonly clock: WrongClock | undefined
}

export interface JoineryClusterOptions {
  /** More environment of every node. */
  readonly env?: Readonly<Record<string, string>>
  /** Whether each node has a time of day that can be set. It costs some CPU. */
  readonly hasClocks?: boolean
}

/** Three NATS servers and three nodes of Joinery, each a process of its own, with a proxy on every link between them. */
export class JoineryCluster {
  readonly nats: NatsCluster
  readonly balancer: Balancer
  readonly #directory: string
  readonly #links: readonly NodeLinks[]
  readonly #env: Readonly<Record<string, string>>
  readonly #processes: (JoineryProcess | undefined)[] = []

  private constructor(
    nats: NatsCluster,
    balancer: Balancer,
    {
      directory,
      links,
      env,
    }: { directory: string; links: readonly NodeLinks[]; env: Readonly<Record<string, string>> },
  ) {
    this.nats = nats
    this.balancer = balancer
    this.#directory = directory
    this.#links = links
    this.#env = env
  }

  static async start(
    natsPath: string,
    directory: string,
    { env = {}, hasClocks = false }: JoineryClusterOptions = {},
  ): Promise<JoineryCluster> {
    const nats = await NatsCluster.start(natsPath, directory)
    const links: NodeLinks[] = []
    for (const node of NODES) {
      const port = await freePort()
      const toNats = await Promise.all(SERVERS.map((server) => LinkProxy.start(nats.portOf(server))))
      const home = join(directory, `clock-${node}`)
      if (hasClocks) await mkdir(home, { recursive: true })
      const clock = hasClocks ? await WrongClock.open(home) : undefined
      links.push({ port, peers: await LinkProxy.start(port), nats: toNats, clock })
    }
    const balancer = await Balancer.start(links.map(({ port }) => port))
    const cluster = new JoineryCluster(nats, balancer, { directory, links, env })
    // The first one makes the streams.
    await cluster.startNode(0)
    await Promise.all(NODES.map((node) => cluster.startNode(node)))
    return cluster
  }

  get url(): string {
    return `ws://${this.balancer.address}`
  }

  linksOf(node: NodeIndex): NodeLinks {
    return this.#links[node] as NodeLinks
  }

  directoryOf(node: NodeIndex): string {
    return join(this.#directory, `node-${node}`)
  }

  processOf(node: NodeIndex): JoineryProcess | undefined {
    return this.#processes[node]
  }

  /** The end of what each node has said, for a test that fails. */
  lastWords(): string {
    return NODES.map((node) => `node ${node}:\n${this.processOf(node)?.child.output().slice(-3_000)}`).join('\n')
  }

  async startNode(node: NodeIndex): Promise<void> {
    if (this.#processes[node] !== undefined) return
    const { port, peers, nats, clock } = this.linksOf(node)
    this.#processes[node] = await startJoinery({
      directory: this.directoryOf(node),
      durability: 'replicated',
      port,
      env: {
        ...this.#env,
        ...clock?.env,
        JOINERY_CLUSTER: nats.map(({ address }) => `nats://${address}`).join(','),
        JOINERY_NODE: `n${node}`,
        JOINERY_ADVERTISE: peers.address,
      },
    })
  }

  async endNode(node: NodeIndex, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const process = this.#processes[node]
    this.#processes[node] = undefined
    if (process !== undefined) await within(`node ${node} ends on ${signal}`, process.child.end(signal))
  }

  /** Removes the disk of a stopped node. */
  async wipeNode(node: NodeIndex): Promise<void> {
    await rm(this.directoryOf(node), { recursive: true, force: true })
  }

  signalNode(node: NodeIndex, signal: NodeJS.Signals): void {
    const pid = this.#processes[node]?.child.pid
    if (pid !== undefined) process.kill(pid, signal)
  }

  signalNats(server: ServerIndex, signal: NodeJS.Signals): void {
    const pid = this.nats.pidOf(server)
    if (pid !== undefined) process.kill(pid, signal)
  }

  /** All links pass again. */
  healLinks(): void {
    for (const { peers, nats } of this.#links) for (const link of [peers, ...nats]) link.heal()
    this.nats.healRoutes()
  }

  /** All links pass again, and whatever was ended runs again. */
  async heal(): Promise<void> {
    this.healLinks()
    await Promise.all(SERVERS.map((server) => this.nats.startServer(server)))
    for (const server of SERVERS) await this.nats.untilHealthy(server)
    await Promise.all(NODES.map((node) => this.#keepStarting(node)))
  }

  /** Starts a node as a supervisor does: one that ends since NATS does not answer yet is started again. */
  async #keepStarting(node: NodeIndex): Promise<void> {
    const deadlineMs = performance.now() + WAIT_MS
    for (;;) {
      try {
        return await this.startNode(node)
      } catch (error) {
        const isEarly = error instanceof Error && error.message.includes('NATS did not answer')
        if (!isEarly || performance.now() > deadlineMs) throw error
      }
    }
  }

  async stopNodes(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await Promise.all(NODES.map((node) => this.endNode(node, signal)))
  }

  async stop(): Promise<void> {
    await this.stopNodes('SIGKILL')
    await this.balancer.stop()
    await Promise.all(this.#links.flatMap(({ peers, nats }) => [peers, ...nats].map((link) => link.stop())))
    await this.nats.stop()
  }
}
