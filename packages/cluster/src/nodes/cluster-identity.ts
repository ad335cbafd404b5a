import { randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import type { Engine } from '../engine/engine.ts'
import { ClusterError } from './cluster-error.ts'
import { fromBytes, toBytes } from './json-value.ts'

const KEY = 'cluster'
const FORMAT = 1

const identity = z.object({
  /** Name of this cluster for good: data of one cluster never gets into another. */
  id: z.string(),
  format: z.int(),
  /** Proves to a node that a request comes from another node. Nobody has it who can't read the engine's keys. */
  secret: z.string().min(32),
})

export type ClusterIdentity = Readonly<z.infer<typeof identity>>

/** Reads the name and the secret that the nodes of a cluster have in common. The first node makes them. Rejects with `unknown_format`, and with the engine's errors. */
export async function clusterIdentity(engine: Pick<Engine, 'meta'>): Promise<ClusterIdentity> {
  const { meta } = engine
  for (;;) {
    const entry = await meta.get(KEY)
    if (entry !== undefined) return read(entry.value)
    const made = { id: randomUUID(), format: FORMAT, secret: randomBytes(32).toString('base64url') }
    if ((await meta.create(KEY, toBytes(made))) !== 'refused') return made
  }
}

function read(value: Uint8Array): ClusterIdentity {
  const found = fromBytes(identity, value)
  if (found?.format === FORMAT) return found
  const message = 'this cluster was made by a newer version of Joinery: update this node first'
  throw new ClusterError('unknown_format', message)
}
