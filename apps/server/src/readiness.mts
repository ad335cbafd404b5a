import { statfs } from 'node:fs/promises'
import type { RebuildState } from '@joinery/cluster'
import type { EventStore } from '@joinery/log'
import type { Outbox } from '@joinery/resources'
import type { Server } from '@joinery/server'
import type { TaskEngine } from '@joinery/tasks'
import type { ServedCluster } from './cluster/served-cluster.mts'
import type { ServeConfig } from './serve-config.mts'

/** Body of an answer of `/readyz`: whether a load balancer should send traffic to this server. */
export interface Readiness {
  readonly status: 'ready' | 'not_ready'
  /** Reasons for which it is not ready, one line each. */
  readonly reasons: readonly string[]
  readonly storage: 'open' | 'failed' | 'closed'
  /** Disk of the data directory; undefined at durability `memory`. */
  readonly disk: { readonly freeBytes: number; readonly freeBytesMin: number } | undefined
  /** Number of open workspaces that are damaged. They are no reason: all other workspaces are served as usual. */
  readonly quarantined: number
  /** Tasks that are open, and journals of tasks that can't be read. They are no reason either. */
  readonly tasks: TaskEngine['extent']
  /** Endpoints of webhooks that are disabled, and deliveries that were given up; undefined without subscriptions. They are no reason either. */
  readonly webhooks: { readonly disabled: readonly string[]; readonly dead: number } | undefined
  /** This node of a cluster; undefined for a single server. */
  readonly cluster:
    | {
        readonly node: string
        readonly nodes: number
        readonly isDraining: boolean
        /** Whether the engine has its data, or lost it. */
        readonly engine: RebuildState['state']
        /** Logs whose history this node can't follow, the first of them. They are no reason. */
        readonly diverged: readonly string[]
      }
    | undefined
}

/** The deed of an operator about an engine that does not answer. */
const UNANSWERED =
  'See that most NATS servers run and that this node reaches them: edits are kept here until then, and not called saved'
/** Logs that one answer names. */
const LISTED_MAX = 20

interface Served {
  readonly server: Server
  readonly store: EventStore
  readonly tasks: Pick<TaskEngine, 'extent'>
  readonly cluster: Pick<ServedCluster, 'node'> | undefined
  readonly outbox: Pick<Outbox, 'endpoints' | 'dead'> | undefined
}

/** Looks at the state of storage, at the free space on its disk, and at the cluster. */
export async function readReadiness(
  { dataDirectory, durability, diskFreeBytesMin }: ServeConfig,
  { server, store, tasks, cluster, outbox }: Served,
): Promise<Readiness> {
  const { state } = store.state
  const reasons: string[] = []
  if (store.state.state === 'failed') reasons.push(`storage: ${store.state.error.message}`)
  if (store.state.state === 'closed') reasons.push('storage: closed')
  let disk: Readiness['disk']
  if (durability !== 'memory') {
    const { bavail, bsize } = await statfs(dataDirectory)
    disk = { freeBytes: bavail * bsize, freeBytesMin: diskFreeBytesMin }
    if (disk.freeBytes < disk.freeBytesMin) {
      reasons.push(`disk: ${disk.freeBytes} bytes are free, at least ${disk.freeBytesMin} must be (--disk-free)`)
    }
  }
  const nodes = cluster?.node.nodes
  if (nodes?.trouble !== undefined) {
    const advice = nodes.trouble.code === 'unavailable' ? `. ${UNANSWERED}` : ''
    reasons.push(`cluster: ${nodes.trouble.message}${advice}`)
  }
  const away = cluster?.node.store.awayCount ?? 0
  if (away > 0) {
    reasons.push(`cluster: ${away} workspaces are shown from this node’s own copies, and take no edits`)
  }
  const rebuild = cluster?.node.rebuild?.state
  if (rebuild?.state === 'waits') reasons.push(`cluster: ${rebuild.advice}`)
  if (rebuild?.state === 'foreign') {
    reasons.push(`cluster: the engine has the data of another cluster (${rebuild.cluster}): correct --cluster`)
  }
  if (nodes?.self.isDraining) reasons.push('cluster: this node gives its workspaces away')
  const place = nodes && {
    ...{ node: nodes.self.node, nodes: nodes.list().length, isDraining: nodes.self.isDraining },
    engine: rebuild?.state ?? 'whole',
    diverged: [...(cluster?.node.follower.problems.keys() ?? [])].slice(0, LISTED_MAX),
  }
  const disabled = [...(outbox?.endpoints ?? [])].filter(({ isDisabled }) => isDisabled).map(({ name }) => name)
  const status = reasons.length === 0 ? 'ready' : 'not_ready'
  return {
    status,
    reasons,
    storage: state,
    disk,
    quarantined: server.load().quarantined,
    tasks: tasks.extent,
    webhooks: outbox && { disabled, dead: outbox.dead },
    cluster: place,
  }
}
