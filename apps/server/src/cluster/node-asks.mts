import { type ClusterNode, type Engine, fromBytes, type Gateway, toBytes } from '@joinery/cluster'
import { z } from 'zod'

/** Time for which a node is waited for, ms. */
const ANSWER_MS = 3_000

const status = z.object({
  node: z.string(),
  session: z.string(),
  address: z.string(),
  version: z.string(),
  isDraining: z.boolean(),
  pid: z.int(),
  owned: z.int(),
  openPipes: z.int(),
  trouble: z.string().optional(),
})

/** A node as it describes itself. */
export type NodeStatus = z.infer<typeof status>

const topicOf = (node: string): string => `jy.node.${node}.status`
const drainTopicOf = (node: string): string => `jy.node.${node}.drain`

/** Answers operators who ask this node for its state, or to give its workspaces away. Returns the end of that. */
export function answerNodeAsks(
  engine: Engine,
  node: ClusterNode,
  { gateway, drain }: { gateway: Gateway; drain: () => void },
): () => void {
  const { nodes } = node
  const ends = [
    engine.bus.respond(topicOf(nodes.self.node), async () => {
      const { self, trouble } = nodes
      const owned = ownedBy(node).length
      const own = { pid: process.pid, owned, openPipes: gateway.counts.openPipes }
      return toBytes({ ...self, ...own, ...(trouble && { trouble: trouble.message }) } satisfies NodeStatus)
    }),
    engine.bus.respond(drainTopicOf(nodes.self.node), async () => {
      drain()
      return new Uint8Array()
    }),
  ]
  return () => {
    for (const end of ends) end()
  }
}

/** Workspaces that this run of a node owns. */
export function ownedBy({ nodes, ownership }: Pick<ClusterNode, 'nodes' | 'ownership'>): string[] {
  const { session } = nodes.self
  return [...ownership.owners()].filter(([, owner]) => owner.session === session).map(([workspace]) => workspace)
}

/** Asks a node to give its workspaces away. Resolves when it has begun. */
export async function askToDrain(engine: Engine, node: string): Promise<void> {
  await engine.bus.request(drainTopicOf(node), new Uint8Array(), ANSWER_MS)
}

/** Asks a node for its state. Resolves with undefined if it does not answer. */
export async function askNodeStatus(engine: Engine, node: string): Promise<NodeStatus | undefined> {
  try {
    return fromBytes(status, await engine.bus.request(topicOf(node), new Uint8Array(), ANSWER_MS))
  } catch {
    // A node that is gone or stalled: its entry tells what is known, as of one of another version.
    return undefined
  }
}
