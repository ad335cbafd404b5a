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

/**
 * Reads the name and the secret that the nodes of a cluster have in common. The first node makes them. `known` is the name of the
 * cluster that this node's data belongs to. Rejects with `unknown_format`, with `engine_emptied` if the engine has no cluster's name and
 * this node knows one, and with the engine's errors.
 */
export async function clusterIdentity(engine: Pick<Engine, 'meta'>, known?: string): Promise<ClusterIdentity> {
  for (;;) {
    const found = await identityOf(engine)
    if (found !== undefined) return found
    if (known !== undefined) {
      const message =
        `this node belongs to the cluster ${known}, and the engine has nothing of it: correct the addresses, or, if the engine has lost ` +
        'all of its data, have it made anew from the nodes’ copies: "joinery cluster rebuild --data DIR --nodes n1,n2,n3" says how'
      throw new ClusterError('engine_emptied', message)
    }
    const made = makeIdentity()
    if (await enterIdentity(engine, made)) return made
  }
}

/** The identity that the engine has; undefined if it has none. Rejects as {@link clusterIdentity}. */
export async function identityOf({ meta }: Pick<Engine, 'meta'>): Promise<ClusterIdentity | undefined> {
  const entry = await meta.get(KEY)
  return entry && read(entry.value)
}

/** A new cluster's identity, or one with a new secret for a cluster that has a name. */
export function makeIdentity(id: string = randomUUID()): ClusterIdentity {
  return { id, format: FORMAT, secret: randomBytes(32).toString('base64url') }
}

/** Gives the engine a cluster's identity. Resolves with false if it has one. */
export async function enterIdentity({ meta }: Pick<Engine, 'meta'>, identity: ClusterIdentity): Promise<boolean> {
  return (await meta.create(KEY, toBytes(identity))) !== 'refused'
}

function read(value: Uint8Array): ClusterIdentity {
  const found = fromBytes(identity, value)
  if (found?.format === FORMAT) return found
  const message = 'this cluster was made by a newer version of Joinery: update this node first'
  throw new ClusterError('unknown_format', message)
}
