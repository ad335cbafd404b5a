import type { ClusterNode, Engine, Gateway } from '@joinery/cluster'
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
const toBytes = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

/** Answers operators who ask this node for its state. Returns the end of that. */
export function answerNodeAsks(engine: Engine, node: ClusterNode, gateway: Gateway): () => void {
  const { nodes } = node
  return engine.bus.respond(topicOf(nodes.self.node), async () => {
    const { self, trouble } = nodes
    const owned = [...node.ownership.owners()].filter(([, owner]) => owner.session === self.session).length
    const own = { pid: process.pid, owned, openPipes: gateway.counts.openPipes }
    return toBytes({ ...self, ...own, ...(trouble && { trouble: trouble.message }) } satisfies NodeStatus)
  })
}

/** Asks a node for its state. Resolves with undefined if it does not answer. */
export async function askNodeStatus(engine: Engine, node: string): Promise<NodeStatus | undefined> {
  try {
    const answer = await engine.bus.request(topicOf(node), new Uint8Array(), ANSWER_MS)
    return status.parse(JSON.parse(Buffer.from(answer).toString()))
  } catch {
    // A node that is gone, stalled or of another version: its entry tells what is known.
    return undefined
  }
}
