import { randomUUID } from 'node:crypto'
import { type SteadyClock, systemSteadyClock } from '@joinery/log'
import type { Engine } from '../engine/engine.ts'
import { MemoryEngine } from '../engine/memory/memory-engine.ts'
import { ClusterError } from '../nodes/cluster-error.ts'
import { Events, type RoutingRule } from '../nodes/events.ts'
import { Locks } from '../nodes/locks.ts'
import { Nodes } from '../nodes/nodes.ts'
import { ConsensusEngine } from './consensus-engine.ts'
import { MemoryCopies } from './memory-copies.ts'
import { NodeManager } from './node-manager.ts'
import { type Copies, StateSynchronizer } from './state-synchronizer.ts'

/**
 * - `single`: one machine without an engine. All is in this process, and ends with it.
 * - `cluster`: several machines on an engine, which stays the caller's.
 * - `p2p`: machines without anything between them. It is `unsupported`.
 */
export type Deployment =
  | { readonly mode: 'single' }
  | { readonly mode: 'cluster'; readonly engine: Engine }
  | { readonly mode: 'p2p' }

export interface InterfacesOptions {
  /** Name of this node. */
  readonly node: string
  /** Where other nodes reach it, as `host:port`. */
  readonly address: string
  readonly version?: string
  readonly rules?: readonly RoutingRule[]
  /** This node's copies of the logs; by default it keeps them in memory. */
  readonly copies?: Copies
  readonly clock?: SteadyClock
}

/** The cluster as programs see it, the same in each deployment. */
export interface ClusterInterfaces {
  readonly consensus: ConsensusEngine
  readonly nodes: NodeManager
  readonly state: StateSynchronizer
  readonly locks: Locks
  readonly events: Events
  /** Leaves the cluster. Idempotent. */
  close(): Promise<void>
}

/** Opens the interfaces of one node. Rejects with `unsupported` for `p2p`, with `name_taken`, and with the engine's errors. */
export async function openInterfaces(deployment: Deployment, options: InterfacesOptions): Promise<ClusterInterfaces> {
  const { mode } = deployment
  if (mode === 'p2p') {
    const message = 'the deployment p2p is not supported: choose single for one machine, or cluster for several'
    throw new ClusterError('unsupported', message)
  }
  const { node, address, version = '', rules = [], copies = new MemoryCopies(), clock = systemSteadyClock } = options
  const engine = mode === 'single' ? new MemoryEngine({ clock }).connect(node) : deployment.engine
  const self = { node, session: randomUUID(), address, version, isDraining: false }
  const nodes = await Nodes.join({ engine, self, clock })
  const consensus = new ConsensusEngine({ engine, node, clock, isAlone: mode === 'single' })
  const events = new Events(engine.bus, self, rules)
  const state = new StateSynchronizer({ engine, nodes, events, copies })
  await engine.bus.settled()
  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    consensus.close()
    state.close()
    events.close()
    await nodes.leave()
    if (mode === 'single') await engine.close()
  }
  return {
    ...{ consensus, events, state, nodes: new NodeManager(engine, nodes), locks: new Locks(engine, clock) },
    close: () => {
      closed ??= close()
      return closed
    },
  }
}
