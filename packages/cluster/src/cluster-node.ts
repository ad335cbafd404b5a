import { randomUUID } from 'node:crypto'
import { type AdoptingStore, type SteadyClock, systemSteadyClock } from '@joinery/log'
import { digestOfDocument } from '@joinery/server'
import type { Engine } from './engine/engine.ts'
import { Patience } from './engine/patience.ts'
import { LATER_KINDS } from './history/message.ts'
import type { ClusterIdentity } from './nodes/cluster-identity.ts'
import { ClusterOwnership, type Owner } from './nodes/cluster-ownership.ts'
import { Events } from './nodes/events.ts'
import { Locks } from './nodes/locks.ts'
import { Nodes } from './nodes/nodes.ts'
import { assertReadable } from './nodes/readable-kinds.ts'
import { answerChecks, type CheckedLog, type CheckOptions, checkLogs } from './store/check.ts'
import { Follower } from './store/follower.ts'
import { answerCopies, OtherCopies } from './store/other-copies.ts'
import { Purges } from './store/purges.ts'
import { Rebuild } from './store/rebuild.ts'
import { ReplicatedStore, type ReplicatedStoreOptions } from './store/replicated-store.ts'

export interface ClusterNodeOptions {
  /** This node's connection to the engine. {@link ClusterNode.close} closes it. */
  readonly engine: Engine
  /** The store in this node's directory. {@link ClusterNode.close} closes it. */
  readonly store: AdoptingStore
  /** Name of this node: it stays over restarts. */
  readonly node: string
  /** Where other nodes and gateways reach this node, as `host:port`. */
  readonly advertise: string
  readonly version?: string
  /** Id of the data that all nodes share. By default that of this node's own store. */
  readonly copy?: string
  /** Name and secret of the cluster. With them an engine that has lost all of its data is made anew from the nodes' copies. */
  readonly identity?: ClusterIdentity
  /** False if an edit counts as durable once this node has it. It is replicated all the same. */
  readonly awaitsReplication?: boolean
  /** As {@link ReplicatedStoreOptions.holdsPurged}. */
  readonly holdsPurged?: boolean
  /** Asks again while the engine does not answer: by default nothing is asked again. */
  readonly patience?: Patience
  readonly logger?: ReplicatedStoreOptions['logger']
  readonly clock?: SteadyClock
  /** Called when another process has taken this node's name: this one must end. */
  readonly onReplaced?: () => void
}

/** One node of a cluster: its store, whose logs are replicated, and what it knows of the others. */
export interface ClusterNode {
  /** The store to give to the server. Opening a log claims its workspace and takes its history over. */
  readonly store: ReplicatedStore
  /** Keeps this node's copies up to what others write. */
  readonly follower: Follower
  /** Tells whether the engine has lost its data, and has it made anew; undefined without an identity. */
  readonly rebuild: Rebuild | undefined
  readonly nodes: Nodes
  readonly ownership: ClusterOwnership
  readonly locks: Locks
  readonly events: Events
  /** The owner of a workspace, as far as this node has heard; undefined for none. It may be dead by now. */
  ownerOf(workspace: string): Owner | undefined
  /** Compares the copies of all nodes with the history, one log after the other: see {@link checkLogs}. */
  check(options?: CheckOptions): AsyncIterable<CheckedLog>
  /** Says that this node gives its workspaces away. The server then closes its rooms, which releases them. */
  drain(): Promise<void>
  /** Leaves the cluster, then closes the store and the connection to the engine. Idempotent. */
  close(): Promise<void>
}

/**
 * Enters a cluster. Rejects with `name_taken` if a living node has the name, and with the engine's errors. The engine and the store
 * stay open then.
 */
export async function openClusterNode(options: ClusterNodeOptions): Promise<ClusterNode> {
  const { engine, store: local, node, advertise, version = '', clock = systemSteadyClock, onReplaced } = options
  const { awaitsReplication, copy, identity, holdsPurged, logger } = options
  const session = randomUUID()
  const self = { node, session, address: advertise, version, isDraining: false, kinds: [...LATER_KINDS] }
  const { patience = new Patience({ waitMs: 0 }) } = options
  const nodes = await patience.ask('the entry of this node', () => {
    return Nodes.join({ engine, self, clock, ...(onReplaced && { onReplaced }) })
  })
  const ownership = await patience
    .ask('the owners of workspaces', () => ClusterOwnership.open(engine, nodes, clock))
    .catch(async (error: unknown) => {
      // An entry that can't be taken away ends by itself.
      await nodes.leave().catch(() => undefined)
      throw error
    })
  const purges = await patience
    .ask('the notes of what was purged', () => Purges.open(engine, local, clock))
    .catch(async (error: unknown) => {
      ownership.close()
      await nodes.leave().catch(() => undefined)
      throw error
    })
  const events = new Events(engine.bus, { node, session })
  const store = new ReplicatedStore({
    ...{ local, engine, ownership, node, session, clock, purges },
    assertReadable: (workspace, kind) => assertReadable(nodes, workspace, kind),
    others: new OtherCopies({
      ...{ engine, nodes, clock, cluster: identity?.id },
      needed: async (workspace) => (await rebuild?.needed(workspace)) ?? [],
      purged: (workspace) => purges.ask(workspace),
    }),
    ...(copy !== undefined && { copy }),
    ...(holdsPurged !== undefined && { holdsPurged }),
    ...(awaitsReplication !== undefined && { awaitsReplication }),
    ...(logger && { logger }),
  })
  const unanswer = [
    answerChecks(engine, node, store, digestOfDocument),
    answerCopies(engine, node, store, identity?.id),
  ]
  const follower = await Follower.start({ engine, store, clock, logger })
  const rebuild = identity && new Rebuild({ engine, identity, nodes, ownership, store, clock, logger })
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    for (const end of unanswer) end()
    await rebuild?.close()
    await follower.close()
    events.close()
    ownership.close()
    await nodes.leave()
    await store.close()
    await engine.close()
  }
  return {
    ...{ store, follower, rebuild, nodes, ownership, events, locks: new Locks(engine) },
    ownerOf: (workspace) => ownership.ownerOf(workspace),
    check: (options) => {
      const names = nodes.list().map((each) => each.node)
      return checkLogs(engine, names, options)
    },
    drain: () => nodes.drain(),
    close: () => {
      closed ??= close()
      return closed
    },
  }
}
