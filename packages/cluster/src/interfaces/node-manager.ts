import { z } from 'zod'
import type { Engine, PartLeader } from '../engine/engine.ts'
import { ClusterError } from '../nodes/cluster-error.ts'
import { fromBytes, toBytes } from '../nodes/json-value.ts'
import { type NodeInfo, Nodes, type NodesOptions } from '../nodes/nodes.ts'

const ownerEntry = z.object({ node: z.string(), session: z.string() })
const broadcast = z.object({ node: z.string(), kind: z.string(), data: z.unknown() })

/** News for all nodes. */
export type Broadcast = Readonly<z.infer<typeof broadcast>>

/** `offline`: nobody answers under this name. `info` is what the node says of itself. */
export type NodeHealth =
  | { readonly state: 'healthy' | 'draining'; readonly info: NodeInfo }
  | { readonly state: 'offline' }

export interface Topology {
  /** Nodes with a living entry, and the number of workspaces that each owns. */
  readonly nodes: readonly (NodeInfo & { readonly workspaces: number })[]
  /** Workspaces whose owner is an earlier run, or a node without an entry: the next claim takes them. */
  readonly orphans: number
  /** Servers of the engine that lead its parts. */
  readonly leaders: readonly PartLeader[]
}

const OWNER_KEY = /^own\./
const TOPIC = 'jy.all'

/** The nodes of a cluster, for operators and programs. */
export class NodeManager {
  readonly nodes: Nodes
  readonly #engine: Engine

  /** `nodes` stays the caller's. */
  constructor(engine: Engine, nodes: Nodes) {
    this.#engine = engine
    this.nodes = nodes
  }

  /** Enters this node into the cluster. Rejects with `name_taken`, and with the engine's errors. */
  static async register(options: NodesOptions): Promise<NodeManager> {
    return new NodeManager(options.engine, await Nodes.join(options))
  }

  /** Nodes with a living entry, by name. */
  discover(): NodeInfo[] {
    return this.nodes.list()
  }

  async topology(): Promise<Topology> {
    const [entries, leaders] = await Promise.all([this.#engine.meta.entries(), this.#engine.leaders.list()])
    const counts = new Map<string, number>()
    for (const { key, value } of entries) {
      const session = OWNER_KEY.test(key) ? fromBytes(ownerEntry, value)?.session : undefined
      if (session !== undefined) counts.set(session, (counts.get(session) ?? 0) + 1)
    }
    const nodes = this.discover().map((info) => ({ ...info, workspaces: counts.get(info.session) ?? 0 }))
    for (const { session } of nodes) counts.delete(session)
    return { nodes, leaders, orphans: [...counts.values()].reduce((sum, count) => sum + count, 0) }
  }

  /** Asks a node how it is: up to 3 s. */
  async checkHealth(node: string): Promise<NodeHealth> {
    const info = await this.nodes.ask(node)
    if (info === undefined) return { state: 'offline' }
    return { state: info.isDraining ? 'draining' : 'healthy', info }
  }

  /**
   * Releases the workspaces of a node that does not answer, so that the next claims need not ask for it. Resolves with their
   * number. Rejects with `node_alive` if it answers: `drain` it instead. A wrong verdict costs reconnects and no edit (Q10).
   */
  async handleOffline(node: string): Promise<number> {
    if ((await this.nodes.ask(node)) !== undefined) {
      throw new ClusterError('node_alive', `the node ${node} answers: drain it, or stop it first`)
    }
    let released = 0
    for (const { key, value, revision } of await this.#engine.meta.entries()) {
      const isOfNode = OWNER_KEY.test(key) && fromBytes(ownerEntry, value)?.node === node
      if (isOfNode && (await this.#engine.meta.delete(key, revision)) === 'deleted') released++
    }
    return released
  }

  /** Tells all nodes, this one included, at most once. */
  broadcast(kind: string, data: unknown): void {
    this.#engine.bus.publish(TOPIC, toBytes({ node: this.nodes.self.node, kind, data }))
  }

  /** Calls `listener` at each broadcast. Returns unsubscribe. */
  onBroadcast(listener: (news: Broadcast) => void): () => void {
    return this.#engine.bus.subscribe(TOPIC, (_topic, bytes) => {
      const news = fromBytes(broadcast, bytes)
      if (news !== undefined) listener(news)
    })
  }

  /** Takes this node's entry away. Idempotent. */
  leave(): Promise<void> {
    return this.nodes.leave()
  }
}
